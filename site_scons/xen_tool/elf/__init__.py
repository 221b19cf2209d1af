# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Bytes of the ELF format: notes, machine code and relocatable objects."""
