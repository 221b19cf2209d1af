# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of Cloud Hypervisor 53.0, which starts an ELF64 by PVH, or a bzImage."""

from __future__ import annotations

from ..names import CLOUD_HYPERVISOR
from .linux_loader import bzimage, elf_load, entry_rules
from .rule import of

RULES = of(
    CLOUD_HYPERVISOR,
    bzimage.RULES,
    elf_load.HEADER_RULES,
    elf_load.SEGMENT_RULES,
    entry_rules.RULES,
)
