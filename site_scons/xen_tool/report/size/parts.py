# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Divide an ELF file into parts: each byte of the file, and of its memory, belongs to one part.

Bytes that several headers or sections claim, as in a damaged file, are counted for the one that
starts first.  Bytes that belong to none are parts, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import NamedTuple, TypeVar

from ...elf import spec
from ...image.elf import Elf, Section
from ...printable import printable
from .named import Named

HEADERS = "(headers)"
PADDING = "(between sections)"
NO_SYMBOL = "(no symbol)"

T = TypeVar("T")


class Part(NamedTuple):
    """Consecutive bytes of one section, symbol and object."""

    section: str
    """The name of the section, or HEADERS or PADDING."""
    symbol: str
    """The name of the symbol, or NO_SYMBOL; "" outside of sections."""
    object: str
    """The path of the object; "" if it is unknown."""
    in_file: int
    """Number of bytes in the file."""
    in_memory: int
    """Number of bytes in memory."""


class Placed(NamedTuple):
    """Bytes that an object has in a section of the linked file."""

    start: int
    """The offset in the section."""
    size: int
    object: str


def parts(
    elf: Elf, placed: dict[str, list[Placed]] | None = None, size: int | None = None
) -> Iterator[Part]:
    """Divide an ELF file into parts.

    placed: the bytes that objects have, by section; None if they are unknown.
    size: bytes of the file that holds the ELF file, if it is packed in one; else None.
    """
    named = Named(elf, elf.data.size if size is None else size)
    in_file = []
    for section in elf.sections[1:]:
        size = section.sh_size
        stored = size if section.sh_type not in (spec.SHT_NOBITS, spec.SHT_NULL) else 0
        loaded = size if section.sh_flags & spec.SHF_ALLOC else 0
        if stored:
            in_file.append((section.sh_offset, size, section))
        elif loaded:
            yield from _covered(section, named, placed, 0, size)
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
            yield Part(PADDING, "", "", gap, 0)
            position += gap
        if end <= position:
            continue
        if of_section is None:
            yield Part(HEADERS, "", "", end - position, 0)
        else:
            yield from _covered(of_section, named, placed, position - start, end - start)
        position = end
    if position < elf.data.size:
        yield Part(PADDING, "", "", elf.data.size - position, 0)


def _covered(
    section: Section, named: Named, placed: dict[str, list[Placed]] | None, start: int, end: int
) -> Iterator[Part]:
    """Yield the parts of the bytes of a section from the offset start to the offset end in it."""
    title = printable(section.name or f"section {section.number}")
    in_file = section.sh_type != spec.SHT_NOBITS
    in_memory = bool(section.sh_flags & spec.SHF_ALLOC)
    of = sorted((placed or {}).get(section.name or "", []))
    placed_spans = ((p.start, p.start + p.size, p.object) for p in of)
    symbols = _filled(named.spans(section), start, end, -1)
    objects = _filled(placed_spans, start, end, "")
    symbol, of_object = next(symbols), next(objects)
    while start < end:
        right = min(symbol[1], of_object[1])
        size = right - start
        name = named.name(symbol[2]) if symbol[2] >= 0 else NO_SYMBOL
        yield Part(title, name, of_object[2], size * in_file, size * in_memory)
        symbol = next(symbols, symbol) if symbol[1] == right else symbol
        of_object = next(objects, of_object) if of_object[1] == right else of_object
        start = right


def _filled(
    spans: Iterable[tuple[int, int, T]], start: int, end: int, otherwise: T
) -> Iterator[tuple[int, int, T]]:
    """Yield spans (start, end, value) that divide the bytes from start to end without overlap.

    spans: in the order of their starts; of those that overlap, the earlier one keeps the bytes.
    otherwise: the value for bytes that no span has.
    """
    position = start
    for left, right, name in spans:
        left, right = max(left, position), min(right, end)
        if left < right:
            if left > position:
                yield position, left, otherwise
            yield left, right, name
            position = right
    if position < end:
        yield position, end, otherwise
