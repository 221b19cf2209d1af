# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules and conditions of qemu-system-x86_64 -kernel.

files has the rules of the file format, multiboot those of a multiboot header; QEMU checks both
before PVH.  memory has the rules of what lies where the kernel has no memory.  entry_note has
conditions on the note PHYS32_ENTRY, segments on segments.
"""
