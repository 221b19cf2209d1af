# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Page tables of x86-64 (Intel SDM volume 3, chapter 4.5), made entry by entry and read again."""

from __future__ import annotations

import random
import struct

import pytest

from xen_tool.boot.debugger.tables import Mapped, Tables, find_tables

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
PRESENT, LARGE, IGNORED = 1, 1 << 7, 0xFFF0_0000_0000_0F66
"""IGNORED: all other bits of an entry, such as writable, accessed, and no-execute."""


class Memory:
    """A memory in which pages are mapped one by one."""

    def __init__(self) -> None:
        self.content = bytearray(4 * KIB)
        self.root = self._new()

    def _new(self) -> int:
        self.content += bytes(4 * KIB)
        return len(self.content) - 4 * KIB

    def map(self, virtual: int, physical: int, size: int) -> None:
        """Map a page of a size at a virtual address; all ignored bits of the entries are set."""
        table, span = self.root, 512 * GIB
        while True:
            place = table + virtual // span % 512 * 8
            if span == size:
                # In an entry of a 4 KiB page the bit PS has another meaning (PAT).
                struct.pack_into("<Q", self.content, place, physical | PRESENT | IGNORED | LARGE)
                return
            (entry,) = struct.unpack_from("<Q", self.content, place)
            table = entry & 0x000F_FFFF_FFFF_F000 if entry else self._new()
            struct.pack_into("<Q", self.content, place, table | PRESENT | IGNORED)
            span //= 512

    def read(self, address: int, size: int) -> bytes:
        """Return bytes within a page, as gdb's memory does; fewer at the end of the memory."""
        assert address // (4 * KIB) == (address + size - 1) // (4 * KIB)
        return bytes(self.content[address : address + size])


KERNEL = 0xFFFF_FFFF_8000_0000
PAGES = [
    (0, 3 * MIB, 4 * KIB),
    (0x1000, 0x0005_5555_0000_0000, 4 * KIB),
    (0x7FFF_FFFF_F000, 5 * MIB, 4 * KIB),
    (KERNEL, 8 * MIB, 2 * MIB),
    (KERNEL + 2 * MIB, 2 * MIB, 4 * KIB),
    (0xFFFF_8000_0000_0000, 3 * GIB, GIB),
]


@pytest.fixture
def memory() -> Memory:
    memory = Memory()
    for page in PAGES:
        memory.map(*page)
    return memory


def test_each_page_is_found(memory: Memory) -> None:
    # CR3 has flags, too.
    tables = Tables(memory.read, memory.root | 0xFFF)
    assert tables.root == memory.root
    for virtual, physical, size in PAGES:
        for offset in (0, 1, size // 2, size - 1):
            assert tables.find(virtual + offset) == Mapped(physical + offset, size - offset)
    for free in (0x2000, 0x7FFF_FFFF_E000, KERNEL - 1, KERNEL + 2 * MIB + 4 * KIB, 1 << 40):
        assert tables.find(free) is None


def test_all_pages_are_listed_in_order(memory: Memory) -> None:
    found = list(Tables(memory.read, memory.root).mapped())
    assert found == [(virtual, Mapped(at, size)) for virtual, at, size in sorted(PAGES)]


def test_bytes_are_read_up_to_what_is_not_mapped() -> None:
    memory = Memory()
    places = list(range(16, 48))
    random.Random(1).shuffle(places)
    for number, place in enumerate(places):
        memory.map(KERNEL + number * 4 * KIB, place * 4 * KIB, 4 * KIB)
    memory.content += bytes(48 * 4 * KIB - len(memory.content))
    content = random.Random(2).randbytes(len(places) * 4 * KIB)
    for number, place in enumerate(places):
        part = content[number * 4 * KIB :][: 4 * KIB]
        memory.content[place * 4 * KIB : (place + 1) * 4 * KIB] = part
    tables = Tables(memory.read, memory.root)
    for start, size in ((0, 1), (4095, 2), (1234, 9 * 4 * KIB), (0, len(content))):
        assert tables.read(KERNEL + start, size) == content[start : start + size]
    assert tables.read(KERNEL + 5000, 1 << 20) == content[5000:]
    # The page is mapped, but beyond the memory.
    memory.map(KERNEL + len(content), GIB, 4 * KIB)
    assert tables.read(KERNEL + 5000, 1 << 20) == content[5000:]
    assert tables.read(KERNEL - 1, 2) == b""


def test_tables_are_searched_in_the_whole_memory(memory: Memory) -> None:
    wrong = memory.root
    memory.root = memory._new()
    memory.map(KERNEL, 16 * MIB, 4 * KIB)
    size = len(memory.content)

    def search(address: int, right: int | None) -> int | None:
        def is_right(tables: Tables) -> bool:
            found = tables.find(address)
            return found is not None and right in (None, found.address)

        found = find_tables(memory.read, size, address, is_right)
        return found.root if found else None

    assert search(KERNEL, 16 * MIB) == memory.root
    assert search(KERNEL, 8 * MIB) == wrong
    assert search(KERNEL, None) == wrong
    assert search(KERNEL, 9 * MIB) is None
    assert search(1 << 40, None) is None
