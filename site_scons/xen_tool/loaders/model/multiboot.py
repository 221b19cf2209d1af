# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find headers of three words, magic, flags and checksum, near the start of a file.

Multiboot has such a header, and so has Xen's own format of raw images.
"""

from __future__ import annotations

from ...image.data import Data

MAGIC = 0x1BADB002
"""The magic of multiboot (Multiboot Specification 0.6.96, 3.1.2)."""
HAS_VIDEO_MODE = 0x00000004
"""The flag of a multiboot header that requests a video mode (3.1.3)."""
HAS_ADDRESSES = 0x00010000
"""The flag of a multiboot header that has addresses (3.1.3)."""


def find(data: Data, magic: int, before: int) -> tuple[int, int] | None:
    """Return offset and flags of the first header; None if there is none.

    It starts at a multiple of 4 below before, has all of its words, and their sum is 0.
    """
    head = data.read(0, before + 12)
    wanted = magic.to_bytes(4, "little")
    offset = head.find(wanted, 0, before + 3)
    while offset >= 0:
        words = [int.from_bytes(head[offset + i : offset + i + 4], "little") for i in (0, 4, 8)]
        if offset % 4 == 0 and sum(words) & 0xFFFFFFFF == 0:
            return offset, words[1]
        offset = head.find(wanted, offset + 1, before + 3)
    return None


def entry_addr(data: Data, offset: int) -> int:
    """Return the physical entry of the multiboot header at offset, which has addresses (3.1.3)."""
    return data.unsigned(offset + 28, 4) or 0
