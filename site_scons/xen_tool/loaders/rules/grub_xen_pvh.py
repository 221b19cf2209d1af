# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of pvgrub as a PVH domain, i386-xen_pvh of GRUB 2.06.

Of its commands, multiboot2 or multiboot loads a file that has its header, and linux any other file.
None of them knows PVH.
"""

from __future__ import annotations

from ..names import GRUB_XEN_PVH
from .grub import files, linux, memory, multiboot
from .rule import of

RULES = of(GRUB_XEN_PVH, files.RULES, multiboot.RULES, linux.RULES, memory.RULES)
