# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The configuration: Kconfig, the saved .config and NAME=value, to one value for each symbol.

What a Kconfig tree and a .config mean is what Linux's scripts/kconfig makes of them.

library        kconfiglib, mended where C kconfig computes another value
kconf          reads a tree of Kconfig files
declared       symbols that a SConstruct declares instead
checks         what C kconfig warns of in such a tree
assignments    what somebody wants a symbol to be, and where they said so
saved          reads and writes .config, defconfigs and fragments
texts          .config, autoconf.h and the shortest configuration as text
overrides      makes NAME=value hold for one run
reasons        why a symbol has its value, and not another
configuration  all of these together, for one build
merge          a configuration to be saved: of files, all y or n, or at random
frontend       kconfiglib's menuconfig, guiconfig and oldconfig
listing        a configuration for programs
why            the smallest settings that give a symbol a value

Kconfiglib is known to this package only.
"""
