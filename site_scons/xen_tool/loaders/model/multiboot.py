# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Headers of three words, a magic, flags and a checksum, which loaders look for in a file's start.

Multiboot has one, and Xen's own format of raw images has another of its shape.
"""

from __future__ import annotations

from ...image.data import Data

MAGIC = 0x1BADB002
"""Of multiboot's (Multiboot Specification 0.6.96, 3.1.2)."""


def find(data: Data, magic: int, before: int) -> tuple[int, int] | None:
    """Offset and flags of the first that starts at a multiple of 4 below before; None: no such.

    All of its words are to be there, and their sum to be 0.
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
