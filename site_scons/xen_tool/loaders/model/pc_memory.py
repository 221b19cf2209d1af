# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The physical memory of PCs, in bytes.  Used by models and rules of where an image is loaded."""

from __future__ import annotations

LOW_RAM_END = 0x9F000
"""The end of RAM below 640 KiB; behind it is the BIOS's data, video memory, and ROM."""
HIGH_RAM_START = 1 << 20
SMALL_RAM_END = 256 << 20
"""The end of RAM of the small machine that rules assume."""
LARGEST_RAM_END = 3 << 30
"""The highest end of RAM below 4 GiB, where devices are."""
ABOVE_DEVICES = 4 << 30
PHYSICAL_END = 1 << 52
"""The end of the physical addresses of x86."""
