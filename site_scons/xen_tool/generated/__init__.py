# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What kernels generate while they are built: numbers of C for assembler, a table of symbols.

offsets     asm-offsets.h from the assembler code that a compiler makes
kallsyms    an object that holds the symbols of the image that it is linked into
"""
