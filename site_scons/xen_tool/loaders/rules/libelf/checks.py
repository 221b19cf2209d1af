# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The C and A rules: elf_xen_note_check and elf_xen_addr_calc_check of libelf.

Source: xen/common/libelf/libelf-dominfo.c of Xen.  Two of the numbers have no Rule: C0, a PVH image
needs PHYS32_ENTRY only, is _needs_names(); A2, the computation of addresses, is in
model/libelf/addresses.py.
"""

from __future__ import annotations

from ....abi import XenElfNote
from ....elf import spec
from ....printable import printable
from ...model import where
from ...model.candidate import Candidate
from ...model.libelf.legacy import SECTION
from ...model.libelf.parms import UNSET_ADDR, UNSET_ADDR32
from ...model.releases import PVH_PADDR_OFFSET
from ...names import PV, PVH_DOM0, PVH_DOMU, XEN
from ..rule import Fields, Probe, Rule
from .note_rules import cut_address

_XEN_3_0 = b"xen-3.0"


def _no_notes(candidate: Candidate) -> Fields | None:
    """The file has neither notes nor the section __xen_guest."""
    if not _nothing_to_read(candidate):
        return None
    if candidate.elf.e_machine not in (spec.EM_386, spec.EM_X86_64):
        return None
    where_not = "no PT_NOTE with a p_offset other than 0, no SHT_NOTE"
    if candidate.hvm and candidate.elf.section(SECTION) is not None:
        return {"where": f"{where_not}; {SECTION} is not read for PVH"}
    return {"where": f"{where_not}, no {SECTION}"}


def _nothing_to_read(candidate: Candidate) -> bool:
    return not candidate.parms.regions and candidate.parms.guest_info is None


def _needs_names(candidate: Candidate) -> bool:
    """Whether libelf checks LOADER, GUEST_OS and XEN_VERSION."""
    if _nothing_to_read(candidate) or candidate.elf.e_machine == spec.EM_ARM:
        return False
    # Before 4.16, PHYS32_ENTRY was sufficient for a PV domain, too.
    is_pvh = candidate.parms.phys_entry != UNSET_ADDR32 and (
        candidate.hvm or not candidate.knows_hvm
    )
    return not is_pvh


def _neither_generic_nor_linux(candidate: Candidate) -> Fields | None:
    """LOADER does not begin with "generic", and GUEST_OS does not begin with "linux"."""
    parms = candidate.parms
    if not _needs_names(candidate):
        return None
    if parms.loader.startswith(b"generic") or parms.guest_os.startswith(b"linux"):
        return None
    return {
        "loader": printable(parms.loader),
        "guest_os": printable(parms.guest_os),
        "fix": _fix_of_names(candidate),
        "where": where.of_type(candidate, XenElfNote.LOADER, XenElfNote.GUEST_OS),
    }


def _fix_of_names(candidate: Candidate) -> str:
    parms = candidate.parms
    if not parms.notes and parms.misnamed is not None:
        owner = printable(parms.misnamed.owner or b"")
        return f'give the notes the owner "Xen": now it is "{owner}"'
    if candidate.pvh:
        return _ADD_PHYS32_ENTRY
    other_version = not parms.xen_ver.startswith(_XEN_3_0)
    if parms.guest_info is not None:
        more = " and XEN_VER=xen-3.0" * other_version
        return f"write LOADER=generic{more} into the __xen_guest string, or use notes instead"
    if not parms.notes:
        return (
            'add Xen\'s notes, for PV at least LOADER = "generic" and XEN_VERSION = "xen-3.0" '
            "(Linux: CONFIG_XEN_PV)"
        )
    fix = f'{_verb(candidate, XenElfNote.LOADER)} the note LOADER = "generic"'
    if other_version:
        fix += f", and {_fix_of_version(candidate)}"
    return f"{fix}; PHYS32_ENTRY helps a PVH kernel only"


def _fix_of_version(candidate: Candidate) -> str:
    return f'{_verb(candidate, XenElfNote.XEN_VERSION)} the note XEN_VERSION = "xen-3.0"'


def _verb(candidate: Candidate, n_type: XenElfNote) -> str:
    return "make" if candidate.note(n_type) else "add"


def _other_xen_version(candidate: Candidate) -> Fields | None:
    """XEN_VERSION does not begin with "xen-3.0"."""
    if not _needs_names(candidate) or candidate.parms.xen_ver.startswith(_XEN_3_0):
        return None
    if candidate.pvh:
        fix = _ADD_PHYS32_ENTRY
    elif candidate.parms.guest_info is not None:
        fix = "write XEN_VER=xen-3.0 into the __xen_guest string"
    else:
        fix = _fix_of_version(candidate)
    return {
        "xen_ver": printable(candidate.parms.xen_ver),
        "fix": fix,
        "where": where.of_type(candidate, XenElfNote.XEN_VERSION),
    }


def _no_virt_base(candidate: Candidate) -> Fields | None:
    """The image has the note PADDR_OFFSET, but not VIRT_BASE."""
    parms = candidate.parms
    if parms.elf_paddr_offset == UNSET_ADDR or parms.virt_base != UNSET_ADDR:
        return None
    return {"where": where.of_type(candidate, XenElfNote.PADDR_OFFSET, XenElfNote.VIRT_BASE)}


def _out_of_bounds(candidate: Candidate) -> Fields | None:
    """The entry point is not in the image, or the image is below VIRT_BASE or wraps around."""
    a = candidate.addresses
    if a.virt_base <= a.virt_kstart <= a.virt_entry <= a.virt_kend:
        return None
    source = _entry_source(candidate)
    names = [XenElfNote.PHYS32_ENTRY]
    if not candidate.hvm:
        names = [XenElfNote.ENTRY, XenElfNote.VIRT_BASE, XenElfNote.PADDR_OFFSET]
    cut = cut_address(candidate, *names)
    if not candidate.elf.loadable:
        fix = "no segment is loaded: link at least one PT_LOAD, and give it flags"
    elif cut is not None and not candidate.hvm:
        fix = f"write {cut['name']} with .quad: its four bytes are not sign-extended"
    elif a.virt_base > a.virt_kstart or a.virt_kstart > a.virt_kend:
        fix = "make p_paddr + VIRT_BASE - PADDR_OFFSET the address at which each segment is linked"
    elif candidate.hvm and candidate.parms.phys_entry == UNSET_ADDR32:
        fix = (
            "add the note PHYS32_ENTRY, the physical address of a 32-bit entry, if the kernel is "
            "to start as PVH: without it e_entry counts as that"
        )
    elif not candidate.hvm and candidate.parms.virt_entry == UNSET_ADDR:
        fix = (
            "add the note ENTRY, the virtual address of the entry, if the kernel is to start as "
            "PV: without it e_entry counts as that"
        )
    elif candidate.hvm:
        fix = f"make {source} the physical address of the entry, within a segment at its p_paddr"
    else:
        fix = (
            f"make {source} the virtual address of the entry, as wide as a pointer, and "
            "p_paddr + VIRT_BASE - PADDR_OFFSET the address at which each segment is linked"
        )
    return {
        "fix": fix,
        "where": f"{source} {a.virt_entry:#x} is not in the image, which is "
        f"{a.virt_kstart:#x} to {a.virt_kend:#x}; {where.of_type(candidate, *names)}"
        + (f"; {where.header(candidate, 'e_entry')}" if source == "e_entry" else ""),
    }


def _entry_source(candidate: Candidate) -> str:
    """Return the name of the note or field that gives the entry point."""
    if candidate.hvm:
        return "e_entry" if candidate.parms.phys_entry == UNSET_ADDR32 else "PHYS32_ENTRY"
    return "e_entry" if candidate.parms.virt_entry == UNSET_ADDR else "ENTRY"


def _p2m_in_image(candidate: Candidate) -> Fields | None:
    """INIT_P2M is an address in the image."""
    a = candidate.addresses
    p2m = candidate.parms.p2m_base
    if p2m == UNSET_ADDR or not a.virt_kstart <= p2m < a.virt_kend:
        return None
    image = f"the image is {a.virt_kstart:#x} to {a.virt_kend:#x}"
    return {"where": f"{where.of_type(candidate, XenElfNote.INIT_P2M)}; {image}"}


_ADD_PHYS32_ENTRY = (
    "add the note PHYS32_ENTRY, the physical address of a 32-bit entry (Linux: CONFIG_PVH)"
)
_NO_VIRT_BASE = "ERROR: ELF_PADDR_OFFSET set, VIRT_BASE unset"
_ADD_VIRT_BASE = "add the note VIRT_BASE, or drop PADDR_OFFSET"

_ELF_XEN_NOTE_CHECK = "xen/common/libelf/libelf-dominfo.c, elf_xen_note_check"
_ELF_XEN_ADDR_CALC_CHECK = "xen/common/libelf/libelf-dominfo.c, elf_xen_addr_calc_check"

RULES = (
    Rule(
        "C1",
        XEN,
        _no_notes,
        "ERROR: Not a Xen-ELF image: No ELF notes or '__xen_guest' section found",
        "keep the notes: a section of type @note, in the linker script KEEP(*(.note.Xen)), "
        "not discarded, and in a PT_NOTE",
        probe=Probe.KERNEL,
        source=_ELF_XEN_NOTE_CHECK,
        live=True,
    ),
    Rule(
        "C2",
        XEN,
        _neither_generic_nor_linux,
        "ERROR: Will only load images built for the generic loader or Linux images "
        "(Not '{loader}' and '{guest_os}') or with PHYS32_ENTRY set",
        "{fix}",
        probe=Probe.KERNEL,
        source=_ELF_XEN_NOTE_CHECK,
        live=True,
    ),
    Rule(
        "C3",
        XEN,
        _other_xen_version,
        "ERROR: Xen will only load images built for Xen v3.0 (Not '{xen_ver}')",
        "{fix}",
        probe=Probe.KERNEL,
        source=_ELF_XEN_NOTE_CHECK,
        live=True,
    ),
    Rule(
        "A1",
        PV,
        _no_virt_base,
        _NO_VIRT_BASE,
        _ADD_VIRT_BASE,
        probe=Probe.KERNEL,
        source=_ELF_XEN_ADDR_CALC_CHECK,
        live=True,
    ),
    Rule(
        "A1",
        (PVH_DOM0, PVH_DOMU),
        _no_virt_base,
        _NO_VIRT_BASE,
        _ADD_VIRT_BASE + ": Xen before 4.18 refuses this even for PVH",
        before=PVH_PADDR_OFFSET,
        probe=Probe.KERNEL,
        source=_ELF_XEN_ADDR_CALC_CHECK,
        live=True,
    ),
    Rule(
        "A3",
        XEN,
        _out_of_bounds,
        "ERROR: ELF start or entries are out of bounds",
        "{fix}",
        probe=Probe.KERNEL,
        source=_ELF_XEN_ADDR_CALC_CHECK,
        live=True,
    ),
    Rule(
        "A4",
        XEN,
        _p2m_in_image,
        "ERROR: P->M table base is out of bounds",
        "move INIT_P2M out of the image: Linux has 0x8000000000",
        probe=Probe.KERNEL,
        source=_ELF_XEN_ADDR_CALC_CHECK,
        live=True,
    ),
)
