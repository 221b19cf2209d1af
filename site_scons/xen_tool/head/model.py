# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The contents of the head object, section by section, as a function of its settings.

Linux v4.17, arch/x86/xen/xen-head.S: the entry `startup_xen`, the hypercall
page, and the notes that announce both to Xen.  From later kernels: direct
hypercalls in place of the page, and the entry of a PVH guest.  emit.py writes
the sections as an object, gas.py as GNU as source.
"""

from __future__ import annotations

from .. import abi
from ..abi import NOTE_KINDS, XenElfNote, XenFeat
from ..elf import spec
from ..elf.assembler import Instruction
from ..elf.note_encoding import Address, Desc, Note, Text, Words
from .config import HeadConfig
from .entry import startup_xen
from .hypercalls import text
from .items import TEXT, Code, HeadSection, Label, UnwindHint
from .names import distinct
from .pvh_entry import phys32_entry, phys32_reloc, pvh_start_xen

_FEATURES = Text("!writable_page_tables|pae_pgdir_above_4gb", nul=False)
"""Linux's value, written by .ascii: it has no NUL, but the padding serves as one."""


def head(config: HeadConfig) -> list[HeadSection]:
    """Return the sections of the head object, in the order of Linux's source."""
    entries = []
    if config.makes_entry:
        entries.append(startup_xen(config))
    if config.makes_pvh_entry:
        entries.append(pvh_start_xen(config))
    sections = list(entries)
    sections.append(text(config))
    if config.stack_validation:
        sections.append(_unwind_hints(config, entries))
    sections.append(_notes(config))
    _check_symbols(sections)
    return [section for section in sections if section.items]


def _check_symbols(sections: list[HeadSection]) -> None:
    """Raise XenToolError if a kernel chose one name for two symbols."""
    items = [item for section in sections for item in section.items]
    code = [each for item in items if isinstance(item, Code) for each in item.instructions]
    distinct(
        defined=(item.name for item in items if isinstance(item, Label)),
        referred=(each.symbol or "" for each in code if isinstance(each, Instruction)),
    )


def _unwind_hints(config: HeadConfig, entries: list[HeadSection]) -> HeadSection:
    """Return hints for objtool that nothing can be unwound at the entries and in each slot."""
    hints = [UnwindHint(entry.name, 0) for entry in entries]
    if config.makes_page:
        slots = range(0, abi.PAGE_SIZE, abi.HYPERCALL_SLOT_SIZE)
        hints += [UnwindHint(TEXT, offset) for offset in slots]
    return HeadSection(".discard.unwind_hints", spec.SHT_PROGBITS, 0, 1, tuple(hints))


def _notes(config: HeadConfig) -> HeadSection:
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
