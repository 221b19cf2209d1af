# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The G rules of pvgrub, GRUB 2.06 as a PV domain, which starts another kernel in its place.

pvgrub is x86_64-xen for an ELF64, i386-xen for an ELF32 (grub-core/loader/i386/xen.c).  It checks
neither XEN_VERSION nor features.
"""

from __future__ import annotations

from ...abi import XenElfNote
from ..model import where
from ..model.candidate import Candidate
from ..model.grub import xen
from ..names import GRUB_XEN
from . import common
from .grub import files, memory
from .rule import Effect, Fields, Rule, of


def _reads_behind(candidate: Candidate) -> Fields | None:
    """e_phentsize or e_shentsize is too small, e_shstrndx is too large, or a descriptor is cut.

    Section headers and e_shstrndx only matter if there are no notes in segments.
    """
    if not xen.reads_behind(candidate):
        return None
    return {"where": where.header(candidate, "e_phentsize", "e_shentsize", "e_shstrndx")}


def _refused(candidate: Candidate) -> Fields | None:
    """The file has no kernel for Xen, or one for another platform."""
    words = xen.refused_by_pvgrub(candidate)
    if words is None:
        return None
    if candidate.image.elf is None:
        return {"words": words, "where": common.start_of_file(candidate)}
    found = where.of_type(candidate, XenElfNote.LOADER, XenElfNote.VIRT_BASE, XenElfNote.PAE_MODE)
    return {"words": words, "where": f"{where.header(candidate, 'e_machine')}; {found}"}


def _cut_headers(candidate: Candidate) -> Fields | None:
    """The program headers end behind the file's end."""
    words = xen.cut_headers(candidate)
    if words is None:
        return None
    return {"words": words, "where": where.header(candidate, "e_phoff", "e_phnum", "e_phentsize")}


def _not_loaded(candidate: Candidate) -> Fields | None:
    """The bytes of a segment end behind the file's end, or the kernel's addresses wrap around."""
    words = xen.not_loaded(xen.xen_info(candidate), candidate.elf)
    if words is None:
        return None
    return {"words": words, "where": where.header(candidate, "e_phoff", "e_phnum")}


def _outside(candidate: Candidate) -> Fields | None:
    """HYPERCALL_PAGE is below VIRT_BASE, or a segment below PADDR_OFFSET."""
    if not xen.writes_outside(xen.xen_info(candidate), candidate.elf):
        return None
    notes = (XenElfNote.HYPERCALL_PAGE, XenElfNote.VIRT_BASE, XenElfNote.PADDR_OFFSET)
    return {"where": where.of_type(candidate, *notes)}


def _dead(candidate: Candidate) -> Fields | None:
    """The entry is an address where no bytes of the file are loaded."""
    info = xen.xen_info(candidate)
    if xen.runs_at(info, candidate.elf, info.entry):
        return None
    found = where.of_type(candidate, XenElfNote.ENTRY, XenElfNote.VIRT_BASE)
    return {"entry": info.entry, "where": found}


def _by_pvh_entry(candidate: Candidate) -> Fields | None:
    """There is no note ENTRY, and e_entry is what PHYS32_ENTRY says."""
    info = xen.xen_info(candidate)
    if info.entry != candidate.parms.phys_entry or candidate.note(XenElfNote.ENTRY) is not None:
        return None
    found = where.of_type(candidate, XenElfNote.PHYS32_ENTRY, XenElfNote.ENTRY)
    return {"entry": info.entry, "where": found}


_GET_INFO = "GRUB 2.06, grub-core/loader/i386/xen_fileXX.c, grub_xen_get_infoXX"

RULES = (
    *of(GRUB_XEN, files.RULES),
    Rule(
        "G5",
        (GRUB_XEN,),
        _cut_headers,
        "{words}; GRUB itself may crash: it takes what is behind the file in memory for headers",
        common.TRUNCATED,
        source="GRUB 2.06, grub-core/kern/elfXX.c, grub_elfXX_load_phdrs",
    ),
    Rule(
        "G6",
        (GRUB_XEN,),
        _reads_behind,
        "GRUB reads behind the headers, or behind the notes, and may crash",
        "make e_phentsize and e_shentsize the sizes of the headers of the ELF file's class, and "
        "e_shstrndx the number of a section; let notes have their whole descriptors",
        Effect.ERROR,
        last=True,
        source=_GET_INFO,
    ),
    Rule(
        "G5",
        (GRUB_XEN,),
        _refused,
        "{words}",
        'give an ELF, or a bzImage of gzip, xz or lzo, with notes of the owner "Xen": LOADER = '
        '"generic", a VIRT_BASE that is aligned to 4096, and PAE_MODE = "yes" if it is an ELF32',
        source=_GET_INFO,
        live=True,
    ),
    Rule(
        "G6",
        (GRUB_XEN,),
        _outside,
        "GRUB writes outside of the memory that it takes for the kernel, and may crash",
        "make HYPERCALL_PAGE an address of the kernel, and VIRT_BASE and PADDR_OFFSET those of its "
        "start",
        Effect.ERROR,
        source="GRUB 2.06, grub-core/loader/i386/xen.c, grub_cmd_xen",
    ),
    Rule(
        "G5",
        (GRUB_XEN,),
        _not_loaded,
        "{words}",
        common.TRUNCATED,
        source="GRUB 2.06, grub-core/loader/i386/xen.c, grub_cmd_xen; kern/elfXX.c",
        live=True,
    ),
    Rule(
        "G6",
        (GRUB_XEN,),
        _dead,
        "the guest is entered at {entry:#x}, where none of its code is, and is dead without a word",
        "make ENTRY the virtual address of the entry, in a descriptor as wide as an address",
        Effect.ERROR,
        source=_GET_INFO,
    ),
    Rule(
        "G6",
        (GRUB_XEN,),
        _by_pvh_entry,
        "there is no PVH in GRUB: the guest is entered at {entry:#x}, its PVH entry, as a PV "
        "domain, and is dead without a word",
        "add a PV entry, with the note ENTRY; or let xl start the kernel as a PVH domain",
        Effect.ERROR,
        source=_GET_INFO,
        live=True,
    ),
    *memory.RULES,
)
