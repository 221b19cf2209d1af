# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Model `kexec -c -l` of kexec-tools 2.0.25, as Debian builds it: it unpacks nothing.

elf      whether a file is an ELF executable for kexec
files    the type of a file
memory   the memory that a file asks for
"""
