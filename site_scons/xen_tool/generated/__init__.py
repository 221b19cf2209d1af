# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Files that are generated while a kernel is built, from what the compiler or linker wrote.

offsets     asm-offsets.h: sizes and offsets of C types, for assembler sources
kallsyms    an object with a table of the symbols of the image that it is linked into
"""
