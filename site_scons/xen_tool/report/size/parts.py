# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Divide an ELF file into parts: each byte of the file, and of its memory, belongs to one part.

Bytes that several headers or sections claim, as in a damaged file, are counted for the one that
comes first in the file.  Bytes that belong to none are parts, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import itemgetter

from ...elf import spec
from ...image.elf import Elf, Section
from ...image.symbols import Symbol, symbols
from ...light import NamedTuple
from ...printable import printable

HEADERS = "(headers)"
PADDING = "(between sections)"
NO_SYMBOL = "(no symbol)"

_STT_OBJECT = 1


class Part(NamedTuple):
    """Consecutive bytes of one section, symbol and object."""

    section: str
    """The name of the section, or HEADERS or PADDING."""
    symbol: str
    object: str
    """The path of the object; "" if it is unknown."""
    in_file: int
    in_memory: int


class Placed(NamedTuple):
    """Bytes of an object at an offset in a section."""

    start: int
    size: int
    object: str


def parts(elf: Elf, placed: dict[str, list[Placed]] | None = None) -> list[Part]:
    """Divide an ELF file into parts; placed: bytes of objects by name of the section."""
    symbols: dict[int, list[Symbol]] = {}
    for symbol in read_symbols(elf):
        symbols.setdefault(symbol.section, []).append(symbol)
    found: list[Part] = []
    in_file = []
    for section in elf.sections[1:]:
        size = section.sh_size
        stored = size if section.sh_type not in (spec.SHT_NOBITS, spec.SHT_NULL) else 0
        loaded = size if section.sh_flags & spec.SHF_ALLOC else 0
        if stored:
            in_file.append((section.sh_offset, size, section))
        elif loaded:
            of = _Covered(section, symbols.get(section.number, ()), placed)
            found += (part._replace(in_memory=part.in_file, in_file=0) for part in of.part(0, size))
    header = min(elf.data.size, spec.EHDR_SIZE[elf.bits])
    headers: list[tuple[int, int, Section | None]] = [
        (0, header, None),
        (elf.e_phoff, elf.e_phnum * elf.e_phentsize, None),
        (elf.e_shoff, elf.shdr_count * elf.e_shentsize, None),
    ]
    position = 0
    for start, size, of_section in sorted((*headers, *in_file), key=itemgetter(0)):
        end = min(start + size, elf.data.size)
        if start > position:
            gap = min(start, elf.data.size) - position
            found.append(Part(PADDING, "", "", gap, 0))
            position += gap
        if end <= position:
            continue
        if of_section is None:
            found.append(Part(HEADERS, "", "", end - position, 0))
        else:
            of = _Covered(of_section, symbols.get(of_section.number, ()), placed)
            is_loaded = bool(of_section.sh_flags & spec.SHF_ALLOC)
            for part in of.part(position - start, end - start):
                found.append(part._replace(in_memory=part.in_file if is_loaded else 0))
        position = end
    if position < elf.data.size:
        found.append(Part(PADDING, "", "", elf.data.size - position, 0))
    return found


class _Covered:
    """A section whose bytes are divided by symbols and objects."""

    def __init__(
        self, section: Section, symbols: Sequence[Symbol], placed: dict[str, list[Placed]] | None
    ) -> None:
        self._name = printable(section.name or f"section {section.number}")
        size = section.sh_size
        self._symbols = list(_without_overlap(_spans(symbols, section), size))
        objects = (placed or {}).get(section.name or "", [])
        self._objects = list(
            _without_overlap(((p.start, p.start + p.size, p.object) for p in objects), size)
        )

    def part(self, start: int, end: int) -> Iterator[Part]:
        """Yield the parts of the bytes from start to end."""
        edges = {start, end}
        for spans in (self._symbols, self._objects):
            edges |= {edge for span in spans for edge in span[:2] if start < edge < end}
        ordered = sorted(edges)
        symbol, of_object = _Walk(self._symbols, NO_SYMBOL), _Walk(self._objects, "")
        for left, right in pairwise(ordered):
            yield Part(self._name, symbol.at(left), of_object.at(left), right - left, 0)


class _Walk:
    """Find the span that holds a place; places are looked up in ascending order."""

    def __init__(self, spans: Sequence[tuple[int, int, str]], otherwise: str) -> None:
        self._spans = spans
        self._next = 0
        self._otherwise = otherwise

    def at(self, place: int) -> str:
        while self._next < len(self._spans) and self._spans[self._next][1] <= place:
            self._next += 1
        if self._next < len(self._spans) and self._spans[self._next][0] <= place:
            return self._spans[self._next][2]
        return self._otherwise


def _spans(symbols: Iterable[Symbol], section: Section) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and name of symbols; one without a size ends at the next one."""
    ordered = sorted(
        (s for s in symbols if s.name and 0 <= s.value - section.sh_addr < section.sh_size),
        # Of several at one place prefer: a size, global, the longest, the name.
        key=lambda s: (s.value, not s.size, s.binding == spec.STB_LOCAL, -s.size, s.name),
    )
    sized = {s.value for s in ordered if s.size}
    places = sorted({s.value for s in ordered})
    following = dict(pairwise(places))
    for symbol in ordered:
        start = symbol.value - section.sh_addr
        end = start + symbol.size
        if not symbol.size:
            if symbol.value in sized:
                continue
            end = following.get(symbol.value, section.sh_addr + section.sh_size) - section.sh_addr
        yield start, end, symbol.name


def _without_overlap(
    spans: Iterable[tuple[int, int, str]], size: int
) -> Iterator[tuple[int, int, str]]:
    """Yield the spans in order, each without the bytes that an earlier one covers."""
    position = 0
    for start, end, name in sorted(spans, key=itemgetter(0)):
        start, end = max(start, position), min(end, size)
        if start < end:
            yield start, end, name
            position = end


def read_symbols(elf: Elf) -> Iterator[Symbol]:
    """Yield the symbols that are defined and are not section symbols."""
    for symbol in symbols(elf):
        if symbol.type in (spec.STT_NOTYPE, _STT_OBJECT, spec.STT_FUNC):
            yield symbol._replace(name=printable(symbol.name))
