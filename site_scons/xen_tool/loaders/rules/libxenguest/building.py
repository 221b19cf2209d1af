# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The U and V rules: libxenguest, with which xl builds domUs (tools/libs/guest of Xen).

xc_dom_find_loader (xg_dom_core.c) tries its loaders in turn and prints no reason when one refuses
the file; xg_dom_elfloader.c then parses the file, and xg_dom_core.c and xg_dom_boot.c allocate
memory.  U1, V1 and V2, the effects of an error of libelf, are in probing.py.  U9, a required
feature that the kernel does not support, is left out: only the domain's configuration can require
it, as libelf counts the features that the kernel requires as supported.
"""

from __future__ import annotations

from ....abi import PAGE_SIZE, XenElfNote, XenFeat
from ....elf import spec
from ....image.elf import ADDRESS_MASK
from ...model import where
from ...model.candidate import Candidate
from ...model.libelf.parms import UNSET_ADDR, Pae
from ...names import DOMU, PV_DOMU, PVH_DOMU
from .. import common
from ..rule import Effect, Fields, Rule

DOMU_PAGES = (128 << 20) // PAGE_SIZE
"""The assumed memory of a domU, in pages: 128 MiB."""


def _required_dom0(candidate: Candidate) -> Fields | None:
    """FEATURES requires dom0."""
    if not candidate.parms.f_required & XenFeat.DOM0:
        return None
    return {"where": where.of_type(candidate, XenElfNote.FEATURES)}


def _no_such_guest_type(candidate: Candidate) -> Fields | None:
    """The kernel is for i386, and either it has no PAE_MODE, or Xen has no CONFIG_PV32."""
    if candidate.elf.e_machine != spec.EM_386:
        return None
    pae = candidate.parms.pae
    if candidate.xen.pv32 and pae != Pae.NO:
        return None
    bimodal_without_pv32 = pae == Pae.BIMODAL and not candidate.xen.pv32
    guest_type = "xen-3.0-x86_32" + "p" * (pae != Pae.NO and not bimodal_without_pv32)
    fix = "build a 64-bit kernel, or a PVH one, or boot it in a Xen with CONFIG_PV32"
    if pae == Pae.NO and candidate.xen.pv32:
        fix = 'add the note PAE_MODE = "yes"'
    elif pae == Pae.NO:
        fix = 'add the note PAE_MODE = "yes"; ' + fix
    place = where.header(candidate, "e_machine")
    pae_mode = where.of_type(candidate, XenElfNote.PAE_MODE)
    return {"guest_type": guest_type, "fix": fix, "where": f"{place}; {pae_mode}"}


def _unaligned(candidate: Candidate) -> Fields | None:
    """The start of the image is not page aligned."""
    return _begins_at(candidate, candidate.addresses.virt_kstart)


def _unaligned_firmware(candidate: Candidate) -> Fields | None:
    """The start of the firmware is not page aligned."""
    return _begins_at(candidate, candidate.addresses.pstart)


def _begins_at(candidate: Candidate, start: int) -> Fields | None:
    """Return the fields if the start of the image, an address, is not page aligned."""
    if start % PAGE_SIZE == 0:
        return None
    for segment in candidate.elf.loadable:
        if segment.p_paddr == candidate.addresses.pstart:
            return {"start": start, "where": where.segment(candidate, segment, "p_paddr")}
    return {"start": start, "where": "no segment is loaded"}


def _nothing_loaded(candidate: Candidate) -> Fields | None:
    """All segments are empty."""
    start, end = candidate.addresses.virt_kstart, candidate.addresses.virt_kend
    return {"where": f"the kernel is {start:#x} to {end:#x}"} if start == end else None


def _too_large(candidate: Candidate, pages: int) -> Fields | None:
    """Return the fields if the padding after VIRT_BASE and the kernel do not fit into memory.

    pages: the size of the memory.
    """
    addresses = candidate.addresses
    padding = (addresses.virt_kstart - addresses.virt_base & ADDRESS_MASK) // PAGE_SIZE
    kernel = -(-(addresses.virt_kend - addresses.virt_kstart & ADDRESS_MASK) // PAGE_SIZE)
    if padding + kernel <= pages:
        return None
    segment, wanted = ("padding", padding) if padding > pages else ("kernel", kernel)
    return {
        "segment": segment,
        "mib": -(-(padding + kernel) * PAGE_SIZE >> 20),
        "assumed": DOMU_PAGES * PAGE_SIZE >> 20,
        "where": f"{wanted:#x} pages: the kernel is {addresses.virt_kstart:#x} to "
        f"{addresses.virt_kend:#x}, memory begins at {addresses.virt_base:#x}",
    }


def _larger_than_any(candidate: Candidate) -> Fields | None:
    """From VIRT_BASE (PVH: 0) to the end of the kernel is more than 16 TiB."""
    return _too_large(candidate, common.PAGE_LIMIT)


def _larger_than_small(candidate: Candidate) -> Fields | None:
    """From VIRT_BASE (PVH: 0) to the end of the kernel is more than 128 MiB."""
    return _too_large(candidate, DOMU_PAGES)


def _p2m_not_used(candidate: Candidate) -> Fields | None:
    """INIT_P2M is not page aligned, not below VIRT_BASE, or in a 32-bit kernel."""
    p2m = candidate.parms.p2m_base
    if p2m == UNSET_ADDR:
        return None
    if (
        candidate.elf.e_machine == spec.EM_X86_64
        and p2m < candidate.addresses.virt_base
        and p2m % PAGE_SIZE == 0
    ):
        return None
    return {"where": where.of_type(candidate, XenElfNote.INIT_P2M)}


def _hypercall_page_below(candidate: Candidate) -> Fields | None:
    """HYPERCALL_PAGE is below VIRT_BASE."""
    page = candidate.parms.virt_hypercall
    if page == UNSET_ADDR or page >= candidate.addresses.virt_base:
        return None
    return {"where": where.of_type(candidate, XenElfNote.HYPERCALL_PAGE, XenElfNote.VIRT_BASE)}


def _hypercall_page_far(candidate: Candidate) -> Fields | None:
    """HYPERCALL_PAGE is after the kernel, and 128 MiB or more above VIRT_BASE."""
    page, addresses = candidate.parms.virt_hypercall, candidate.addresses
    end = max(addresses.virt_kend, addresses.virt_base + DOMU_PAGES * PAGE_SIZE)
    if page == UNSET_ADDR or page < end:
        return None
    return {"where": where.of_type(candidate, XenElfNote.HYPERCALL_PAGE, XenElfNote.VIRT_BASE)}


OTHER_GUEST_TYPE = (
    "xc_dom_compat_check: guest type {guest_type} not supported by xen kernel, sorry: "
    "Invalid kernel"
)
UNALIGNED = "xc_dom_alloc_pad: segment boundary isn't page aligned (0x{start:x}): Internal error"

_NO_PAGES = "xc_dom_pfn_to_ptr_retcount: no block found, no size given, can't malloc"
_LOAD_SOMETHING = "link at least one PT_LOAD with flags, and with a p_memsz that is not 0"

ALIGN = "let the first segment begin at a page: align its p_paddr to 4096"

XC_DOM_COMPAT_CHECK = "tools/libs/guest/xg_dom_boot.c, xc_dom_compat_check"
XC_DOM_ALLOC_PAD = "tools/libs/guest/xg_dom_core.c, xc_dom_alloc_pad"
_TOO_LARGE = "xc_dom_chk_alloc_pages: segment {segment} too large"
_INIT_FAILED = "setup_hypercall_page: HYPERCALL_INIT failed"
_XC_DOM_PFN_TO_PTR_RETCOUNT = "tools/libs/guest/xg_dom_core.c, xc_dom_pfn_to_ptr_retcount"
_XC_DOM_GUEST_TYPE = "tools/libs/guest/xg_dom_elfloader.c, xc_dom_guest_type"
_XC_DOM_CHK_ALLOC_PAGES = "tools/libs/guest/xg_dom_core.c, xc_dom_chk_alloc_pages"
_SETUP_HYPERCALL_PAGE = "tools/libs/guest/xg_dom_boot.c, setup_hypercall_page"

FIRMWARE_RULES = (
    Rule(
        "U4",
        (PVH_DOMU,),
        _unaligned_firmware,
        UNALIGNED,
        ALIGN,
        source=XC_DOM_ALLOC_PAD,
        live=True,
    ),
    Rule(
        "E7",
        (PVH_DOMU,),
        _nothing_loaded,
        _NO_PAGES,
        _LOAD_SOMETHING,
        source=_XC_DOM_PFN_TO_PTR_RETCOUNT,
        live=True,
    ),
)
"""The rules of a file that libxenguest loads as firmware (V2)."""

RULES = (
    Rule(
        "U6",
        DOMU,
        _required_dom0,
        "xc_dom_parse_elf_kernel: Kernel does not support unprivileged (DomU) operation: "
        "Invalid kernel",
        'write "dom0" instead of "!dom0" in FEATURES',
        source="tools/libs/guest/xg_dom_elfloader.c, xc_dom_parse_elf_kernel",
        live=True,
    ),
    Rule(
        "V3",
        (PVH_DOMU,),
        common.no_phys32_entry,
        "xc_dom_guest_type: image not capable of booting inside a HVM container: Invalid kernel",
        common.ADD_PHYS32_ENTRY,
        source=_XC_DOM_GUEST_TYPE,
        live=True,
    ),
    Rule(
        "U3",
        (PV_DOMU,),
        common.other_machine,
        "xc_dom_guest_type: unknown image type {machine}: Invalid kernel",
        "link for x86-64, or for i386 with PAE",
        source=_XC_DOM_GUEST_TYPE,
        live=True,
    ),
    Rule(
        "U2",
        (PV_DOMU,),
        _no_such_guest_type,
        OTHER_GUEST_TYPE,
        "{fix}",
        source=XC_DOM_COMPAT_CHECK,
        live=True,
    ),
    Rule(
        "U4",
        DOMU,
        _unaligned,
        UNALIGNED,
        ALIGN,
        source=XC_DOM_ALLOC_PAD,
        live=True,
    ),
    Rule(
        "E7",
        DOMU,
        _nothing_loaded,
        _NO_PAGES,
        _LOAD_SOMETHING,
        source=_XC_DOM_PFN_TO_PTR_RETCOUNT,
        live=True,
    ),
    Rule(
        "U5",
        DOMU,
        _larger_than_any,
        _TOO_LARGE,
        "load the kernel near VIRT_BASE (PVH: near 0): the guest needs memory from there on",
        source=_XC_DOM_CHK_ALLOC_PAGES,
        live=True,
    ),
    Rule(
        "U8",
        (PV_DOMU,),
        _hypercall_page_below,
        _INIT_FAILED,
        "make HYPERCALL_PAGE the virtual address of a page of the kernel, not below VIRT_BASE",
        source=_SETUP_HYPERCALL_PAGE,
        live=True,
    ),
    Rule(
        "U5",
        DOMU,
        _larger_than_small,
        _TOO_LARGE,
        "this depends on the guest's memory: give it more than {mib} MiB, or load the kernel "
        "lower ({assumed} MiB were assumed)",
        Effect.WARNING,
        source=_XC_DOM_CHK_ALLOC_PAGES,
        live=True,
    ),
    Rule(
        "U8",
        (PV_DOMU,),
        _hypercall_page_far,
        _INIT_FAILED,
        "make HYPERCALL_PAGE a page of the kernel: a guest with little memory has none there",
        Effect.WARNING,
        source=_SETUP_HYPERCALL_PAGE,
    ),
    Rule(
        "U7",
        (PV_DOMU,),
        _p2m_not_used,
        "INIT_P2M is ignored: the P2M table comes behind the kernel",
        "give a 64-bit kernel an INIT_P2M that is page aligned and below VIRT_BASE, or none",
        Effect.WARNING,
        source="tools/libs/guest/xg_dom_x86.c, alloc_p2m_list_x86_64",
        live=True,
    ),
)
