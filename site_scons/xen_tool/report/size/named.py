# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read which bytes of each section a symbol names, with bounded memory and time.

Only the first symbols of a long table are read: at most MOST, which is more than Linux has, and as
many as fit into the memory that may be used, which is the size of the file and 64 MiB.  Bytes that
only further symbols name count as having none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter

from ...elf import spec
from ...image.elf import Elf, Section
from ...image.symbols import Symbols
from ...printable import printable

MOST = 1 << 18
"""Largest number of symbols that are read."""
_STT_OBJECT = 1
_KINDS = frozenset((spec.STT_NOTYPE, _STT_OBJECT, spec.STT_FUNC))
_ROOM = 48 << 20
"""Bytes of memory for symbols, besides the size of the file."""
_COST = 512
"""Largest number of bytes that a symbol takes while sizes are computed and compared."""
_NAMES = 8 << 20
"""Bytes of names, besides the size of the file / _SHARE, after which names are cut to _SHORT."""
_SHARE = 16
_ESCAPE = 16
"""The number of bytes that a byte counts for if it has to be escaped."""
_LONGEST = 256
"""Bytes of a name that are read."""
_SHORT = 16

Span = tuple[int, int, int]
"""Start and end of bytes in a section, and the offset of their symbol's name (st_name)."""
_Entry = tuple[int, bool, bool, int, int]
"""A symbol: st_value, whether it has no size, whether it is local, -st_size, st_name.

Of two symbols, the one whose entry is smaller comes first.
"""


class Named:
    """The symbols of an ELF file; size: bytes of the file that it is, or is packed in."""

    def __init__(self, elf: Elf, size: int) -> None:
        table = Symbols(elf)
        self._names = names = table.names()
        self._left = _NAMES + size // _SHARE
        self._of: dict[int, list[_Entry]] = {}
        most = min(MOST, max(0, _ROOM + size - len(names)) // _COST)
        for st_name, st_info, st_shndx, st_value, st_size in islice(table, most):
            has_name = names[st_name : st_name + 1] not in (b"", b"\0")
            if has_name and st_shndx != spec.SHN_UNDEF and st_info & 15 in _KINDS:
                is_local = st_info >> 4 == spec.STB_LOCAL
                entry = st_value, not st_size, is_local, -st_size, st_name
                self._of.setdefault(st_shndx, []).append(entry)

    def spans(self, section: Section) -> Iterator[Span]:
        """Yield the spans of a section in the order of their starts; on a second call, none.

        A symbol without a size ends at the next one, and counts only if no symbol with a size
        starts at the same place.
        """
        first, size = section.sh_addr, section.sh_size
        found = [e for e in self._of.pop(section.number, ()) if 0 <= e[0] - first < size]
        found.sort()
        entries: list[_Entry] = []
        for value, group in groupby(found, itemgetter(0)):
            yield from self._at_one_place(entries, first, value)
            entries = list(group)
        yield from self._at_one_place(entries, first, first + size)

    def _at_one_place(
        self, entries: Sequence[_Entry], first: int, following: int
    ) -> Iterator[Span]:
        """Yield the spans of symbols of the same value.

        first: the address of the section.  following: the value of the next symbol.
        """
        for (value, has_none, _, size), group in groupby(entries, itemgetter(0, 1, 2, 3)):
            if not (has_none and entries[0][3]):
                name = min((entry[4] for entry in group), key=self._raw)
                yield value - first, (following if has_none else value - size) - first, name

    def _raw(self, st_name: int) -> bytes:
        end = self._names.find(b"\0", st_name, st_name + _LONGEST)
        return self._names[st_name : end if end >= 0 else st_name + _LONGEST]

    def name(self, st_name: int) -> str:
        """Return the name at st_name, printable; it is cut if it is long, or names are many."""
        raw = self._raw(st_name)
        text = raw.decode("utf-8", "surrogateescape")
        if not text.isprintable():
            self._left -= _ESCAPE * len(raw)
            text = printable(raw) if self._left > 0 else repr(raw)[2:-1]
        self._left -= len(text)
        return text if self._left > 0 else text[:_SHORT]
