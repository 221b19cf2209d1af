# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The notes of the head object: those of Linux v4.17, with its values, and a kernel's changes.

The notes of a PVH guest are from later kernels.  Used by model.py.
"""

from __future__ import annotations

from .. import abi
from ..abi import NOTE_KINDS, XenElfNote, XenFeat
from ..elf import spec
from ..elf.note_encoding import Address, Desc, Note, Text, Words
from .config import HeadConfig
from .items import HeadSection
from .pvh_entry import phys32_entry, phys32_reloc

_FEATURES = Text("!writable_page_tables|pae_pgdir_above_4gb", nul=False)
"""Linux's value, written by .ascii: it has no NUL, but the padding serves as one."""


def note_section(config: HeadConfig) -> HeadSection:
    """Return the section .note.Xen."""
    arch, names = config.arch, config.names

    def words(note: XenElfNote, *values: int) -> tuple[XenElfNote, Words]:
        return note, Words(NOTE_KINDS[note].width or arch.pointer_size, values)

    def address(note: XenElfNote, symbol: str) -> tuple[XenElfNote, Address]:
        return note, Address(arch.pointer_size, symbol)

    features = XenFeat.WRITABLE_PAGE_TABLES | XenFeat.DOM0 | XenFeat.LINUX_RSDP_UNRESTRICTED
    linux: list[tuple[XenElfNote, Desc]] = [
        (XenElfNote.GUEST_OS, Text("linux")),
        (XenElfNote.GUEST_VERSION, Text("2.6")),
        (XenElfNote.XEN_VERSION, Text("xen-3.0")),
        words(XenElfNote.VIRT_BASE, config.virt_base),
    ]
    if arch.init_p2m is not None:
        linux.append(words(XenElfNote.INIT_P2M, arch.init_p2m))
    if config.xen_pv:
        linux.append(address(XenElfNote.ENTRY, names.entry))
    if config.hypercall_page:
        linux.append(address(XenElfNote.HYPERCALL_PAGE, names.page))
    linux += [
        (XenElfNote.FEATURES, _FEATURES),
        words(XenElfNote.SUPPORTED_FEATURES, features),
        (XenElfNote.PAE_MODE, Text("yes")),
        (XenElfNote.LOADER, Text("generic")),
        words(XenElfNote.L1_MFN_VALID, abi.PAGE_PRESENT, abi.PAGE_PRESENT),
        words(XenElfNote.SUSPEND_CANCEL, 1),
        words(XenElfNote.MOD_START_PFN, 1),
        words(XenElfNote.HV_START_LOW, arch.hv_start_low),
        words(XenElfNote.PADDR_OFFSET, 0),
    ]
    if config.xen_pvh:
        linux.append((XenElfNote.PHYS32_ENTRY, phys32_entry(config)))
        linux.append((XenElfNote.PHYS32_RELOC, phys32_reloc()))
    # A changed note keeps its place; added notes follow.
    found = {(abi.NOTE_OWNER, int(type_)): desc for type_, desc in linux} | dict(config.notes)
    items = tuple(Note(*key, desc) for key, desc in found.items() if desc is not None)
    return HeadSection(".note.Xen", spec.SHT_NOTE, spec.SHF_ALLOC, 4, items)
