# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of Firecracker 1.16.1, which starts an ELF64 by PVH or by Linux's boot protocol."""

from __future__ import annotations

from ..names import FIRECRACKER
from .linux_loader import elf_load, entry_rules
from .rule import of

RULES = of(
    FIRECRACKER,
    elf_load.HEADER_RULES,
    elf_load.SEGMENT_RULES,
    entry_rules.RULES,
)
