# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A map: the regions of a guest's memory at its entry, and the addresses in notes.

Addresses and sizes are in bytes.  A virtual address belongs to the page tables that the guest
starts with; it is None if these do not map the region, or if paging is off.  A physical address
is the guest's (pseudo-physical for a PV guest); it is None if it does not follow from the image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from ...abi import PAGE_SIZE, XenElfNote
from ...elf import spec
from ...image.elf import ADDRESS_MASK, Segment
from ...light import NamedTuple
from ...loaders.model.candidate import Candidate
from ...loaders.model.libelf.parms import UNSET_ADDR
from ...loaders.names import QEMU
from ...loaders.rules.qemu.entry_note import entry_of
from ...printable import printable
from ..image_report import flags

SEGMENT = "segment"
"""Bytes of the file."""
ZEROED = "zeroed"
"""The bytes of p_memsz beyond p_filesz, which the loader clears."""
SYMBOLS = "symbols"
"""The symbol table that BSD_SYMTAB requests."""
INITRD = "initrd"
P2M = "p2m"
START_INFO = "start_info"
RING = "ring"
"""A page shared with a backend: xenstore's, the console's, and an HVM guest's special pages."""
PAGE_TABLES = "page_tables"
STACK = "stack"
HOLE = "hole"
"""Memory where nothing is loaded, though it may be mapped."""

_SECTIONS = 4096
"""Largest number of sections that are searched for those in a region."""
_NAMED = 6
"""Largest number of sections that are named in a region's description."""
_SEGMENTS = 256
"""Largest number of program headers that are shown; real kernels have fewer."""


class Region(NamedTuple):
    """Consecutive bytes of the guest's memory."""

    kind: str
    """One of the constants above."""
    name: str
    virtual: int | None
    physical: int | None
    size: int
    about: str = ""


class Marker(NamedTuple):
    """An address in a note or in e_entry."""

    name: str
    """The name, such as "entry"."""
    source: str
    """Its source, such as "note ENTRY"."""
    address: int
    paged: bool
    """Whether the address is virtual."""
    linked: int
    """The address in terms of p_vaddr, by which its symbol is found."""


class Map(NamedTuple):
    """The memory that one loader lays out."""

    loader: str
    bits: int
    """Width of an address in bits."""
    start: int | None
    end: int | None
    """start and end of the virtual addresses mapped at the entry; None if paging is off."""
    regions: tuple[Region, ...]
    """The regions in order of virtual addresses, or of physical ones if paging is off."""
    outside: tuple[Region, ...]
    """The regions that the initial page tables do not map together with the kernel."""
    markers: tuple[Marker, ...]


def address(region: Region) -> int:
    """Return the address that a region is sorted by: its virtual one, or else its physical one."""
    found = region.virtual if region.virtual is not None else region.physical
    assert found is not None
    return found


def kernel(candidate: Candidate, *, paged: bool) -> Iterator[Region]:
    """Yield the regions of the segments that a loader loads, and of BSD_SYMTAB's symbols.

    paged: whether the kernel starts with paging, as PV does, so that its regions have virtual
    addresses.
    """
    base = candidate.addresses.virt_base
    for segment, start in sorted(_placed(candidate), key=lambda placed: placed[1]):
        name = f"PT_LOAD {segment.number} {flags(segment)}"
        in_file = min(segment.p_filesz, segment.p_memsz)
        for kind, at, size in (
            (SEGMENT, 0, in_file),
            (ZEROED, in_file, segment.p_memsz - in_file),
        ):
            if size:
                yield Region(
                    kind,
                    name,
                    start + at & ADDRESS_MASK if paged else None,
                    start + at - base & ADDRESS_MASK if paged else start + at,
                    size,
                    _sections(candidate, segment.p_vaddr + at, size, kind),
                )
    addresses = candidate.addresses
    end = addresses.pend + addresses.virt_offset & ADDRESS_MASK
    if addresses.virt_kend != end and candidate.loader != QEMU:
        yield Region(
            SYMBOLS,
            "symbol table",
            end if paged else None,
            end - base & ADDRESS_MASK,
            addresses.virt_kend - end,
            "note BSD_SYMTAB",
        )


def _placed(candidate: Candidate) -> Iterator[tuple[Segment, int]]:
    """Yield the segments that are loaded, and their addresses: virtual for PV, else physical."""
    addresses = candidate.addresses
    segments = candidate.elf.packed_segments if candidate.loader == QEMU else candidate.elf.segments
    for segment in segments[:_SEGMENTS]:
        is_loaded = segment.is_loadable or (
            candidate.loader == QEMU and segment.p_type == spec.PT_LOAD
        )
        if is_loaded and segment.p_memsz:
            if candidate.loader == QEMU:
                yield segment, segment.p_paddr
            elif candidate.pvh:
                yield segment, segment.p_paddr - addresses.elf_paddr_offset & ADDRESS_MASK
            else:
                yield segment, candidate.address(segment)


def _sections(candidate: Candidate, start: int, size: int, kind: str) -> str:
    """Return the names of the sections in size bytes from start, an address in terms of p_vaddr.

    kind: ZEROED for sections without bytes in the file, SEGMENT for the others.
    """
    found = []
    for section in islice(candidate.elf.sections, _SECTIONS):
        inside = start <= section.sh_addr < start + size and section.sh_size
        is_zeroed = section.sh_type == spec.SHT_NOBITS
        if inside and section.sh_flags & spec.SHF_ALLOC and is_zeroed == (kind == ZEROED):
            found.append(printable(section.name or ""))
    more = " ..." if len(found) > _NAMED else ""
    return " ".join(found[:_NAMED]) + more


def markers(candidate: Candidate, *, paged: bool) -> Iterator[Marker]:
    """Yield the markers of the entry point and, if paged, of the hypercall page."""
    parms, addresses = candidate.parms, candidate.addresses
    if candidate.loader == QEMU:
        entry = entry_of(candidate)
    else:
        entry = addresses.virt_entry if paged else parms.phys_entry
    note = XenElfNote.ENTRY if paged else XenElfNote.PHYS32_ENTRY
    source = f"note {note.name}" if note in parms.counted else "e_entry"
    yield _marker(candidate, "entry", source, entry, paged)
    if paged and parms.virt_hypercall != UNSET_ADDR:
        source = "note HYPERCALL_PAGE"
        yield _marker(candidate, "hypercall page", source, parms.virt_hypercall, paged)


def _marker(candidate: Candidate, name: str, source: str, address: int, paged: bool) -> Marker:
    """Return a marker, with the linked address found by the segment in which the address is."""
    linked = address
    for segment, start in _placed(candidate):
        if 0 <= address - start < segment.p_memsz:
            linked = address - start + segment.p_vaddr & ADDRESS_MASK
    return Marker(name, source, address, paged, linked)


def with_holes(
    regions: Iterable[Region], start: int, end: int, *, paged: bool, about: Sequence[str]
) -> Iterator[Region]:
    """Yield the regions in order of addresses, and a hole wherever at least a page is unused.

    start, end: the range that may have holes.  paged: whether these are virtual addresses.
    about: the descriptions of a hole before the first region, between two, and after the last.
    """
    position, first = start, True
    base = start if paged else 0
    for region in sorted(regions, key=address):
        yield from _hole(position, address(region), base, paged, about[0 if first else 1])
        yield region
        position = max(position, address(region) + region.size)
        first = False
    yield from _hole(position, end, base, paged, about[2])


def _hole(start: int, end: int, base: int, paged: bool, about: str) -> Iterator[Region]:
    """Yield a hole from start, rounded up to a page, to end, if that is a page or more.

    base: the address of physical address 0.
    """
    start = round_up(start)
    if end - start >= PAGE_SIZE:
        yield Region(HOLE, "", start if paged else None, start - base, end - start, about)


def round_up(value: int, unit: int = PAGE_SIZE) -> int:
    """Round up to a multiple of unit."""
    return (value + unit - 1) // unit * unit
