# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of libkrun 1.19.0 for KRUN_KERNEL_FORMAT_ELF: an ELF64, by PVH or at e_entry."""

from __future__ import annotations

from ..names import LIBKRUN
from .linux_loader import elf_load, entry_rules
from .rule import of

RULES = of(
    LIBKRUN,
    elf_load.HEADER_RULES,
    elf_load.SEGMENT_RULES,
    entry_rules.RULES,
)
