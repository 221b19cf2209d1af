# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compute the memory that a PVH guest starts with: physical addresses, as paging is off.

dom0 is laid out by the hypervisor (Xen xen/arch/x86/hvm/dom0_build.c, pvh_load_kernel), a domU
by libxenguest (tools/libs/guest/xg_dom_core.c and xg_dom_x86.c), and without Xen by QEMU
(hw/i386/x86-common.c).  The ACPI tables, which depend on the machine, are left out.
"""

from __future__ import annotations

from ...abi import PAGE_SIZE
from ...loaders.model.candidate import Candidate
from ...loaders.names import PVH_DOM0, PVH_DOMU
from . import regions
from .regions import Map, Region, round_up

_MIB = 1 << 20
_LOWER_SINCE = (4, 19)
"""The version of Xen since which find_memory prefers memory below the kernel."""
_SPECIAL_PAGES = 0xFEFF8000
_SPECIAL_SIZE = 8 * PAGE_SIZE
"""X86_HVM_NR_SPECIAL_PAGES below X86_HVM_END_SPECIAL_REGION (Xen xenctrl_dom.h)."""
_QEMU_ACPI = 0x28000
"""Bytes that QEMU's PC reserves for ACPI at the end of memory."""

_HOLES = ("nothing is loaded", "nothing is loaded", "nothing is loaded")


def layout(candidate: Candidate, pages: int, initrd: int) -> Map:
    """Return the map that the candidate's PVH loader makes.

    pages: pages of the guest's memory.  initrd: size in bytes; 0: none.
    """
    placed = list(regions.kernel(candidate, paged=False))
    end = pages * PAGE_SIZE
    outside: list[Region] = []
    if candidate.loader == PVH_DOMU:
        placed += _domu(candidate, initrd)
        outside.append(_region(regions.RING, "special pages", _SPECIAL_PAGES, _SPECIAL_SIZE))
    elif candidate.loader == PVH_DOM0:
        placed += _dom0(candidate, end, initrd)
    elif initrd:
        start = (end - _QEMU_ACPI - 1 - initrd) // PAGE_SIZE * PAGE_SIZE
        placed.append(_region(regions.INITRD, "initrd", start, initrd))
    end = max([end, *(regions.address(region) + region.size for region in placed)])
    return Map(
        candidate.loader,
        32,
        None,
        None,
        tuple(regions.with_holes(placed, 0, end, paged=False, about=_HOLES)),
        tuple(outside),
        tuple(regions.markers(candidate, paged=False)),
    )


def _domu(candidate: Candidate, initrd: int) -> list[Region]:
    """Return the regions that libxenguest puts after the kernel: start_info, and the initrd.

    The initrd comes first, or last if MOD_START_PFN says that it needs no mapping.
    """
    position = _kernel_end(candidate)
    wanted = [(regions.START_INFO, "hvm_start_info", PAGE_SIZE)]
    if initrd:
        place = 1 if candidate.parms.unmapped_initrd else 0
        wanted.insert(place, (regions.INITRD, "initrd", initrd))
    placed = []
    for kind, name, size in wanted:
        placed.append(_region(kind, name, position, size))
        position = round_up(position + size)
    return placed


def _dom0(candidate: Candidate, end: int, initrd: int) -> list[Region]:
    """Return the regions that Xen puts below or above the kernel: initrd (if any) and start_info.

    They lie together, with the command line.  Before Xen 4.19 find_memory used the larger of the
    two sides, and since then it uses the lower one if that is large enough.
    end: the end of the dom0's memory.
    """
    start = candidate.addresses.virt_kstart - candidate.addresses.virt_base
    start = start // PAGE_SIZE * PAGE_SIZE
    behind = _kernel_end(candidate)
    size = round_up(initrd) + PAGE_SIZE
    below = start - _MIB
    is_below = below >= size if candidate.xen.version >= _LOWER_SINCE else below > end - behind
    place = _MIB if is_below or end <= start else behind
    about = "and the command line"
    info = _region(regions.START_INFO, "hvm_start_info", place + round_up(initrd), PAGE_SIZE, about)
    return [_region(regions.INITRD, "initrd", place, initrd), info] if initrd else [info]


def _kernel_end(candidate: Candidate) -> int:
    return round_up(candidate.addresses.virt_kend - candidate.addresses.virt_base)


def _region(kind: str, name: str, physical: int, size: int, about: str = "") -> Region:
    return Region(kind, name, None, physical, size, about)
