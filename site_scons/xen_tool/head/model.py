# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The contents of the head object, section by section, as a function of its settings.

Linux v4.17, arch/x86/xen/xen-head.S: the entry `startup_xen`, the hypercall
page, and the notes that announce both to Xen.  From later kernels: direct
hypercalls in place of the page, and the entry of a PVH guest.  emit.py writes
the sections as an object, gas.py as GNU as source.
"""

from __future__ import annotations

from .. import abi
from ..abi import XenElfNote, XenFeat
from ..elf import spec
from ..elf.assembler import Instruction
from ..elf.note_encoding import Address, Desc, Note, Text, Words
from .config import HeadConfig
from .entry import startup_xen
from .hypercalls import text
from .items import TEXT, Code, HeadSection, Label, UnwindHint
from .names import distinct
from .note_texts import FEATURES
from .pvh_entry import phys32_entry, phys32_reloc, pvh_start_xen


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
    width = arch.pointer_size

    def pointer(value: int) -> Words:
        return Words(width, (value,))

    features = XenFeat.WRITABLE_PAGE_TABLES | XenFeat.DOM0 | XenFeat.LINUX_RSDP_UNRESTRICTED
    linux: list[tuple[XenElfNote, Desc]] = [
        (XenElfNote.GUEST_OS, Text("linux")),
        (XenElfNote.GUEST_VERSION, Text("2.6")),
        (XenElfNote.XEN_VERSION, Text("xen-3.0")),
        (XenElfNote.VIRT_BASE, pointer(config.virt_base)),
    ]
    if arch.init_p2m is not None:
        linux.append((XenElfNote.INIT_P2M, pointer(arch.init_p2m)))
    if config.xen_pv:
        linux.append((XenElfNote.ENTRY, Address(width, names.entry)))
    if config.hypercall_page:
        linux.append((XenElfNote.HYPERCALL_PAGE, Address(width, names.page)))
    linux += [
        (XenElfNote.FEATURES, FEATURES),
        (XenElfNote.SUPPORTED_FEATURES, Words(4, (features,))),
        (XenElfNote.PAE_MODE, Text("yes")),
        (XenElfNote.LOADER, Text("generic")),
        (XenElfNote.L1_MFN_VALID, Words(8, (abi.PAGE_PRESENT, abi.PAGE_PRESENT))),
        (XenElfNote.SUSPEND_CANCEL, Words(4, (1,))),
        (XenElfNote.MOD_START_PFN, Words(4, (1,))),
        (XenElfNote.HV_START_LOW, pointer(arch.hv_start_low)),
        (XenElfNote.PADDR_OFFSET, pointer(0)),
    ]
    if config.xen_pvh:
        linux.append((XenElfNote.PHYS32_ENTRY, phys32_entry(config)))
        linux.append((XenElfNote.PHYS32_RELOC, phys32_reloc()))
    # A changed note keeps its place; added notes follow.
    found = {(abi.NOTE_OWNER, int(type_)): desc for type_, desc in linux} | dict(config.notes)
    items = tuple(Note(*key, desc) for key, desc in found.items() if desc is not None)
    return HeadSection(".note.Xen", spec.SHT_NOTE, spec.SHF_ALLOC, 4, items)
