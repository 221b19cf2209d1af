# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules R6 to R9: the entry point and the memory of a guest that linux-loader has loaded."""

from __future__ import annotations

from ....abi import XenElfNote
from ...model import where
from ...model.candidate import Candidate
from ...model.linux_loader import loaded
from ...names import CLOUD_HYPERVISOR, FIRECRACKER, LIBKRUN, LINUX_LOADER
from .. import common
from ..rule import Effect, Fields, Rule
from .elf_load import FLOOR

_RAM_END = 128 << 20
"""The default end of RAM of Firecracker and libkrun, in bytes; Cloud Hypervisor: 512 MiB."""


def _no_pvh_entry(candidate: Candidate) -> Fields | None:
    """The last PT_NOTE has no PHYS32_ENTRY of the owner "Xen"."""
    if loaded(candidate).pvh_entry is not None:
        return None
    return {"fix": _how_to_add(candidate), "where": _entry_notes(candidate)}


def _dead_without_pvh(candidate: Candidate) -> Fields | None:
    """The last PT_NOTE has no PHYS32_ENTRY; e_entry is the value of ENTRY, or not in a segment."""
    fields, found = _no_pvh_entry(candidate), loaded(candidate)
    if fields is None or (found.holds(found.entry) and found.entry != candidate.parms.virt_entry):
        return None
    return {**fields, "entry": found.entry}


def _linux_without_pvh(candidate: Candidate) -> Fields | None:
    """The last PT_NOTE has no PHYS32_ENTRY, and e_entry is in a segment."""
    if _dead_without_pvh(candidate) is not None:
        return None
    fields = _no_pvh_entry(candidate)
    return None if fields is None else {**fields, "entry": loaded(candidate).entry}


def _how_to_add(candidate: Candidate) -> str:
    note = candidate.note(XenElfNote.PHYS32_ENTRY)
    if note is None:
        return "add the note PHYS32_ENTRY in a PT_NOTE"
    if note.place != "PT_NOTE":
        return "put the notes into a PT_NOTE: no sections are read"
    return "put PHYS32_ENTRY into the last PT_NOTE, or all notes into one: the last alone counts"


def _entry_notes(candidate: Candidate) -> str:
    notes = where.of_type(candidate, XenElfNote.PHYS32_ENTRY)
    return f"{notes}; {where.header(candidate, 'e_entry')}"


def _entry_not_loaded(candidate: Candidate) -> Fields | None:
    """PHYS32_ENTRY is an address where no bytes of the file are loaded."""
    found = loaded(candidate)
    if found.pvh_entry is None or found.holds(found.pvh_entry):
        return None
    return {
        "entry": found.pvh_entry,
        "where": where.of_type(candidate, XenElfNote.PHYS32_ENTRY),
    }


def _in_first_mib(candidate: Candidate) -> Fields | None:
    """A segment starts in the first MiB."""
    for segment in loaded(candidate).loads:
        if segment.p_paddr < FLOOR:
            return {"where": where.segment(candidate, segment, "p_paddr", "p_filesz")}
    return None


def _behind_ram(candidate: Candidate) -> Fields | None:
    """A segment ends above 128 MiB, the default memory of Firecracker and libkrun."""
    for segment in loaded(candidate).loads:
        if segment.p_paddr + segment.p_filesz > _RAM_END:
            place = where.segment(candidate, segment, "p_paddr", "p_filesz")
            return {"assumed": _RAM_END >> 20, "where": place}
    return None


_FIRECRACKER = "firecracker 1.16.1, src/vmm/src/arch/x86_64/mod.rs, load_kernel"
_LIBKRUN = "libkrun 1.19.0, src/vmm/src/builder.rs, load_external_kernel"

RULES = (
    Rule(
        "R6",
        (CLOUD_HYPERVISOR,),
        _no_pvh_entry,
        "Kernel lacks PVH header",
        "{fix}",
        source="cloud-hypervisor 53.0, vmm/src/vm.rs, load_kernel",
    ),
    *(
        rule
        for loader, source in ((FIRECRACKER, _FIRECRACKER), (LIBKRUN, _LIBKRUN))
        for rule in (
            Rule(
                "R6",
                (loader,),
                _dead_without_pvh,
                "the guest is entered at e_entry {entry:#x} in 64-bit mode, not by PVH, and is "
                "dead without a word",
                "{fix}",
                Effect.ERROR,
                source=source,
            ),
            Rule(
                "R6",
                (loader,),
                _linux_without_pvh,
                "the guest is entered at e_entry {entry:#x} in 64-bit mode, by Linux's own boot "
                "protocol, not by PVH",
                "{fix}",
                Effect.WARNING,
                source=source,
            ),
        )
    ),
    Rule(
        "R7",
        LINUX_LOADER,
        _entry_not_loaded,
        "the guest is entered at {entry:#x}, where nothing is loaded, and is dead without a word",
        common.ENTRY_IN_SEGMENT,
        Effect.ERROR,
        source=common.NOT_CHECKED,
    ),
    Rule(
        "R8",
        LINUX_LOADER,
        _in_first_mib,
        "tables for the guest are written into the first MiB, perhaps over the kernel",
        common.ABOVE_FIRST_MIB,
        Effect.WARNING,
        source="firecracker 1.16.1, src/vmm/src/arch/x86_64/layout.rs",
    ),
    Rule(
        "R9",
        LINUX_LOADER,
        _behind_ram,
        "the machine may have no memory for a segment: Unable to read kernel image",
        common.MORE_MEMORY,
        Effect.WARNING,
        source="rust-vmm/linux-loader 0.14.0, src/loader/elf/mod.rs, Elf::load",
    ),
)
