# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of GRUB 2.06's command multiboot2 on a PC."""

from __future__ import annotations

from ..names import GRUB_MULTIBOOT2
from .grub import files, memory, multiboot
from .rule import of

RULES = of(GRUB_MULTIBOOT2, files.RULES, multiboot.RULES, memory.RULES)
