# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The D rules of memory: how dom0_construct places a PV kernel.

dom0_construct (xen/arch/x86/pv/dom0_build.c of Xen) lays out the initial map
(model/initial_map.py), copies the kernel, and fills the hypercall page and the P2M table.
"""

from __future__ import annotations

from ....abi import PAGE_SIZE, X86_64, XenElfNote
from ....elf import spec
from ...model import where
from ...model.candidate import Candidate
from ...model.initial_map import (
    DOM0_PAGES,
    HYPERVISOR_VIRT_END,
    InitialMap,
    compat_hole_start,
    initial_map,
    pages_needed,
)
from ...model.libelf.parms import UNSET_ADDR
from ...names import PV_DOM0
from .. import common
from ..libelf.headers import memsz_below_filesz
from ..rule import Effect, Fields, Rule


def is_32bit(candidate: Candidate) -> bool:
    """Whether Xen treats a kernel as 32-bit: by its ELF class."""
    return candidate.elf.ei_class == spec.ELFCLASS32


def _layout(candidate: Candidate) -> InitialMap:
    return initial_map(candidate.parms, candidate.addresses, compat=is_32bit(candidate))


def _memory(candidate: Candidate, more_than: int, at_most: int | None = None) -> Fields | None:
    """Return the fields if the initial map needs more pages than more_than, and at most at_most."""
    layout = _layout(candidate)
    pages = pages_needed(layout)
    if pages <= more_than or (at_most is not None and pages > at_most):
        return None
    return {
        "mib": pages * PAGE_SIZE >> 20,
        "assumed": DOM0_PAGES * PAGE_SIZE >> 20,
        "where": f"the initial map is {layout.v_start:#x} to {layout.v_end:#x}; "
        + where.of_type(candidate, XenElfNote.VIRT_BASE),
    }


def _needs_more_than_any(candidate: Candidate) -> Fields | None:
    """The initial map, from VIRT_BASE to after the kernel, is larger than 16 TiB."""
    return _memory(candidate, common.PAGE_LIMIT)


def _needs_more_than_small(candidate: Candidate) -> Fields | None:
    """The initial map, from VIRT_BASE to after the kernel, is larger than 256 MiB."""
    return _memory(candidate, DOM0_PAGES, common.PAGE_LIMIT)


def _in_xen_area(candidate: Candidate) -> Fields | None:
    """The initial map overlaps Xen's private area."""
    layout = _layout(candidate)
    if is_32bit(candidate):
        hole, end = compat_hole_start(candidate.parms), 1 << 32
        overlaps = layout.v_end > hole
    else:
        hole, end = X86_64.hv_start_low, HYPERVISOR_VIRT_END
        overlaps = layout.v_start < end and layout.v_end > hole
    if not overlaps:
        return None
    return {
        "hole": hole,
        "end": end,
        "where": f"the initial map is {layout.v_start:#x} to {layout.v_end:#x}; "
        + where.of_type(candidate, XenElfNote.VIRT_BASE),
    }


def _not_canonical(candidate: Candidate) -> Fields | None:
    """The image has non-canonical addresses: bits 63 to 47 differ."""
    addresses = candidate.addresses
    if all(map(_canonical, (addresses.virt_kstart, addresses.virt_kend))):
        return None
    image = f"the image is {addresses.virt_kstart:#x} to {addresses.virt_kend:#x}"
    return {"where": f"{image}; {where.of_type(candidate, XenElfNote.VIRT_BASE)}"}


def _canonical(address: int) -> bool:
    return address >> 47 in (0, (1 << 17) - 1)


def _hypercall_page_outside(candidate: Candidate) -> Fields | None:
    """HYPERCALL_PAGE is outside the initial map."""
    page, layout = candidate.parms.virt_hypercall, _layout(candidate)
    if page == UNSET_ADDR or layout.v_start <= page < layout.v_end:
        return None
    return _hypercall_page(candidate, layout)


def _hypercall_page_not_writable(candidate: Candidate) -> Fields | None:
    """HYPERCALL_PAGE is in the initial page tables, or reaches over the end of the initial map."""
    page, layout = candidate.parms.virt_hypercall, _layout(candidate)
    if page == UNSET_ADDR:
        return None
    end = page + PAGE_SIZE
    if end <= layout.v_end and (end <= layout.vpt_start or layout.vpt_end <= page):
        return None
    return _hypercall_page(candidate, layout)


def _hypercall_page(candidate: Candidate, layout: InitialMap) -> Fields:
    return {
        "where": f"{where.of_type(candidate, XenElfNote.HYPERCALL_PAGE)}; the initial map is "
        f"{layout.v_start:#x} to {layout.v_end:#x}, in it page tables {layout.vpt_start:#x} to "
        f"{layout.vpt_end:#x}"
    }


def _p2m_overlaps_map(candidate: Candidate) -> Fields | None:
    """The P2M table at INIT_P2M overlaps the initial map."""
    layout = _layout(candidate)
    if layout.p2m_start is None or is_32bit(candidate):
        return None
    if layout.v_start > layout.p2m_end or layout.p2m_start > layout.v_end:
        return None
    return {
        "where": f"{where.of_type(candidate, XenElfNote.INIT_P2M)}; the initial map is "
        f"{layout.v_start:#x} to {layout.v_end:#x}"
    }


def _p2m_in_xen_area(candidate: Candidate) -> Fields | None:
    """INIT_P2M is in Xen's private area."""
    return _p2m(candidate, X86_64.hv_start_low, HYPERVISOR_VIRT_END)


def _p2m_not_canonical(candidate: Candidate) -> Fields | None:
    """INIT_P2M is not a canonical address."""
    return _p2m(candidate, 1 << 47, X86_64.hv_start_low)


def _p2m(candidate: Candidate, start: int, end: int) -> Fields | None:
    """Return the fields if INIT_P2M of a 64-bit kernel is from start up to end."""
    if is_32bit(candidate) or not start <= candidate.parms.p2m_base < end:
        return None
    return {"where": where.of_type(candidate, XenElfNote.INIT_P2M)}


_GOOD_P2M = "make INIT_P2M 0x8000000000, as Linux does, or drop it"
_GOOD_BASE = "make VIRT_BASE 0xffffffff80000000 (64-bit) or 0xc0000000 (32-bit), as Linux does"


_TOO_SMALL = "Domain 0 allocation is too small for kernel image"
_NOT_LOADED = "Failed to load the kernel binary"
DOM0_CONSTRUCT = "xen/arch/x86/pv/dom0_build.c, dom0_construct"

RULES = (
    Rule(
        "D8",
        (PV_DOM0,),
        _needs_more_than_any,
        _TOO_SMALL,
        "load the kernel near VIRT_BASE: Xen maps all from there on, {mib} MiB",
        source=DOM0_CONSTRUCT,
    ),
    Rule(
        "D8",
        (PV_DOM0,),
        _needs_more_than_small,
        _TOO_SMALL,
        "this depends on the machine: boot Xen with dom0_mem={mib}M or more, or load the kernel "
        "nearer to VIRT_BASE, as Xen maps all from there on ({assumed} MiB were assumed)",
        Effect.WARNING,
        source=DOM0_CONSTRUCT,
        live=True,
    ),
    Rule(
        "D9",
        (PV_DOM0,),
        _in_xen_area,
        "DOM0 image overlaps with Xen private area.",
        _GOOD_BASE + ": {hole:#x} to {end:#x} is Xen's",
        source=DOM0_CONSTRUCT,
        live=True,
    ),
    Rule(
        "D10",
        (PV_DOM0,),
        _not_canonical,
        _NOT_LOADED,
        _GOOD_BASE,
        source=DOM0_CONSTRUCT,
        live=True,
    ),
    Rule(
        "E8",
        (PV_DOM0,),
        memsz_below_filesz,
        _NOT_LOADED,
        common.MEMSZ,
        source=DOM0_CONSTRUCT,
        live=True,
    ),
    Rule(
        "D5",
        (PV_DOM0,),
        _hypercall_page_outside,
        "Invalid HYPERCALL_PAGE field in ELF notes.",
        "make HYPERCALL_PAGE the virtual address of a page of the kernel: take it from the symbol",
        source=DOM0_CONSTRUCT,
        live=True,
    ),
    Rule(
        "D11",
        (PV_DOM0,),
        _hypercall_page_not_writable,
        "FATAL PAGE FAULT",
        "make HYPERCALL_PAGE a page of the kernel: Xen itself dies when it fills this one",
        source=DOM0_CONSTRUCT,
        live=True,
    ),
    Rule(
        "D12",
        (PV_DOM0,),
        _p2m_overlaps_map,
        "DOM0 P->M table overlaps initial mapping",
        _GOOD_P2M,
        source=DOM0_CONSTRUCT,
        live=True,
    ),
    Rule(
        "D13",
        (PV_DOM0,),
        _p2m_in_xen_area,
        "Xen BUG at arch/x86/pv/dom0_build.c",
        _GOOD_P2M + ": Xen itself dies when it maps its table there, in Xen's own area",
        source=DOM0_CONSTRUCT,
        live=True,
    ),
    Rule(
        "D13",
        (PV_DOM0,),
        _p2m_not_canonical,
        "GENERAL PROTECTION FAULT",
        _GOOD_P2M + ": Xen itself dies when it writes there, as the address is not canonical",
        source=DOM0_CONSTRUCT,
        live=True,
    ),
)
