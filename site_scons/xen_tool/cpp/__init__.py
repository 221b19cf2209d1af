# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a C or assembly source depends on, before any compiler has seen it.

    text -> directives -> macros (expansion, #if) -> scan (headers, CONFIG_ symbols, .incbin)

The preprocessor's rules as far as they decide which files are read.  Where
only the compiler knows (its predefined macros, __has_include), both answers
are taken: a dependency too many, never one too few.
"""
