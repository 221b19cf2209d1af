# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The configuration: Kconfig, the saved .config and NAME=value, to one value for each symbol.

What a Kconfig tree and a .config mean is what Linux's scripts/kconfig makes of them.

language/      reads Kconfig files and computes values as C kconfig does
conditions     whether an expression of symbols holds
assignments    what somebody wants a symbol to be, and where they said so
saved          reads and writes .config, defconfigs and fragments
texts          .config, autoconf.h and the shortest configuration as text
explain/       why a symbol has its value, and how it gets another
overrides      makes NAME=value hold for one run
configuration  all of these together, for one build
merge          a configuration to be saved: of files, of one value, or at random
frontends/     menuconfig, guiconfig and oldconfig
targets        what each target does to the saved configuration

Kconfiglib is known to this package only.
"""
