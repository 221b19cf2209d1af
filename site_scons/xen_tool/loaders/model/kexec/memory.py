# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The memory that a file asks of kexec, and what is wrong with it (kexec/kexec.c)."""

from __future__ import annotations

from itertools import islice, pairwise

from ....abi import PAGE_SIZE
from ....elf import spec
from ....image.elf import Segment
from ....light import NamedTuple
from ..candidate import Candidate
from .files import addresses, multiboot, uses_addresses

SEGMENTS = 16
"""Segments that Linux takes (KEXEC_SEGMENT_MAX); kexec adds two: its own code, and arguments."""
RAM_END = 256 << 20
"""The end of the RAM of a small machine, in bytes."""
_RAM = ((0x400, 0x9F000), (1 << 20, 3 << 30), (4 << 30, 1 << 52))
"""Where PCs may have RAM; kexec leaves the interrupt vectors of real mode out."""
_PLACES = 1024
"""Segments that are looked at."""


class KexecPlace(NamedTuple):
    """Memory that kexec is to fill, in whole pages."""

    start: int
    end: int
    segment: Segment | None
    """Its program header; None: the addresses of a multiboot header."""


def places(candidate: Candidate) -> list[KexecPlace]:
    """Return the memory that kexec fills with the file, in the order of the file.

    No more than _PLACES: of a file with more than SEGMENTS, Linux takes none.
    """
    if uses_addresses(candidate):
        offset, _ = multiboot(candidate.data) or (0, 0)
        _, load, _, bss_end, _ = addresses(candidate.data, offset)
        return [KexecPlace(load, load + _pages(bss_end - load), None)]
    loads = (s for s in candidate.elf.segments if s.p_type == spec.PT_LOAD and s.p_memsz)
    return [KexecPlace(s.p_paddr, s.p_paddr + _pages(s.p_memsz), s) for s in islice(loads, _PLACES)]


def is_moved(candidate: Candidate) -> bool:
    """Whether kexec moves an ET_DYN as its addresses are no RAM (get_elf_exec_load_base)."""
    if uses_addresses(candidate) or candidate.elf.e_type != spec.ET_DYN:
        return False
    found = [place.segment for place in places(candidate) if place.segment is not None]
    start = min((s.p_paddr for s in found), default=0)
    return bool(found) and not _is_ram(start, max(s.p_paddr + s.p_memsz for s in found) + 1)


def misplaced(candidate: Candidate) -> tuple[str, KexecPlace] | None:
    """Return the words of the first segment that is between pages, or in no RAM, and its place."""
    found = places(candidate)
    moved = is_moved(candidate)
    base = min((place.start for place in found), default=0) if moved else 0
    for place in found:
        if (place.start - base) % PAGE_SIZE:
            return f"Base address: {place.start:#x} is not page aligned", place
        if not moved and not _is_ram(place.start, place.end):
            start = f"{place.start:#x}" if place.start else "(nil)"
            return f"Invalid memory segment {start} - {place.end - 1:#x}", place
    return None


def overlapping(candidate: Candidate) -> tuple[KexecPlace, KexecPlace] | None:
    """Return two segments that share a page; None if no segments do."""
    found = sorted(places(candidate), key=lambda place: place.start)
    return next(((one, other) for one, other in pairwise(found) if one.end > other.start), None)


def _is_ram(start: int, end: int) -> bool:
    return any(low <= start and end <= high for low, high in _RAM)


def _pages(size: int) -> int:
    return -(-size // PAGE_SIZE) * PAGE_SIZE
