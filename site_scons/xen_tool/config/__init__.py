# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The configuration: compute the value of each Kconfig symbol, and explain and save values.

The values come from Kconfig files, the saved .config and NAME=value on the command line.  A
Kconfig tree and a .config mean what Linux's scripts/kconfig ("C kconfig") reads in them.

Values:
    language/      reads Kconfig files and computes values as C kconfig does
    conditions     evaluates expressions of symbols, such as SMP && X86_64
    assignments    assignments to symbols, and where each was made
    overrides      applies NAME=value to one run
    configuration  all of these together, for one build
    explain/       why a symbol has its value, and which settings change it

Files:
    saved          reads and writes .config, defconfigs and fragments
    texts          .config, autoconf.h and the shortest configuration as text
    merge          configurations merged from files, with all symbols at one value, or random

Targets:
    frontends/     menuconfig, guiconfig and oldconfig
    targets        the configuration targets, with the names of Linux

Only this package uses kconfiglib.
"""
