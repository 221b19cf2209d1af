# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Conditions of QEMU's load_elf on segments, for PVH and multiboot (include/hw/elf_ops.h)."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from ....elf import spec
from ....image.elf import Segment
from ....light import NamedTuple
from ...model import where
from ...model.candidate import Candidate
from ..rule import Fields

LOAD_ELF = "QEMU include/hw/elf_ops.h, load_elf"
NOT_LOADED = "Error while loading elf kernel"
OVERLAPPING = "Some ROM regions are overlapping"
OWN_PLACE = "give what each segment brings from the file a p_paddr of its own"
LESS_MEMORY = "give the segments less memory: QEMU takes less than 2 GiB for all of them"
BELOW_FIRMWARE = "load the kernel lower: QEMU has its firmware at 0xfffc0000"

_LARGEST = (1 << 63) - 1
_SIGN = 1 << 31
_FIRMWARE = range(0xFFFC0000, 1 << 32)
"""SeaBIOS of 256 KiB, which QEMU's PCs have by default."""


def headers_outside(candidate: Candidate) -> Fields | None:
    """The program headers are not entirely in the file, or the file has none."""
    count = candidate.elf.e_phnum
    if count and len(candidate.elf.packed_segments) == count and not _half_outside(candidate):
        return None
    return {"where": where.header(candidate, "e_phoff", "e_phnum")}


def _half_outside(candidate: Candidate) -> bool:
    """Whether the last program header ends after the end of the file."""
    size = spec.PHDR_SIZE[candidate.elf.bits]
    segments = candidate.elf.packed_segments
    return bool(segments) and segments[-1].offset + size > candidate.data.size


def behind_file(candidate: Candidate, segments: Iterable[Segment]) -> Fields | None:
    """The bytes of a segment end after the end of the file."""
    size = candidate.data.size
    for segment in segments:
        if segment.p_filesz and segment.p_offset + segment.p_filesz > size:
            place = where.segment(candidate, segment, "p_offset", "p_filesz")
            return {"where": f"{place}; the file ends at {size:#x}"}
    return None


def loads(candidate: Candidate) -> Iterator[Segment]:
    """Return the segments that QEMU loads, in the order of the file."""
    return (segment for segment in candidate.elf.packed_segments if segment.p_type == spec.PT_LOAD)


def too_large(candidate: Candidate) -> Fields | None:
    """The sum of the segments' sizes, 2 to 4 GiB, is below 0 in a signed number of 32 bits."""
    roms = _roms(candidate)
    total = sum(rom.size for rom in roms)
    if total <= _LARGEST and not total & _SIGN:
        return None
    largest = max(roms, key=lambda rom: rom.size)
    return {"where": where.segment(candidate, largest.segment, "p_paddr", "p_memsz")}


def overlapping(candidate: Candidate) -> Fields | None:
    """Bytes of two segments are loaded at the same address.

    Zero-filled memory does not count: QEMU lets bytes of the file overwrite it.
    """
    ordered = sorted((rom for rom in _roms(candidate) if rom.size), key=lambda rom: rom.start)
    for lower, upper in itertools.pairwise(ordered):
        if lower.start + lower.size > upper.start:
            fields = "p_paddr", "p_filesz"
            places = (where.segment(candidate, r.segment, *fields) for r in (lower, upper))
            return {"where": " overlaps ".join(places)}
    return None


def over_firmware(candidate: Candidate) -> Fields | None:
    """A segment, or its zero-filled memory, is where QEMU has its firmware, below 4 GiB."""
    for rom in _roms(candidate):
        if rom.size and rom.start < _FIRMWARE.stop and rom.start + rom.size > _FIRMWARE.start:
            return {"where": where.segment(candidate, rom.segment, "p_paddr", "p_memsz")}
    return None


class _Rom(NamedTuple):
    """Memory that QEMU fills for a segment: physical address and bytes."""

    start: int
    size: int
    segment: Segment


def _roms(candidate: Candidate) -> list[_Rom]:
    """Return the memory that load_elf fills for each segment, computed once for an ELF file.

    Zero-filled memory that overlaps another segment is not filled.  Addresses wrap around in the
    width of the ELF class.
    """
    kept = candidate.elf.kept
    if _roms not in kept:
        kept[_roms] = _filled(list(loads(candidate)), (1 << candidate.elf.bits) - 1)
    found: list[_Rom] = kept[_roms]
    return found


def _filled(segments: list[Segment], mask: int) -> list[_Rom]:
    """Return the memory that is filled for each segment, in order; mask: that of addresses."""
    ordered = sorted(range(len(segments)), key=lambda number: segments[number].p_paddr)
    starts = [segments[number].p_paddr for number in ordered]
    # last[n]: the two of the first n in order that end last, each as (end, number).
    last = [((-1, -1), (-1, -1))]
    for number in ordered:
        end = segments[number].p_paddr + segments[number].p_memsz & mask
        first, second = sorted((*last[-1], (end, number)), reverse=True)[:2]
        last.append((first, second))
    roms = []
    for number, s in enumerate(segments):
        size = s.p_memsz
        if size > s.p_filesz:
            zeros, end = s.p_paddr + s.p_filesz & mask, s.p_paddr + size & mask
            first, second = last[bisect_left(starts, end)]
            other = second if first[1] == number else first
            size = s.p_filesz if other[0] > zeros else size
        roms.append(_Rom(s.p_paddr, size, s))
    return roms
