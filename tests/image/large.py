# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Images whose tables are as large as their fields allow, which cost a reader of all much memory.

Each is good_both() with tables of headers, notes, relocations or symbols behind it.
"""

from __future__ import annotations

import gzip
import itertools
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace

from loaders.good import good_both
from loaders.images import LOADED_AT, RWX, Segment, note_segment
from xen_tool.abi import XenElfNote
from xen_tool.elf import spec

MOST = 65535
MIB = 1 << 20

Row = tuple[int, int, int, int, int, int, int, int, int, int]
"""A section header: sh_name to sh_entsize."""


def _based() -> bytearray:
    content = bytearray(bytes(good_both()))
    return content + bytes(-len(content) % 8)


def with_segments(make: Callable[[int, int], Segment], behind: bytes = b"") -> bytes:
    """Return an image of 65,535 program headers, and the bytes behind them.

    make gets the number of a header and the offset of behind in the file, and returns the header.
    """
    content = _based()
    start = len(content)
    end = start + MOST * spec.PHDR_SIZE[64]
    for number in range(MOST):
        s = make(number, end)
        places = s.p_offset, s.p_vaddr, s.p_paddr, s.p_filesz, s.p_memsz
        content += struct.pack("<IIQQQQQQ", s.p_type, s.p_flags, *places, s.p_align)
    struct.pack_into("<Q", content, 0x20, start)
    struct.pack_into("<H", content, 0x38, MOST)
    return bytes(content) + behind


def with_sections(rows: Sequence[Row], behind: bytes = b"", e_type: int = spec.ET_EXEC) -> bytes:
    """Return an image with these section headers, and the bytes behind them.

    _behind(offset) as sh_offset is the offset in behind.
    """
    content = _based()
    start = len(content)
    end = start + len(rows) * spec.SHDR_SIZE[64]
    for row in rows:
        fields = list(row)
        if fields[4] < 0:
            fields[4] += end + (1 << 40)
        content += struct.pack("<IIQQQQIIQQ", *fields)
    struct.pack_into("<H", content, 0x10, e_type)
    struct.pack_into("<Q", content, 0x28, start)
    struct.pack_into("<HHH", content, 0x3A, spec.SHDR_SIZE[64], len(rows), min(3, len(rows) - 1))
    return bytes(content) + behind


def _behind(offset: int) -> int:
    return offset - (1 << 40)


def with_symbols(
    names: bytes, symbols: bytes, sh_type: int = spec.SHT_PROGBITS, size: int = 0x2000
) -> bytes:
    """Return an image with a section of code, size bytes long, a .symtab and its names."""
    words = b"\0.text\0.symtab\0.strtab\0.shstrtab\0"
    at = [len(words), len(words) + len(names)]
    rows: list[Row] = [
        (0,) * 10,
        (1, sh_type, 6, LOADED_AT, 0x1000, size, 0, 0, 1, 0),
        (7, spec.SHT_SYMTAB, 0, 0, _behind(at[1]), len(symbols), 4, 0, 8, 24),
        (23, spec.SHT_STRTAB, 0, 0, _behind(0), len(words), 0, 0, 1, 0),
        (15, spec.SHT_STRTAB, 0, 0, _behind(at[0]), len(names), 0, 0, 1, 0),
    ]
    return with_sections(rows, words + names + symbols)


def _different_symbols(count: int) -> bytes:
    """Return an image of many functions, each with an address and a name of its own."""
    names = b"".join(b"%x\0" % number for number in range(count))
    places = [match.start() for match in re.finditer(rb"[^\0]+", names)]
    entries = (
        struct.pack("<IBBHQQ", 1 + place, 0x12, 0, 1, LOADED_AT + 3 * number, 2)
        for number, place in enumerate(places)
    )
    return with_symbols(b"\0" + names, b"".join(entries), spec.SHT_NOBITS, 1 << 40)


def symbol(st_name: int, st_value: int, st_info: int = 0x12, st_shndx: int = 1) -> bytes:
    """Return an entry of the symbol table; by default that of a global function."""
    return struct.pack("<IBBHQQ", st_name, st_info, 0, st_shndx, st_value, 0)


def _equal_notes() -> bytes:
    """Return an image of 65,535 PT_NOTE, each of which covers one of the same three notes."""
    values = {
        XenElfNote.FEATURES: b"a|" * 2040,
        XenElfNote.LOADER: b"\x1b" * 4090,
        XenElfNote.ENTRY: bytes(7),
    }
    notes = [
        struct.pack("<III4s", 4, len(value) + 1, n_type, b"Xen\0") + value + b"\0"
        for n_type, value in values.items()
    ]
    starts = list(itertools.accumulate(map(len, notes), initial=0))

    def segment(number: int, end: int) -> Segment:
        turn = number % len(notes)
        return note_segment(end + starts[turn], len(notes[turn]))

    return with_segments(segment, b"".join(notes))


def _many_notes() -> bytes:
    note = struct.pack("<III4s8s", 4, 8, 77, b"Xen\0", b"")
    segment = replace(note_segment(0, 1 << 40), p_align=8)
    return with_segments(lambda _, end: replace(segment, p_offset=end), note * 70000)


def _relocations(count: int, size: int) -> bytes:
    rows: list[Row] = [(0, spec.SHT_RELA, 2, 0, _behind(0), size, 0, 0, 8, 24)] * count
    return with_sections(rows, b"\xfe" * size, spec.ET_DYN)


def _section_names() -> bytes:
    rows: list[Row] = [(0, spec.SHT_PROGBITS, 0, 0, _behind(0), 8192, 0, 0, 1, 0)] * MOST
    return with_sections(rows, b"x" * 8192)


_THUNK = b"__x86_return_thunk\0"
_OVERLAPPING = Segment(p_flags=RWX)

LARGE: dict[str, Callable[[], bytes]] = {
    "equal and overlapping segments": lambda: with_segments(
        lambda number, end: replace(_OVERLAPPING, p_paddr=0x200000 + 32 * (number // 2))
    ),
    "equal notes": _equal_notes,
    "many notes": _many_notes,
    "relocations": lambda: _relocations(1, 16 * MIB),
    "equal relocations": lambda: _relocations(MOST, MIB),
    "section names": _section_names,
    "equal names of symbols": lambda: with_symbols(
        b"\0" + _THUNK * (40 * MIB // len(_THUNK)), symbol(2, LOADED_AT) * (40 * MIB // 24)
    ),
    "the same, packed": lambda: gzip.compress(
        with_symbols(
            b"\0" + _THUNK * (20 * MIB // len(_THUNK)), symbol(2, LOADED_AT) * (20 * MIB // 24)
        )
    ),
    "different symbols": lambda: _different_symbols(300_000),
    "a long name": lambda: with_symbols(
        b"\0" + b"\x1b[2J" * (10 * MIB), symbol(1, LOADED_AT) * (30 * MIB // 24)
    ),
}
"""The images, by what they have much of."""
