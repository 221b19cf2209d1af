# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A map: the regions of a guest's memory at its entry, and what notes point to in them.

Addresses and sizes are in bytes.  A virtual address is one of the page tables that the guest
starts with; None where these do not map the region, or where paging is off.  A physical address
is the guest's own (a PV guest's pseudo-physical one); None where the image does not tell it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from ...abi import PAGE_SIZE, XenElfNote
from ...elf import spec
from ...image.elf import ADDRESS_MASK, Segment
from ...light import NamedTuple
from ...loaders.model.libelf.parms import UNSET_ADDR32
from ...loaders.model.subject import Subject
from ...loaders.names import QEMU
from ...loaders.rules.qemu.entry_note import entry_of
from ...printable import printable

SEGMENT = "segment"
"""Bytes of the file."""
ZEROED = "zeroed"
"""What p_memsz has more than p_filesz: the loader clears it."""
SYMBOLS = "symbols"
"""The symbol table that BSD_SYMTAB asks for."""
INITRD = "initrd"
P2M = "p2m"
START_INFO = "start_info"
RING = "ring"
"""A page shared with a backend: xenstore's, the console's, and an HVM guest's special pages."""
PAGE_TABLES = "page_tables"
STACK = "stack"
HOLE = "hole"
"""Nothing is loaded there, though it may be mapped."""

_SECTIONS = 4096
_NAMED = 6
_SEGMENTS = 256
"""Program headers that are drawn; no kernel has so many."""


class Region(NamedTuple):
    """Some bytes of the guest's memory."""

    kind: str
    """One of the names above."""
    name: str
    virtual: int | None
    physical: int | None
    size: int
    about: str = ""


class Marker(NamedTuple):
    """What a note, or e_entry, points to."""

    name: str
    """Such as "entry"."""
    source: str
    """Such as "note ENTRY"."""
    address: int
    paged: bool
    """Whether the address is virtual."""
    linked: int
    """The address at which the linker put it, for its symbol."""


class Map(NamedTuple):
    """What one loader lays out."""

    loader: str
    bits: int
    """Width of an address."""
    start: int | None
    end: int | None
    """The virtual addresses that are mapped at the entry; None if paging is off."""
    regions: tuple[Region, ...]
    """In order of their addresses: virtual ones, or physical ones if paging is off."""
    outside: tuple[Region, ...]
    """What the initial page tables do not map in one piece with the kernel."""
    markers: tuple[Marker, ...]


def address(region: Region) -> int:
    """The address that a region is sorted by."""
    found = region.virtual if region.virtual is not None else region.physical
    assert found is not None
    return found


def kernel(subject: Subject, *, paged: bool) -> Iterator[Region]:
    """The regions of the segments that a loader loads, and of the symbols behind them."""
    base = subject.addresses.virt_base
    for segment, start in sorted(_placed(subject), key=lambda placed: placed[1]):
        name = f"PT_LOAD {segment.number} {_flags(segment)}"
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
                    _sections(subject, segment.p_vaddr + at, size, kind),
                )
    addresses = subject.addresses
    end = addresses.pend + addresses.virt_offset & ADDRESS_MASK
    if addresses.virt_kend != end and subject.loader != QEMU:
        yield Region(
            SYMBOLS,
            "symbol table",
            end if paged else None,
            end - base & ADDRESS_MASK,
            addresses.virt_kend - end,
            "note BSD_SYMTAB",
        )


def _placed(subject: Subject) -> Iterator[tuple[Segment, int]]:
    """The segments that are loaded, and at which address: virtual for PV, else physical."""
    addresses = subject.addresses
    segments = subject.elf.qemu_segments if subject.loader == QEMU else subject.elf.segments
    for segment in segments[:_SEGMENTS]:
        is_loaded = segment.is_loadable or (
            subject.loader == QEMU and segment.p_type == spec.PT_LOAD
        )
        if is_loaded and segment.p_memsz:
            if subject.loader == QEMU:
                yield segment, segment.p_paddr
            elif subject.pvh:
                yield segment, segment.p_paddr - addresses.elf_paddr_offset & ADDRESS_MASK
            else:
                yield segment, subject.address(segment)


def _flags(segment: Segment) -> str:
    return "".join(
        letter if segment.p_flags & flag else "-" for flag, letter in spec.PF_LETTERS.items()
    )


def _sections(subject: Subject, start: int, size: int, kind: str) -> str:
    """The names of the sections at these linked addresses."""
    found = []
    for section in islice(subject.elf.sections, _SECTIONS):
        inside = start <= section.sh_addr < start + size and section.sh_size
        is_zeroed = section.sh_type == spec.SHT_NOBITS
        if inside and section.sh_flags & spec.SHF_ALLOC and is_zeroed == (kind == ZEROED):
            found.append(printable(section.name or ""))
    more = " ..." if len(found) > _NAMED else ""
    return " ".join(found[:_NAMED]) + more


def markers(subject: Subject, *, paged: bool) -> Iterator[Marker]:
    """Where the guest is entered, and the page of hypercalls."""
    parms, addresses = subject.parms, subject.addresses
    if subject.loader == QEMU:
        entry = entry_of(subject) & UNSET_ADDR32
    else:
        entry = addresses.virt_entry if paged else parms.phys_entry
    note = XenElfNote.ENTRY if paged else XenElfNote.PHYS32_ENTRY
    source = f"note {note.name}" if note in parms.counted else "e_entry"
    yield _marker(subject, "entry", source, entry, paged)
    if paged and parms.virt_hypercall != ADDRESS_MASK:
        source = "note HYPERCALL_PAGE"
        yield _marker(subject, "hypercall page", source, parms.virt_hypercall, paged)


def _marker(subject: Subject, name: str, source: str, address: int, paged: bool) -> Marker:
    linked = address
    for segment, start in _placed(subject):
        if 0 <= address - start < segment.p_memsz:
            linked = address - start + segment.p_vaddr & ADDRESS_MASK
    return Marker(name, source, address, paged, linked)


def with_holes(
    regions: Iterable[Region], start: int, end: int, *, paged: bool, about: Sequence[str]
) -> Iterator[Region]:
    """The regions in order, and a hole wherever at least a page between them has nothing.

    about is what is said of a hole before, between and behind them.  Overlapping regions have
    none between them.
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
    start = round_up(start)
    if end - start >= PAGE_SIZE:
        yield Region(HOLE, "", start if paged else None, start - base, end - start, about)


def round_up(value: int, unit: int = PAGE_SIZE) -> int:
    """The next multiple of unit."""
    return (value + unit - 1) // unit * unit
