# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A model of what Xen's libelf, in the hypervisor and in libxenguest, reads from an ELF file.

parms      struct elf_dom_parms as the notes fill it; read this first
addresses  where libelf puts the kernel, also of struct elf_dom_parms
features   the names in FEATURES
legacy     the string in the section __xen_guest
"""
