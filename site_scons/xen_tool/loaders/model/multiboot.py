# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find headers of multiboot and of multiboot 2 near the start of a file.

A multiboot header begins with three words: magic, flags and checksum.  The table in Xen's raw
images has the same form, and another magic.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...image.data import Data
from ...image.elf import MASK_32

MAGIC = 0x1BADB002
"""The magic of multiboot (Multiboot Specification 0.6.96, 3.1.2)."""
MAGIC_2 = 0xE85250D6
"""The magic of multiboot 2 (Multiboot2 Specification 2.0, 3.1.2)."""
HAS_VIDEO_MODE = 0x00000004
"""The flag of a multiboot header that requests a video mode (3.1.3)."""
HAS_ADDRESSES = 0x00010000
"""The flag of a multiboot header that has addresses (3.1.3)."""


def find(data: Data, magic: int, before: int) -> tuple[int, int] | None:
    """Return offset and flags of the first header with a magic; None if there is none.

    A header starts at a multiple of 4 below before, and the sum of its three words is 0.  Words
    after the end of the file count as 0.
    """
    head = data.read(0, before + 12)
    wanted = magic.to_bytes(4, "little")
    offset = head.find(wanted, 0, before + 3)
    while offset >= 0:
        words = [int.from_bytes(head[offset + i : offset + i + 4], "little") for i in (0, 4, 8)]
        if offset % 4 == 0 and sum(words) & MASK_32 == 0:
            return offset, words[1]
        offset = head.find(wanted, offset + 1, before + 3)
    return None


def find_2(data: Data, search: int) -> Iterator[tuple[int, int]]:
    """Yield offset and architecture of the multiboot 2 headers in the first search bytes of a file.

    A header starts at a multiple of 8, and the sum of its four words is 0 (Multiboot2
    Specification 2.0, 3.1.1).
    """
    head = data.read(0, search)
    wanted = MAGIC_2.to_bytes(4, "little")
    offset = head.find(wanted)
    while offset >= 0:
        words = [int.from_bytes(head[offset + i : offset + i + 4], "little") for i in (0, 4, 8, 12)]
        is_whole = offset % 8 == 0 and offset + 16 <= len(head)
        if is_whole and sum(words) & MASK_32 == 0:
            yield offset, words[1]
        offset = head.find(wanted, offset + 1)


def entry_addr(data: Data, offset: int) -> int:
    """Return the address of the entry from a multiboot header with addresses, at offset (3.1.3)."""
    return data.unsigned(offset + 28, 4) or 0
