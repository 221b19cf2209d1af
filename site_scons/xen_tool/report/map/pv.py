# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compute the memory that a PV guest starts with: virtual addresses in Xen's page tables.

dom0 is laid out by the hypervisor (Xen xen/arch/x86/pv/dom0_build.c, dom0_construct), a domU by
libxenguest (tools/libs/guest/xg_dom_core.c, xc_dom_build_image, and xg_dom_x86.c).  In both the
kernel is at its address above VIRT_BASE, followed by what the guest needs to start.
"""

from __future__ import annotations

from ...abi import BOOTSTRAP_ALIGN, BOOTSTRAP_PADDING, PAGE_SIZE
from ...elf import spec
from ...loaders.model.candidate import Candidate
from ...loaders.model.initial_map import initial_map, pages_needed
from . import regions
from .regions import Map, Region, round_up

_HOLES = (
    "mapped from VIRT_BASE on; nothing is loaded",
    "nothing is loaded",
    "mapped, free for the guest",
)
"""The descriptions for regions.with_holes()."""


def dom0(candidate: Candidate, pages: int, initrd: int) -> Map:
    """Return the map that the hypervisor makes for a dom0.

    pages: pages of the dom0's memory.  initrd: size in bytes; 0: none.
    """
    parms = candidate.parms
    compat = candidate.elf.ei_class == spec.ELFCLASS32
    found = initial_map(parms, candidate.addresses, compat=compat, pages=pages, initrd=initrd)
    builder = _Builder(candidate, found.v_start)
    outside = []
    if initrd and not parms.unmapped_initrd:
        builder.add(regions.INITRD, "initrd", initrd)
    elif initrd:
        outside.append(_initrd_outside(pages_needed(found) * PAGE_SIZE, initrd))
    p2m = pages * (4 if compat else 8)
    if found.p2m_start is None:
        builder.add(regions.P2M, "P2M table", p2m)
    else:
        outside.append(_p2m_outside(found.p2m_start, None, p2m))
    builder.position = found.vpt_start - PAGE_SIZE
    builder.add(regions.START_INFO, "start_info", PAGE_SIZE)
    builder.add(
        regions.PAGE_TABLES, "page tables", found.vpt_end - found.vpt_start, "mapped read-only"
    )
    builder.add(regions.STACK, "boot stack", PAGE_SIZE)
    return builder.map(found.v_end, outside)


def domu(candidate: Candidate, pages: int, initrd: int) -> Map:
    """Return the map that libxenguest makes for a domU; the parameters are those of dom0()."""
    parms, bits = candidate.parms, candidate.elf.bits
    base = candidate.addresses.virt_base
    builder = _Builder(candidate, base)
    outside = []
    if initrd and not parms.unmapped_initrd:
        builder.add(regions.INITRD, "initrd", initrd)
    p2m = pages * (bits // 8)
    # xc_dom_build_image ignores INIT_P2M unless it is the start of a page below VIRT_BASE, and the
    # kernel is 64-bit.
    apart = bits == 64 and parms.p2m_base < base and parms.p2m_base % PAGE_SIZE == 0
    if not apart:
        builder.add(regions.P2M, "P2M table", p2m)
    builder.add(regions.START_INFO, "start_info", PAGE_SIZE)
    builder.add(regions.RING, "xenstore ring", PAGE_SIZE)
    builder.add(regions.RING, "console ring", PAGE_SIZE)
    tables, end = _domu_tables(base, builder.position, bits)
    builder.add(regions.PAGE_TABLES, "page tables", tables * PAGE_SIZE, "mapped read-only")
    builder.add(regions.STACK, "boot stack", PAGE_SIZE)
    physical = end - base
    if initrd and parms.unmapped_initrd:
        outside.append(_initrd_outside(physical, initrd))
        physical = round_up(physical + initrd)
    if apart:
        outside.append(_p2m_outside(parms.p2m_base, physical, round_up(p2m)))
        more = _tables(parms.p2m_base, parms.p2m_base + round_up(p2m), bits) - 1
        outside.append(
            Region(
                regions.PAGE_TABLES,
                "page tables of the P2M table",
                None,
                physical + round_up(p2m),
                more * PAGE_SIZE,
            )
        )
    return builder.map(end, outside)


class _Builder:
    """The kernel's regions, and those added after it, each at the start of a page.

    start is the lowest virtual address that is mapped.
    """

    def __init__(self, candidate: Candidate, start: int) -> None:
        self._candidate = candidate
        self._start = start
        self._regions = list(regions.kernel(candidate, paged=True))
        self.position = round_up(candidate.addresses.virt_kend)

    def add(self, kind: str, name: str, size: int, about: str = "") -> None:
        """Append a region of size bytes at position; set position to the next free page."""
        at = self.position
        self._regions.append(Region(kind, name, at, at - self._start, size, about))
        self.position = round_up(at + size)

    def map(self, end: int, outside: list[Region]) -> Map:
        """Return the map with its holes; end is the first address that is not mapped."""
        found = regions.with_holes(self._regions, self._start, end, paged=True, about=_HOLES)
        return Map(
            self._candidate.loader,
            self._candidate.elf.bits,
            self._start,
            end,
            tuple(found),
            tuple(outside),
            tuple(regions.markers(self._candidate, paged=True)),
        )


def _initrd_outside(physical: int, size: int) -> Region:
    return Region(regions.INITRD, "initrd", None, physical, size, "not mapped: note MOD_START_PFN")


def _p2m_outside(virtual: int, physical: int | None, size: int) -> Region:
    return Region(regions.P2M, "P2M table", virtual, physical, size, "note INIT_P2M")


def _domu_tables(start: int, position: int, bits: int) -> tuple[int, int]:
    """Return the number of a domU's page tables, and the end of its map (alloc_pgtables_pv).

    start is the first address of the map, and position where the tables begin.  The tables map
    themselves, the stack and 512 KiB more, and the end is a multiple of 4 MiB.
    """
    more = 1 + BOOTSTRAP_PADDING // PAGE_SIZE
    tables = 0
    while True:
        end = round_up(position + (tables + more) * PAGE_SIZE + 1, BOOTSTRAP_ALIGN)
        tables = _tables(start, end, bits)
        if position + (tables + more) * PAGE_SIZE <= end:
            return tables, end


def _tables(start: int, end: int, bits: int) -> int:
    """Return the number of page tables, of all levels, that map a range (count_pgtables)."""
    # Below the one top-level table, a table of each level maps 1 << shift bytes.  With PAE there
    # are two such levels, and level 2 reaches up to 4 GiB, for Xen's area.
    ends = ((21, end), (30, end if bits == 64 else 1 << 32), (39, end))
    return 1 + sum(
        ((end - 1) >> shift) - (start >> shift) + 1 for shift, end in ends[: 3 if bits == 64 else 2]
    )
