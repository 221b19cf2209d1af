# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of libkrun 1.19.0 for KRUN_KERNEL_FORMAT_ELF: an ELF64, by PVH or at e_entry."""

from __future__ import annotations

from ..names import LIBKRUN
from .linux_loader import elf, entry
from .rule import of

RULES = of(
    LIBKRUN,
    elf.HEADER_RULES,
    elf.SEGMENT_RULES,
    entry.RULES,
)
