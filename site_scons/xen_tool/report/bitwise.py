# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find where two files that should be equal differ, for the target reproducible.

The place is a section and a symbol in ELF files, a line in texts, and an offset in other files and
outside of sections.  If several sections of ELF files differ, one is reported: a section that is
loaded goes before one that is not, then a difference in a string, such as a path in debug
information, before one in other bytes, and then the section that comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..elf import spec
from ..image.data import Data
from ..image.elf import Elf, elf_of
from ..image.symbols import Symbols
from ..printable import printable

_PRINTABLE = re.compile(rb"[\t\x20-\x7e]*")
_LINE = re.compile(rb"[^\n]*")
_SHORTEST = 4
"""Least number of consecutive printable bytes that are shown as a string."""
_LONGEST = 100
"""Largest number of bytes of a string that are shown on either side of a difference."""
_BYTES = 8
"""Number of bytes that are shown if there is no string."""
_BLOCK = 4096
"""Number of bytes that are compared at a time."""


class ByteDifference(NamedTuple):
    """A place where two files differ."""

    section: str | None
    """The section, if both files are ELF files and differ in sections; else None."""
    symbol: str | None
    """The symbol that the place belongs to and the offset from it, SYMBOL+0x12; None if unknown."""
    line: int | None
    """The number of the line, from 1, if both files are texts; else None."""
    offset: int
    """The offset in the section or, if that is None, in the file."""
    here: str
    """The content of the first file there: a string in quotes, or bytes."""
    there: str

    @property
    def place(self) -> str:
        """The place for a message."""
        if self.section is not None:
            return f"section {self.section}, {self.symbol or f'offset {self.offset:#x}'}"
        return f"line {self.line}" if self.line else f"offset {self.offset:#x}"


class _Section(NamedTuple):
    name: str
    size: int
    content: bytes
    is_loaded: bool
    first: int
    """The st_value of a symbol at the start of the section: 0 in an object, else its address."""


def difference(here: bytes, there: bytes) -> ByteDifference | None:
    """Return where the contents of two files differ; None if they are equal."""
    if here == there:
        return None
    elf, other = (elf_of(Data.of_bytes(data)) for data in (here, there))
    if elf is not None and other is not None:
        sections = _sections(elf)
        if found := list(_in_sections(elf, sections, _sections(other))):
            loaded = {section.name for section in sections if section.is_loaded}
            return min(found, key=lambda d: (d.section not in loaded, d.here[:1] != '"'))
    if not (_is_text(here) and _is_text(there)):
        return _at(None, here, there, _PRINTABLE)
    found_line = _at(None, here, there, _LINE)
    return found_line._replace(line=1 + here[: found_line.offset].count(b"\n"))


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False


def _sections(elf: Elf) -> Sequence[_Section]:
    is_object = elf.e_type == spec.ET_REL
    return [
        _Section(
            printable(section.name or ""),
            section.sh_size,
            b""
            if section.sh_type == spec.SHT_NOBITS
            else elf.data.read(section.sh_offset, section.sh_size),
            bool(section.sh_flags & spec.SHF_ALLOC),
            0 if is_object else section.sh_addr,
        )
        for section in elf.sections
    ]


def _in_sections(
    elf: Elf, here: Sequence[_Section], there: Sequence[_Section]
) -> Iterator[ByteDifference]:
    """Yield the first difference of each pair of sections, up to a pair of different names.

    elf is the file whose sections are here.
    """
    for number, (one, other) in enumerate(zip(here, there, strict=False)):
        if one.name != other.name:
            yield ByteDifference(
                one.name, None, None, 0, f"section {one.name}", f"section {other.name}"
            )
            return
        if one.content != other.content:
            found = _at(one.name, one.content, other.content, _PRINTABLE)
            yield found._replace(symbol=_symbol(elf, number, one.first, found.offset))
        elif one.size != other.size:
            yield ByteDifference(
                one.name, None, None, 0, f"{one.size} bytes", f"{other.size} bytes"
            )
    if len(here) != len(there):
        last = max(here, there, key=len)[min(len(here), len(there))].name
        yield ByteDifference(last, None, None, 0, f"{len(here)} sections", f"{len(there)} sections")


def _symbol(elf: Elf, section: int, first: int, offset: int) -> str | None:
    """Return the symbol to which an offset in a section belongs, as SYMBOL+0x12; None if none.

    section: the number of the section.  first: as in _Section.
    """
    symbols = Symbols(elf)
    best = None
    for st_name, _, st_shndx, st_value, st_size in symbols:
        behind = offset - (st_value - first)
        inside = 0 <= behind < st_size or (not st_size and behind >= 0)
        if st_name and st_shndx == section and inside and (best is None or behind <= best[0]):
            best = behind, st_name
    return f"{symbols.name(best[1])}+{best[0]:#x}" if best else None


def _at(
    section: str | None, here: bytes, there: bytes, pattern: re.Pattern[bytes]
) -> ByteDifference:
    """Return the first difference of two byte strings that are not equal.

    section: the section that they are the content of, if any.  pattern: _LINE or _PRINTABLE, the
    bytes that are shown around the difference.
    """
    block = 0
    while here[block : block + _BLOCK] == there[block : block + _BLOCK]:
        block += _BLOCK
    pairs = enumerate(zip(here[block : block + _BLOCK], there[block:], strict=False), block)
    offset = next((n for n, (a, b) in pairs if a != b), min(len(here), len(there)))
    strings = [_string(data, offset, pattern) for data in (here, there)]
    if pattern is _LINE or max(map(len, strings)) >= _SHORTEST:
        shown = [_quoted(string) for string in strings]
    else:
        shown = [data[offset : offset + _BYTES].hex(" ") or "the end" for data in (here, there)]
    return ByteDifference(section, None, None, offset, *shown)


def _string(data: bytes, offset: int, pattern: re.Pattern[bytes]) -> bytes:
    """Return the bytes around an offset that match the pattern; b"" if there are none."""
    start = offset
    while start > max(0, offset - _LONGEST) and pattern.fullmatch(data, start - 1, start):
        start -= 1
    match = pattern.match(data, start, offset + _LONGEST)
    return match[0] if match else b""


def _quoted(string: bytes) -> str:
    return '"' + printable(string).replace('"', '\\"') + '"'
