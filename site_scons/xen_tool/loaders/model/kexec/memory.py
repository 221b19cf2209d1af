# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The memory into which kexec loads a file, and what is wrong with it (kexec/kexec.c)."""

from __future__ import annotations

from itertools import islice, pairwise

from ....abi import PAGE_SIZE
from ....elf import spec
from ....image.elf import ADDRESS_MASK, Segment
from ....light import NamedTuple
from ..candidate import Candidate
from ..pc_memory import ABOVE_DEVICES, HIGH_RAM_START, LARGEST_RAM_END, LOW_RAM_END, PHYSICAL_END
from .files import addresses, moves, multiboot, uses_addresses

SEGMENTS = 16
"""Segments that Linux takes (KEXEC_SEGMENT_MAX); kexec adds two: its own code, and arguments."""
_RAM = (
    (0x400, LOW_RAM_END),
    (HIGH_RAM_START, LARGEST_RAM_END),
    (ABOVE_DEVICES, PHYSICAL_END),
)
"""Where PCs may have RAM, without the interrupt vectors of real mode, which kexec leaves out."""
_PLACES = 1024
"""The most segments that places() returns."""


class KexecPlace(NamedTuple):
    """Memory that kexec is to fill, in whole pages."""

    start: int
    end: int
    segment: Segment | None
    """Its program header; None: the addresses of a multiboot header."""


def places(candidate: Candidate) -> list[KexecPlace]:
    """Return the memory that kexec fills with the file, in the order of the file.

    At most _PLACES are returned: Linux refuses a file with more than SEGMENTS anyhow.
    """
    if uses_addresses(candidate):
        offset, _ = multiboot(candidate.data) or (0, 0)
        _, load, _, bss_end, _ = addresses(candidate.data, offset)
        return [KexecPlace(load, load + _pages(bss_end - load), None)]
    loads = (s for s in candidate.elf.segments if s.p_type == spec.PT_LOAD and s.p_memsz)
    return [KexecPlace(s.p_paddr, s.p_paddr + _pages(s.p_memsz), s) for s in islice(loads, _PLACES)]


def is_moved(candidate: Candidate) -> bool:
    """Whether kexec moves the kernel, because its addresses are not RAM (get_elf_exec_load_base).

    kexec moves only an ET_DYN, and a kernel whose multiboot 2 header has a tag for relocation.
    """
    if uses_addresses(candidate):
        return False
    found = [place.segment for place in places(candidate) if place.segment is not None]
    allowed = moves(candidate)
    if not found or (allowed is None and candidate.elf.e_type != spec.ET_DYN):
        return False
    start, end = _range(found)
    if allowed is None:
        return not _is_ram(start, end + 1)
    start, end = max(start, allowed.lowest), min(end, allowed.highest)
    return start > end or not _is_ram(start, end + 1)


def cannot_move(candidate: Candidate) -> str | None:
    """Return kexec's message if the kernel fits nowhere where multiboot 2 allows it, or None."""
    allowed = moves(candidate)
    if allowed is None:
        return None
    if allowed.hangs:
        return "kexec itself hangs: a tag of multiboot 2 has size 0"
    if allowed.lowest > allowed.highest:
        return "Bad relocation range"
    found = [place.segment for place in places(candidate) if place.segment is not None]
    start, end = _range(found) if found else (ADDRESS_MASK, 0)
    size = end - start & ADDRESS_MASK
    if size <= allowed.highest - allowed.lowest:
        if not is_moved(candidate):
            return None
        align = max(allowed.align, *(segment.p_align for segment in found))
        # kexec takes the highest place, and wants one byte more than the size.
        for low, high in _RAM:
            highest = (min(high, allowed.highest + 1) - size - 1) // max(1, align) * max(1, align)
            if highest >= max(low, allowed.lowest):
                return None
    return "ELF exec load failed"


def _range(found: list[Segment]) -> tuple[int, int]:
    """Return the start of the lowest segment, and the end of the highest."""
    return min(s.p_paddr for s in found), max(s.p_paddr + s.p_memsz for s in found)


def misplaced(candidate: Candidate) -> tuple[str, KexecPlace] | None:
    """Return kexec's message for the first segment that is misplaced, and its place; or None.

    A segment is misplaced if it does not begin at a page, or is not in RAM.
    """
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
