# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compute what each loader reads of an image, and where it puts it, for the rules to judge.

releases     the Xen whose loaders are modelled
candidate    an image as one loader of one Xen sees it, the argument of rules' conditions
unwrapped    the bytes that each loader finds in the containers of a file
xen_efi      the kernel in Xen's EFI binary
decoders     the limits of the decoders of Xen and of libxenguest
libelf/      notes, addresses and features, as Xen's ELF loader reads them
initial_map  the virtual memory that a PV dom0 starts with
overlaps     segments that overwrite each other
pc_memory    the physical memory of PCs
linux_loader, crosvm   what these loaders read of an image
grub/, kexec/          the same of GRUB, of its commands and platforms, and of kexec
multiboot    headers of multiboot and multiboot 2, and of Xen's format of raw images
where        descriptions of places in an image, for messages
"""
