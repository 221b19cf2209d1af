# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The Kconfig language, read and evaluated as C kconfig does.

library        imports kconfiglib, with corrections where C kconfig computes another value
symbol_values  computes the value of a symbol, as C kconfig does
kconf          reads a tree of Kconfig files
parser         parses them as C kconfig does
lexer          corrects lines that kconfiglib reads otherwise
problems       warns of the mistakes in such a tree that C kconfig warns of
declared       writes Kconfig for symbols that a SConstruct declares
"""
