# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compilers, assemblers and linkers: find them, and find the files that their commands read.

programs   finds a compiler and a linker, and the flags to build a kernel with them
versions   checks that a compiler is new enough
launcher   a command before the compiler, such as ccache
words      the files and folders that the words of a command name
archive    the members of thin archives
"""
