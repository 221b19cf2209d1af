# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read which bytes of each section a symbol names, with bounded memory and time.

Of a table that is too long for that only the first symbols are read: as many as fit into a
memory of the size of the file and 64 MiB, and at most MOST, which is more than Linux has.  The
bytes of the others have no symbol then.
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
_STT_OBJECT = 1
_KINDS = frozenset((spec.STT_NOTYPE, _STT_OBJECT, spec.STT_FUNC))
_ROOM = 48 << 20
_COST = 512
"""Bytes of memory that a symbol takes while sizes are computed and compared, at most."""
_NAMES = 8 << 20
"""Bytes of names that are not shortened to _SHORT, besides a share of the file's size."""
_SHARE = 16
_ESCAPE = 16
"""The number of bytes that a byte counts for if it has to be escaped."""
_LONGEST = 256
"""Bytes of a name that are read."""
_SHORT = 16

Span = tuple[int, int, int]
"""Start and end in a section, and the offset of a name."""
_Entry = tuple[int, bool, bool, int, int]
"""In this order entries are preferred: value, whether without a size, whether local, size * -1;
and the offset of the name."""


class Named:
    """The symbols of an ELF file that is read from a file of size bytes."""

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
        """Yield the spans of a section in the order of their starts, only once.

        A symbol without a size ends at the next one.
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
        for (value, has_none, _, size), group in groupby(entries, itemgetter(0, 1, 2, 3)):
            if not (has_none and entries[0][3]):
                name = min((entry[4] for entry in group), key=self._raw)
                yield value - first, (following if has_none else value - size) - first, name

    def _raw(self, st_name: int) -> bytes:
        end = self._names.find(b"\0", st_name, st_name + _LONGEST)
        return self._names[st_name : end if end >= 0 else st_name + _LONGEST]

    def name(self, st_name: int) -> str:
        """Return a name for people, shortened if it is very long or there are very many."""
        raw = self._raw(st_name)
        text = raw.decode("utf-8", "surrogateescape")
        if not text.isprintable():
            self._left -= _ESCAPE * len(raw)
            text = printable(raw) if self._left > 0 else repr(raw)[2:-1]
        self._left -= len(text)
        return text if self._left > 0 else text[:_SHORT]
