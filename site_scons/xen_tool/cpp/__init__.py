# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a C or assembly source depends on, before any compiler has seen it.

    directives   text -> directives, CONFIG_ names
    expansion    tokens -> expanded tokens
    expression   expanded tokens -> the value of an #if
    macros       what is defined at one place
    options      command line -> search path, macros
    sources      the search for files
    scan         all of these -> headers, CONFIG_ symbols, .incbin files

The preprocessor's rules as far as they decide which files are read.  Where
only the compiler knows (its predefined macros, __has_include), both answers
are taken: a dependency too many, never one too few.

Out of sight: files whose names are made of what only the compiler knows, or
by the assembler's own macros; macros changed by _Pragma("push_macro"); names
of CONFIG_ symbols pasted of pieces (a lone CONFIG_ stands for all).
"""
