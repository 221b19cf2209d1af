# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The G rules of GRUB 2.06, which its commands have in common on a PC and in a PVH domain.

files       files that are damaged
linux       the command linux
multiboot   the commands multiboot and multiboot2
memory      what depends on the machine
"""
