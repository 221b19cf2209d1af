# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Translate addresses by page tables of x86-64, and find the tables that a guest uses.

QEMU's stub and its dumps translate addresses by the tables of CR3.  That is not enough for a PVH
guest of Xen, whose physical addresses Xen translates once more (nested paging) by a second set of
tables, which no register shows.  It is found by searching the memory for tables that map the code
of the image.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ...abi import PAGE_LARGE, PAGE_PRESENT, PAGE_SIZE

_FRAME = 0x000F_FFFF_FFFF_F000
_ENTRY = struct.Struct("<Q")

Read = Callable[[int, int], bytes]
"""A function that returns the memory at an address, of a size; less where the memory ends."""


class Mapped(NamedTuple):
    """The translation of an address."""

    address: int
    left: int
    """The number of bytes from it to the end of its page."""


class Tables:
    """Page tables, with pages of 4 KiB, 2 MiB or 1 GiB.

    read: reads the memory that has the tables and the pages.  root: the value of CR3.
    """

    def __init__(self, read: Read, root: int) -> None:
        self._read = read
        self.root = root & _FRAME

    def find(self, address: int) -> Mapped | None:
        """Translate an address; return None if it is not mapped."""
        table = self.root
        for shift in (39, 30, 21, 12):
            entry = self._read(table + (address >> shift & 511) * 8, 8)
            value = _ENTRY.unpack(entry)[0] if len(entry) == 8 else 0
            if not value & PAGE_PRESENT:
                return None
            if shift == 12 or (shift in (21, 30) and value & PAGE_LARGE):
                size = 1 << shift
                start = value & _FRAME & -size
                return Mapped(start + (address & (size - 1)), size - (address & (size - 1)))
            table = value & _FRAME
        return None

    def read(self, address: int, size: int) -> bytes:
        """Return the bytes from an address on, as far as they are mapped."""
        found = b""
        while size and (mapped := self.find(address)):
            part = self._read(mapped.address, min(size, PAGE_SIZE - address % PAGE_SIZE))
            found += part
            address, size = address + len(part), size - len(part)
            if not part:
                break
        return found

    def mapped(self) -> Iterator[tuple[int, Mapped]]:
        """Yield the address of each page that is mapped, in order, with its translation."""
        return self._below(self.root, 39, 0)

    def _below(self, table: int, shift: int, base: int) -> Iterator[tuple[int, Mapped]]:
        """Yield the pages that a table maps from address base on; 1 << shift: bytes of an entry."""
        entries = self._read(table, PAGE_SIZE)
        for number, (value,) in enumerate(_ENTRY.iter_unpack(entries[: len(entries) // 8 * 8])):
            if not value & PAGE_PRESENT:
                continue
            address = base + (number << shift)
            if shift == 39 and number >= 256:
                address |= -1 << 48 & (1 << 64) - 1
            if shift == 12 or (shift in (21, 30) and value & PAGE_LARGE):
                size = 1 << shift
                yield address, Mapped(value & _FRAME & -size, size)
            else:
                yield from self._below(value & _FRAME, shift - 9, address)


def find_tables(
    read: Read, size: int, address: int, is_right: Callable[[Tables], bool]
) -> Tables | None:
    """Return the first tables that map an address, and for which is_right() is true; or None.

    size: the size of the memory in bytes.
    """
    slot = (address >> 39 & 511) * 8
    for root in range(0, size, PAGE_SIZE):
        entry = read(root + slot, 8)
        if len(entry) == 8 and entry[0] & PAGE_PRESENT:
            tables = Tables(read, root)
            if tables.find(address) and is_right(tables):
                return tables
    return None
