# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Model how GRUB 2.06 reads a kernel file, on a PC and in a domain of Xen (pvgrub).

filters      the streams that GRUB unpacks as it reads
files        the bytes that GRUB reads as the file, and the command that loads it
linux        the command linux: bzImages
multiboot    the commands multiboot and multiboot2: their headers, and files without ELF
elf          the ELF files that these commands load
memory       the memory that a kernel takes
xen          x86_64-xen and i386-xen, which start another PV kernel in their place
"""
