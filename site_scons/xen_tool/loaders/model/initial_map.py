# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The virtual memory that a PV dom0 starts with, as dom0_construct lays it out.

It holds the kernel, the P2M table unless INIT_P2M moves it elsewhere, start_info, page tables
and the boot stack, in a map whose ends are aligned to 4 MiB (Xen xen/arch/x86/pv/dom0_build.c).
An initrd follows the kernel, unless MOD_START_PFN allows it to be outside of the map.
"""

from __future__ import annotations

from ...abi import BOOTSTRAP_ALIGN, BOOTSTRAP_PADDING, I386, PAGE_SIZE
from ...image.elf import ADDRESS_MASK, MASK_32
from ...light import NamedTuple
from .libelf.addresses import Addresses
from .libelf.parms import UNSET_ADDR, Parms

DOM0_PAGES = (256 << 20) // PAGE_SIZE
"""The assumed memory of dom0, in pages: 256 MiB, as with dom0_mem=256M."""

HYPERVISOR_VIRT_END = 0xFFFF880000000000
"""The end of Xen's private area, which begins at HV_START_LOW's value (Xen asm/config.h)."""

_MACH2PHYS_COMPAT_VIRT_END = 0xFFE00000
_SHIFTS = (39, 30, 21)
"""L4_, L3_ and L2_PAGETABLE_SHIFT."""


class InitialMap(NamedTuple):
    """Addresses by their names in dom0_construct; p2m_start: None if the table is in the map."""

    v_start: int
    v_end: int
    vpt_start: int
    vpt_end: int
    p2m_start: int | None
    p2m_end: int


def initial_map(
    parms: Parms, addresses: Addresses, *, compat: bool, pages: int = DOM0_PAGES, initrd: int = 0
) -> InitialMap:
    """Return the initial map of a dom0.

    compat: whether dom0 is 32-bit.  pages: its memory.  initrd: the size of its initrd in bytes.
    """
    p2m_size = pages * (4 if compat else 8)
    p2m_start = None if compat or parms.p2m_base == UNSET_ADDR else parms.p2m_base
    v_start = addresses.virt_base
    position = _round_up(addresses.virt_kend, PAGE_SIZE)
    if not parms.unmapped_initrd:
        position = _round_up(position + initrd, PAGE_SIZE)
    if p2m_start is None:
        position = _round_up(position + p2m_size, PAGE_SIZE)
    vpt_start = position + PAGE_SIZE & ADDRESS_MASK  # after start_info

    # The map contains its own page tables: Xen takes the first number of them that suffices.
    tables = 2
    while True:
        vpt_end = vpt_start + tables * PAGE_SIZE & ADDRESS_MASK
        v_end = _end(vpt_end + PAGE_SIZE)
        needed = _tables(v_start, v_end, compat=compat)
        if needed <= tables:
            break
        tables = needed
    return InitialMap(
        v_start, v_end, vpt_start, vpt_end, p2m_start, (p2m_start or 0) + p2m_size & ADDRESS_MASK
    )


def _end(stack_end: int) -> int:
    """Return v_end for a boot stack that ends at stack_end."""
    v_end = _round_up(stack_end, BOOTSTRAP_ALIGN)
    if (v_end - stack_end & ADDRESS_MASK) < BOOTSTRAP_PADDING:
        v_end += BOOTSTRAP_ALIGN
    return v_end & ADDRESS_MASK


def _tables(v_start: int, v_end: int, *, compat: bool) -> int:
    """Return the number of page tables that map the addresses from v_start up to v_end."""
    l3, l2, l1 = (
        (_round_up(v_end, 1 << shift) - (v_start >> shift << shift) & ADDRESS_MASK) >> shift
        for shift in _SHIFTS
    )
    return l3 + 4 + l1 if compat else 1 + l3 + l2 + l1


def _round_up(value: int, unit: int) -> int:
    return (value + unit - 1 & ADDRESS_MASK) // unit * unit


def pages_needed(layout: InitialMap) -> int:
    """Return the pages of contiguous memory that Xen takes for the map: a power of two."""
    pages = (layout.v_end - layout.v_start & ADDRESS_MASK) // PAGE_SIZE
    return 1 << max(0, pages - 1).bit_length()


def compat_hole_start(parms: Parms) -> int:
    """Return the address at which Xen's area begins in a 32-bit dom0.

    The M2P table, at the top of the area, grows with the machine's memory; without
    HV_START_LOW, Xen reserves the largest area that it may need.
    """
    if parms.virt_hv_start_low == UNSET_ADDR:
        return I386.hv_start_low
    note = _round_up(parms.virt_hv_start_low, 1 << 21)
    m2p = _MACH2PHYS_COMPAT_VIRT_END - _round_up(DOM0_PAGES * 4, 1 << 21)
    return max(m2p, note & MASK_32)
