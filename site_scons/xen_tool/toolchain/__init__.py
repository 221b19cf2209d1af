# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compilers, assemblers and linkers: find them, and find the files that their commands read.

programs   finds a compiler and a linker
flags      the default flags of each
versions   checks that a compiler is new enough
launcher   a command before the compiler, such as ccache
words      the files and folders that the words of a command name
archive    the members of thin archives
"""
