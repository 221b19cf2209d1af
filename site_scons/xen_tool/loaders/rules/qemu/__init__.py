# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules and conditions of qemu-system-x86_64 -kernel.

files has the rules of the file format, multiboot those of a multiboot header; QEMU checks both
before PVH.  entry_note has conditions on the note PHYS32_ENTRY, segments on segments.
"""
