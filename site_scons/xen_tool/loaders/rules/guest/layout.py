# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The X rules of segments and entry point: errors that no loader checks.

The guest crashes, or may crash, once it runs.  Some numbers have no rule here: D3 and U2 cover X9,
A3 and Q7 cover X11; an image does not show whether its code expects MOD_START_PFN (X7) or a
red zone (X14), and no release of Xen reads L1_MFN_VALID (X8).  X15 has no counterpart in Xen,
which does not compare e_machine for a PVH guest; D3 and U3 do that for PV.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ....abi import PAGE_SIZE, XenElfNote
from ....elf import spec
from ....image.elf import Elf, Section, Segment
from ....printable import printable
from ...model import where
from ...model.candidate import Candidate
from ...model.libelf.parms import UNSET_ADDR
from ...model.overlaps import overwritten
from ...names import PV, PV_DOM0, PVH_DOM0, PVH_DOMU, XEN
from .. import common
from ..rule import Effect, Fields, Rule

_RELOCATION_LIMIT = 16 << 20
"""The most bytes of relocations to read, in all sections together."""


def _segment_of(candidate: Candidate, address: int) -> Segment | None:
    """Return the last segment that is loaded over a virtual address; None: no segment is."""
    found = None
    for segment in candidate.elf.loadable:
        if 0 <= address - candidate.address(segment) < segment.p_memsz:
            found = segment
    return found


def _linked_elsewhere(candidate: Candidate) -> Fields | None:
    """The p_vaddr of the entry point's segment is not the address at which it runs."""
    segment = _segment_of(candidate, candidate.addresses.virt_entry)
    if segment is None or segment.p_vaddr == candidate.address(segment):
        return None
    return {
        "runs": candidate.address(segment),
        "where": f"{where.segment(candidate, segment, 'p_vaddr', 'p_paddr')}; "
        + where.of_type(candidate, XenElfNote.VIRT_BASE, XenElfNote.PADDR_OFFSET),
    }


def _other_segment_elsewhere(candidate: Candidate) -> Fields | None:
    """The p_vaddr of another segment is not the address at which it is loaded."""
    entered = _segment_of(candidate, candidate.addresses.virt_entry)
    for segment in candidate.elf.loadable:
        # Linux links its per-CPU data as offsets, at a p_vaddr of 0.
        if segment != entered and segment.p_vaddr and segment.p_memsz:
            runs = candidate.address(segment)
            if segment.p_vaddr != runs:
                place = where.segment(candidate, segment, "p_vaddr", "p_paddr")
                return {"runs": runs, "where": place}
    return None


def _entry_without_code(candidate: Candidate) -> Fields | None:
    """The entry point is an address where no bytes of the file are loaded."""
    entry = candidate.addresses.virt_entry
    segment = _segment_of(candidate, entry)
    if segment is not None and entry - candidate.address(segment) < segment.p_filesz:
        return None
    return _entry(candidate, segment)


def _entry_not_executable(candidate: Candidate) -> Fields | None:
    """The segment of the entry point does not have the flag X."""
    segment = _segment_of(candidate, candidate.addresses.virt_entry)
    if segment is None or segment.p_flags & spec.PF_X:
        return None
    return _entry(candidate, segment)


def _entry(candidate: Candidate, segment: Segment | None) -> Fields:
    place = "no segment is loaded there"
    if segment is not None:
        place = where.segment(candidate, segment, "p_paddr", "p_filesz", "p_memsz", "p_flags")
    return {"where": f"the entry {candidate.addresses.virt_entry:#x}; {place}"}


def _p2m_unaligned(candidate: Candidate) -> Fields | None:
    """INIT_P2M is not a multiple of the page size."""
    p2m = candidate.parms.p2m_base
    if p2m in (UNSET_ADDR, 0) or p2m % PAGE_SIZE == 0:
        return None
    return {"where": where.of_type(candidate, XenElfNote.INIT_P2M)}


def _in_section_only(candidate: Candidate) -> Fields | None:
    """The Xen notes are in a SHT_NOTE section, but not in a PT_NOTE."""
    for note in candidate.parms.notes:
        if note.place == "SHT_NOTE":
            return {"where": f"{where.note(candidate, note)}, in section {note.number}"}
    return None


def _relocated_notes(candidate: Candidate) -> Fields | None:
    """A relocation, which no loader applies, changes bytes of the notes."""
    kept = candidate.elf.kept
    if _relocated_notes not in kept:
        kept[_relocated_notes] = _relocating_section(candidate.elf)
    section: Section | None = kept[_relocated_notes]
    if section is None:
        return None
    return {"where": f"section {printable(section.name or str(section.number))}"}


def _relocating_section(elf: Elf) -> Section | None:
    """Return the first section with a relocation of bytes of notes, or None."""
    if elf.e_type not in (spec.ET_DYN, spec.ET_REL):
        return None
    left = _RELOCATION_LIMIT
    notes = [
        range(segment.p_vaddr, segment.p_vaddr + segment.p_filesz)
        for segment in elf.segments
        if segment.p_type == spec.PT_NOTE
    ][:16]
    for section in elf.sections:
        if section.sh_type not in (spec.SHT_RELA, spec.SHT_REL):
            continue
        target = elf.sections[section.sh_info] if section.sh_info < len(elf.sections) else None
        if elf.e_type == spec.ET_REL:
            hit = target is not None and target.sh_type == spec.SHT_NOTE and section.sh_size > 0
        else:
            size = min(section.sh_size, left)
            left -= size
            hit = bool(section.sh_flags & spec.SHF_ALLOC) and _reaches_notes(
                elf, section.sh_offset, size, section.sh_type, notes
            )
        if hit:
            return section
    return None


def _reaches_notes(elf: Elf, offset: int, size: int, sh_type: int, notes: Sequence[range]) -> bool:
    """Whether a relocation, in size bytes at a file offset, changes a byte of the notes."""
    word = elf.bits // 8
    entry = word * (3 if sh_type == spec.SHT_RELA else 2)
    content = elf.data.read(offset, size // entry * entry)
    content = content[: len(content) // entry * entry]
    layout = ("<Q" if word == 8 else "<I") + f"{entry - word}x"
    return any(
        r_offset in note for (r_offset,) in struct.iter_unpack(layout, content) for note in notes
    )


def _overwritten(candidate: Candidate) -> Fields | None:
    """A segment is loaded, or zero-filled, over the loaded bytes of an earlier segment."""
    kept = candidate.elf.kept
    if overwritten not in kept:
        # All of Xen's loaders load the segments alike.
        kept[overwritten] = overwritten(candidate.elf.loadable)
    found = kept[overwritten]
    if found is None:
        return None
    places = (where.segment(candidate, s, "p_paddr", "p_filesz", "p_memsz") for s in found)
    return {"where": " is loaded over ".join(places)}


_LINK_THERE = "let p_vaddr be p_paddr + VIRT_BASE - PADDR_OFFSET: set AT() in the linker script"

RULES = (
    Rule(
        "X3",
        PV,
        _linked_elsewhere,
        "the code of the entry runs at {runs:#x}, not where it was linked",
        _LINK_THERE,
        Effect.ERROR,
        source=common.NOT_CHECKED,
        live=True,
    ),
    Rule(
        "X3",
        PV,
        _other_segment_elsewhere,
        "the segment is loaded at {runs:#x}, not where it was linked",
        _LINK_THERE,
        Effect.WARNING,
        source=common.NOT_CHECKED,
        live=True,
    ),
    Rule(
        "X5",
        XEN,
        _entry_without_code,
        "the guest is entered where nothing of the file is",
        "make ENTRY (PVH: PHYS32_ENTRY) the address of the entry's code",
        Effect.ERROR,
        source=common.NOT_CHECKED,
        live=True,
    ),
    Rule(
        "X5",
        XEN,
        _entry_not_executable,
        "the guest is entered in a segment that is not marked executable",
        "set PF_X there, or correct ENTRY; the guest starts all the same",
        Effect.WARNING,
        source=common.NOT_CHECKED,
    ),
    Rule(
        "X15",
        (PVH_DOM0, PVH_DOMU),
        common.other_machine,
        "the image says that its code is not for x86",
        "build and link for x86-64 or i386",
        Effect.WARNING,
        source=common.NOT_CHECKED,
        live=True,
    ),
    Rule(
        "X6",
        (PV_DOM0,),
        _p2m_unaligned,
        "the P2M table begins within a page",
        "make INIT_P2M a multiple of 512 GiB below VIRT_BASE: Linux has 0x8000000000",
        Effect.WARNING,
        source=common.NOT_CHECKED,
        live=True,
    ),
    Rule(
        "X10",
        XEN,
        _in_section_only,
        "the notes are in no PT_NOTE: they are lost with the section headers, and to QEMU",
        "put the notes' section into a PT_NOTE: in the linker script :note, PHDRS note PT_NOTE",
        Effect.WARNING,
        source="xen/common/libelf/libelf-dominfo.c, elf_xen_parse",
        live=True,
    ),
    Rule(
        "X12",
        XEN,
        _relocated_notes,
        "a note still waits for a relocation, which no loader applies",
        "link with -no-pie, or write the value with a symbol of the linker script",
        Effect.ERROR,
        source=common.NOT_CHECKED,
    ),
    Rule(
        "X13",
        XEN,
        _overwritten,
        "one segment is loaded over what another brought from the file",
        "give each segment a p_paddr of its own",
        Effect.ERROR,
        source="xen/common/libelf/libelf-loader.c, elf_load_binary",
        live=True,
    ),
)
