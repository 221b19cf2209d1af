# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of GRUB 2.06's command linux on a PC."""

from __future__ import annotations

from ..names import GRUB_LINUX
from .grub import files, linux, memory
from .rule import of

RULES = of(GRUB_LINUX, files.RULES, linux.RULES, memory.RULES)
