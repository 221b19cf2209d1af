# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The checks of libelf, which libxenguest and Xen run on a kernel, as rows of several loaders.

headers     E rules: ELF and program headers
note_rules  N and F rules: how the notes are read
checks      C and A rules: the notes that must be there, and the addresses that follow from them
"""
