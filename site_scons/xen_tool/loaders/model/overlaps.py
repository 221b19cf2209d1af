# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find segments that overwrite others.  Xen's loaders load them in the order of the file."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from ...image.elf import Segment


def overwritten(loads: Iterable[Segment]) -> tuple[Segment, Segment] | None:
    """Return the first segment that overwrites an earlier one, and that one; None: none does.

    Only bytes from the file count: a segment may overwrite zero-filled memory, and may load the
    same bytes of the file to the same addresses again.  loads: in the order of loading.
    """
    starts: list[int] = []
    pieces: list[tuple[int, Segment]] = []
    """The end and the segment of the bytes at each of starts: disjoint, by ascending address."""
    for segment in loads:
        start, end = segment.p_paddr, segment.p_paddr + segment.p_memsz
        first = bisect_right(starts, start)
        if first and pieces[first - 1][0] > start:
            first -= 1
        last = max(first, bisect_left(starts, end))
        for piece_start, (piece_end, other) in zip(
            starts[first:last], pieces[first:last], strict=True
        ):
            if not _same_bytes(segment, other, max(piece_start, start), min(piece_end, end)):
                return segment, other
        file_end = min(start + segment.p_filesz, end)
        if start < file_end:
            ends = [file_end, *(piece_end for piece_end, _ in pieces[first:last])]
            starts[first:last] = [min([start, *starts[first:last]])]
            pieces[first:last] = [(max(ends), segment)]
    return None


def _same_bytes(segment: Segment, other: Segment, start: int, end: int) -> bool:
    """Whether both segments load the same bytes of the file from address start up to end."""
    if end > segment.p_paddr + segment.p_filesz:
        return False
    return segment.p_offset - segment.p_paddr == other.p_offset - other.p_paddr
