# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The Kconfig language as C kconfig reads it.

library   kconfiglib, mended where C kconfig does something else
values    the value of a symbol, as C kconfig computes it
kconf     reads a tree of Kconfig files
checks    what C kconfig warns of in such a tree
declared  symbols that a SConstruct declares instead
"""
