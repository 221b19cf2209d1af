# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Conditions of QEMU's load_elf on segments, for PVH and multiboot (include/hw/elf_ops.h.inc)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from ....elf import spec
from ....image.elf import Segment
from ...model import where
from ...model.candidate import Candidate
from ..rule import Fields

NOT_LOADED = "Error while loading elf kernel"
OVERLAPPING = "Some ROM regions are overlapping"
OWN_PLACE = "give what each segment brings from the file a p_paddr of its own"


def headers_outside(candidate: Candidate) -> Fields | None:
    """The program headers are not entirely in the file, or the file has none."""
    count = candidate.elf.e_phnum
    if count and len(candidate.elf.qemu_segments) == count and not _half_outside(candidate):
        return None
    return {"where": where.header(candidate, "e_phoff", "e_phnum")}


def _half_outside(candidate: Candidate) -> bool:
    """Whether the last program header ends after the end of the file."""
    size = spec.PHDR_SIZE[candidate.elf.bits]
    segments = candidate.elf.qemu_segments
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
    """Return the segments that QEMU loads."""
    return (segment for segment in candidate.elf.qemu_segments if segment.p_type == spec.PT_LOAD)


def overlapping(candidate: Candidate) -> Fields | None:
    """Bytes of two segments are loaded at the same address.

    Zero-filled memory does not count: QEMU lets bytes of the file overwrite it.
    """
    ordered = sorted((s for s in loads(candidate) if s.p_filesz), key=lambda s: s.p_paddr)
    for lower, upper in itertools.pairwise(ordered):
        if lower.p_paddr + lower.p_filesz > upper.p_paddr:
            fields = "p_paddr", "p_filesz"
            places = (where.segment(candidate, segment, *fields) for segment in (lower, upper))
            return {"where": " overlaps ".join(places)}
    return None
