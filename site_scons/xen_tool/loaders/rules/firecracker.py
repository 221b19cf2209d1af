# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of Firecracker 1.16.1, which starts an ELF64 by PVH or by Linux's boot protocol."""

from __future__ import annotations

from ..names import FIRECRACKER
from .linux_loader import elf, entry
from .rule import of

RULES = of(
    FIRECRACKER,
    elf.HEADER_RULES,
    elf.SEGMENT_RULES,
    entry.RULES,
)
