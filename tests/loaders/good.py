# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Valid images, which every loader of their type accepts."""

from __future__ import annotations

from loaders.images import (
    HYPERCALL_PAGE,
    PADDR,
    PV_ENTRY,
    PVH_ENTRY,
    VIRT_BASE_32,
    VIRT_BASE_64,
    Image,
    Note,
    Segment,
    number,
    text,
)
from xen_tool import abi
from xen_tool.abi import XenElfNote, XenFeat
from xen_tool.elf import spec


def _notes(virt_base: int, width: int, *more: Note) -> tuple[Note, ...]:
    return (
        text(XenElfNote.XEN_VERSION, "xen-3.0"),
        text(XenElfNote.LOADER, "generic"),
        text(XenElfNote.GUEST_OS, "test"),
        number(XenElfNote.VIRT_BASE, virt_base, width),
        number(XenElfNote.PADDR_OFFSET, 0, width),
        number(XenElfNote.ENTRY, virt_base + PADDR + PV_ENTRY, width),
        number(XenElfNote.HYPERCALL_PAGE, virt_base + PADDR + HYPERCALL_PAGE, width),
        text(XenElfNote.FEATURES, "!writable_page_tables|pae_pgdir_above_4gb"),
        number(XenElfNote.SUPPORTED_FEATURES, XenFeat.WRITABLE_PAGE_TABLES | XenFeat.DOM0, 4),
        number(XenElfNote.MOD_START_PFN, 1, 4),
        *more,
    )


def good_pv64() -> Image:
    """A 64-bit PV kernel, for dom0 and domU."""
    assert abi.X86_64.init_p2m is not None
    init_p2m = number(XenElfNote.INIT_P2M, abi.X86_64.init_p2m)
    return Image(notes=_notes(VIRT_BASE_64, 8, init_p2m))


def good_pv32() -> Image:
    """A 32-bit PAE PV kernel, for a Xen with PV32."""
    more = (
        text(XenElfNote.PAE_MODE, "yes"),
        number(XenElfNote.HV_START_LOW, abi.I386.hv_start_low, 4),
    )
    return Image(
        bits=32,
        e_machine=spec.EM_386,
        e_entry=VIRT_BASE_32 + PADDR + PV_ENTRY,
        loads=(Segment(p_vaddr=VIRT_BASE_32 + PADDR),),
        notes=_notes(VIRT_BASE_32, 4, *more),
    )


def good_pvh(bits: int = 32) -> Image:
    """A PVH kernel, for dom0, domU and QEMU -kernel: the one note that it needs."""
    return Image(
        bits=bits,
        e_machine=spec.EM_386 if bits == 32 else spec.EM_X86_64,
        e_entry=PADDR + PVH_ENTRY,
        loads=(Segment(p_vaddr=PADDR),),
        notes=(PHYS32_ENTRY,),
    )


PHYS32_ENTRY = number(XenElfNote.PHYS32_ENTRY, PADDR + PVH_ENTRY, 4)


def good_both() -> Image:
    """A 64-bit kernel that every loader takes."""
    return good_pv64().adding(PHYS32_ENTRY)
