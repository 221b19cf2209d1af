# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Xen's libelf, of the hypervisor and of libxenguest: what it reads, and the rules it applies.

Read parms.py and addresses.py first: they are struct elf_dom_parms, as the rules see it.
"""
