# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A kernel image as its loaders read it: containers, ELF headers and notes."""
