# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of the hypervisor for a PVH dom0, in the order of its checks.

pvh_load_kernel (xen/arch/x86/hvm/dom0_build.c of Xen) calls libelf to read the file; then the H
rules follow.  H1, an error of libelf, is covered by the rules of libelf.  Where dom0 has RAM
depends on the machine: an address where no PC has RAM is an error, an address where some PCs have
none is a warning.  H7, no room for initrd and metadata, depends on the machine alone, and is left
out.
"""

from __future__ import annotations

from ...abi import PAGE_SIZE, XenElfNote
from ...image.elf import ADDRESS_MASK, MASK_32
from ..model import where
from ..model.candidate import Candidate
from ..model.libelf.parms import UNSET_ADDR32
from ..model.pc_memory import (
    ABOVE_DEVICES,
    HIGH_RAM_START,
    LARGEST_RAM_END,
    LOW_RAM_END,
    PHYSICAL_END,
    SMALL_RAM_END,
)
from ..model.releases import PHYS32_RELOC, PVH_DOM0_BIT
from ..names import PVH_DOM0
from . import common
from .guest import layout
from .libelf import checks, headers, note_rules
from .libelf.headers import memsz_below_filesz
from .rule import Effect, Fields, Rule, of
from .xen import decompression
from .xen.dom0_features import ADD_DOM0_BIT, NO_DOM0, no_dom0_bit

_LOW_RAM = (0, LOW_RAM_END)
_ABOVE_4_GIB = (ABOVE_DEVICES, PHYSICAL_END)


def _in_one_piece(candidate: Candidate) -> tuple[int, int]:
    """Return the physical start and end of the range of all segments."""
    addresses = candidate.addresses
    return (
        addresses.virt_kstart - addresses.virt_base,
        addresses.virt_kend - addresses.virt_base,
    )


def _is_ram(start: int, end: int, *regions: tuple[int, int]) -> bool:
    return any(low <= start and end <= high for low, high in regions)


def _fits(candidate: Candidate) -> bool:
    """Whether the kernel is within one region of RAM, in a large machine (check_load_address)."""
    return _is_ram(*_in_one_piece(candidate), _LOW_RAM, (HIGH_RAM_START, LARGEST_RAM_END))


def _place(candidate: Candidate) -> Fields:
    """Return the field where: the range of the kernel, and the segment that it starts with."""
    start, end = _in_one_piece(candidate)
    place = f"the kernel is {start:#x} to {end:#x}"
    for segment in candidate.elf.loadable:
        if segment.p_paddr == candidate.addresses.pstart:
            place += f", from {where.segment(candidate, segment, 'p_paddr', 'p_memsz')} on"
            break
    return {"where": place}


def _outside_ram(candidate: Candidate, *regions: tuple[int, int]) -> Fields | None:
    """Return the fields of the first segment that elf_load_binary copies outside of regions."""
    offset = candidate.addresses.virt_offset - candidate.addresses.virt_base
    for segment in candidate.elf.loadable:
        start = segment.p_paddr + offset & ADDRESS_MASK
        if segment.p_memsz and not _is_ram(start, start + segment.p_memsz, *regions):
            return {"where": where.segment(candidate, segment, "p_paddr", "p_memsz")}
    return None


def _never_in_ram(candidate: Candidate) -> Fields | None:
    """The range of the kernel is not in one region of RAM, and it has no PHYS32_RELOC."""
    return None if _fits(candidate) or candidate.parms.phys_reloc else _place(candidate)


def _segment_never_in_ram(candidate: Candidate) -> Fields | None:
    """A segment that is not empty is at an address where no PC has RAM."""
    return _outside_ram(candidate, _LOW_RAM, (HIGH_RAM_START, LARGEST_RAM_END), _ABOVE_4_GIB)


def _seldom_in_ram(candidate: Candidate) -> Fields | None:
    """The kernel is at an address where a machine of 256 MiB has no RAM, but a larger one has."""
    fits = _is_ram(*_in_one_piece(candidate), _LOW_RAM, (HIGH_RAM_START, SMALL_RAM_END))
    return None if fits or not _fits(candidate) else _place(candidate)


def _segment_seldom_in_ram(candidate: Candidate) -> Fields | None:
    """A segment is at an address where a machine of 256 MiB has no RAM, but a larger one has."""
    if _segment_never_in_ram(candidate) is not None:
        return None
    return _outside_ram(candidate, _LOW_RAM, (HIGH_RAM_START, SMALL_RAM_END))


def _no_other_place(candidate: Candidate) -> Fields | None:
    """The kernel is not in RAM, and PHYS32_RELOC allows no address that is RAM."""
    if _fits(candidate) or not candidate.parms.phys_reloc or _new_place(candidate):
        return None
    return {"where": where.of_type(candidate, XenElfNote.PHYS32_RELOC)}


def _moved(candidate: Candidate) -> Fields | None:
    """The kernel is not in RAM, and PHYS32_RELOC allows Xen to move it."""
    if _fits(candidate) or not candidate.parms.phys_reloc:
        return None
    return {**_place(candidate), "to": _new_place(candidate)}


def _new_place(candidate: Candidate) -> int:
    """Return the address to which Xen moves the kernel (find_kernel_memory); 0: there is none.

    The machine is assumed to have 3 GiB of RAM below 4 GiB.
    """
    parms, addresses = candidate.parms, candidate.addresses
    size = addresses.virt_kend - addresses.virt_kstart
    if parms.phys_align != UNSET_ADDR32:
        align = parms.phys_align
    else:
        align = addresses.palign if addresses.palign >= PAGE_SIZE else 2 << 20
    mask = ~((align & MASK_32) - 1) & MASK_32
    for start, end in ((HIGH_RAM_START, LARGEST_RAM_END), _LOW_RAM):
        if end - start < size or start > parms.phys_max:
            continue
        end = min(end, parms.phys_max + 1)
        kstart = end - size & mask
        if kstart < parms.phys_min:
            return 0
        if kstart >= start and kstart + size <= end:
            return kstart
    return 0


_NO_RAM = (
    "let the kernel lie within one region of RAM, from 2 MiB on, without a segment below, not even "
    "an empty one: set p_paddr in the linker script, AT()"
)
_NO_RAM_FOR_SEGMENT = (
    "let the segment lie within RAM, from 2 MiB on: set p_paddr in the linker script, AT()"
)

_NO_PLACE = "d0 kernel: Address conflict and not relocatable"
_NOT_LOADED = "Failed to load kernel: -1"
_PVH_LOAD_KERNEL = "xen/arch/x86/hvm/dom0_build.c, pvh_load_kernel"
_FIND_KERNEL_MEMORY = "xen/arch/x86/hvm/dom0_build.c, find_kernel_memory"

_RULES = (
    Rule(
        "H2",
        (PVH_DOM0,),
        common.no_phys32_entry,
        "Unable to find XEN_ELFNOTE_PHYS32_ENTRY address",
        common.ADD_PHYS32_ENTRY,
        source=_PVH_LOAD_KERNEL,
        live=True,
    ),
    Rule(
        "H3",
        (PVH_DOM0,),
        no_dom0_bit,
        NO_DOM0,
        ADD_DOM0_BIT,
        since=PVH_DOM0_BIT,
        source="xen/arch/x86/dom0_build.c, initdom_check_parms",
    ),
    Rule(
        "H4",
        (PVH_DOM0,),
        _never_in_ram,
        _NO_PLACE,
        _NO_RAM + ", or add the note PHYS32_RELOC if it can run anywhere",
        since=PHYS32_RELOC,
        source="xen/arch/x86/hvm/dom0_build.c, check_and_adjust_load_address",
        live=True,
    ),
    Rule(
        "H4",
        (PVH_DOM0,),
        _segment_never_in_ram,
        _NOT_LOADED,
        _NO_RAM_FOR_SEGMENT,
        before=PHYS32_RELOC,
        source=_PVH_LOAD_KERNEL,
        live=True,
    ),
    Rule(
        "H5",
        (PVH_DOM0,),
        _no_other_place,
        "d0 kernel: Failed find a load address",
        "make PHYS32_RELOC an alignment that is a power of two, the lowest and the highest address",
        since=PHYS32_RELOC,
        source=_FIND_KERNEL_MEMORY,
    ),
    Rule(
        "H6",
        (PVH_DOM0,),
        _moved,
        "the kernel is moved, to where RAM is, such as {to:#x}",
        "be sure that its 32-bit entry runs at any address, or " + _NO_RAM,
        Effect.WARNING,
        since=PHYS32_RELOC,
        source=_FIND_KERNEL_MEMORY,
        live=True,
    ),
    Rule(
        "H4",
        (PVH_DOM0,),
        _seldom_in_ram,
        _NO_PLACE,
        f"this depends on the machine: {_NO_RAM}, below {SMALL_RAM_END >> 20} MiB to be sure",
        Effect.WARNING,
        since=PHYS32_RELOC,
        source="xen/arch/x86/hvm/dom0_build.c, check_load_address",
    ),
    Rule(
        "H4",
        (PVH_DOM0,),
        _segment_seldom_in_ram,
        _NOT_LOADED,
        f"this depends on the machine: {_NO_RAM_FOR_SEGMENT}, below {SMALL_RAM_END >> 20} MiB "
        "to be sure",
        Effect.WARNING,
        before=PHYS32_RELOC,
        source=_PVH_LOAD_KERNEL,
    ),
    Rule(
        "E8",
        (PVH_DOM0,),
        memsz_below_filesz,
        _NOT_LOADED,
        common.MEMSZ,
        source=_PVH_LOAD_KERNEL,
        live=True,
    ),
)

RULES = of(
    PVH_DOM0,
    decompression.RULES,
    headers.RULES,
    note_rules.RULES,
    checks.RULES,
    _RULES,
    headers.LOADING_RULES,
    layout.RULES,
)
