# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compilers, assemblers and linkers.

programs   which are there, and the flags with which they make a kernel
words      the files and folders that the words of their commands name
"""
