# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Conditions on the note PHYS32_ENTRY, the PVH entry point, as QEMU reads it.

Source: get_elf_note_type of include/hw/elf_ops.h and read_pvh_start_addr of hw/i386/x86.c
(QEMU 7.2).
"""

from __future__ import annotations

from ....abi import PAGE_SIZE, XenElfNote
from ....image.elf import MASK_32
from ....image.notes import XEN_OWNER, QemuNote, qemu_notes
from ...model import where
from ...model.candidate import Candidate
from ...model.libelf.parms import UNSET_ADDR32
from ..rule import Fields
from .segments import loads


def _entry_notes(candidate: Candidate) -> list[QemuNote]:
    """Return the first note of type 18 of each segment that has one."""
    kept = candidate.elf.kept
    if _entry_notes not in kept:
        walks = (qemu_notes(candidate.elf, s) for s in candidate.elf.qemu_note_segments)
        wanted = ((n for n in walk if n.n_type == XenElfNote.PHYS32_ENTRY) for walk in walks)
        kept[_entry_notes] = [note for note in (next(walk, None) for walk in wanted) if note]
    notes: list[QemuNote] = kept[_entry_notes]
    return notes


def _entry_note(candidate: Candidate) -> QemuNote | None:
    """Return the note of type 18 that counts: that of the last segment that has one."""
    return next(reversed(_entry_notes(candidate)), None)


def entry_of(candidate: Candidate) -> int:
    """Return the physical address at which QEMU enters: the low 32 bits of pvh_start_addr."""
    return _pvh_start_addr(candidate) & MASK_32


def _pvh_start_addr(candidate: Candidate) -> int:
    """Return QEMU's pvh_start_addr; 0: the image has none.

    QEMU reads 8 bytes of an ELF64 and 4 of an ELF32, whatever the size of the descriptor is.
    """
    note = _entry_note(candidate)
    if note is None:
        return 0
    return int.from_bytes(candidate.data.read(note.desc_offset, candidate.elf.bits // 8), "little")


def far_outside(candidate: Candidate) -> Fields | None:
    """The descriptor of a note of type 18 lies after the last page of the file."""
    end = -(-candidate.data.size // PAGE_SIZE) * PAGE_SIZE
    for note in _entry_notes(candidate):
        if note.desc_offset >= end:
            return {"where": f"a note of type 18 {where.at(candidate, note.offset)}"}
    return None


def stepped_over(candidate: Candidate) -> Fields | None:
    """QEMU, which pads notes to the p_align of their PT_NOTE, does not find PHYS32_ENTRY."""
    ours = candidate.note(XenElfNote.PHYS32_ENTRY)
    if _pvh_start_addr(candidate) or ours is None or ours.place != "PT_NOTE":
        return None
    segment = candidate.elf.segments[ours.number]
    if segment.p_align == 4 or not ours.numeric():
        return None
    return {"align": segment.p_align, "where": where.segment(candidate, segment, "p_align")}


def misread(candidate: Candidate) -> Fields | None:
    """The p_align of the PT_NOTE is not 4, so QEMU reads other bytes than Xen."""
    note = _entry_note(candidate)
    if note is None or entry_not_loaded(candidate) is None:
        return None
    n_namesz = candidate.data.unsigned(note.offset, 4) or 0
    if note.desc_offset == note.offset + 12 + n_namesz + -n_namesz % 4:
        return None
    for segment in candidate.elf.qemu_note_segments:
        if 0 <= note.offset - segment.p_offset < segment.p_filesz:
            return {"align": segment.p_align, "where": where.segment(candidate, segment, "p_align")}
    return None


def no_entry(candidate: Candidate) -> Fields | None:
    """No PT_NOTE has PHYS32_ENTRY, or it is 0."""
    if _pvh_start_addr(candidate):
        return None
    ours = candidate.note(XenElfNote.PHYS32_ENTRY)
    if ours is None:
        return {
            "fix": "add the note PHYS32_ENTRY in a PT_NOTE: QEMU reads no sections",
            "where": where.of_type(candidate, XenElfNote.PHYS32_ENTRY),
        }
    fixes, place = [], where.note(candidate, ours)
    if ours.place == "SHT_NOTE":
        fixes.append("put the notes into a PT_NOTE: QEMU reads no sections")
        place += f", in section {ours.number} but no PT_NOTE"
    if not _is_loaded(candidate, ours.numeric() & MASK_32):
        fixes.append("make PHYS32_ENTRY the physical address of the entry")
    if not fixes:
        fixes.append("let its PT_NOTE be one that QEMU reads: p_align 4, wholly in the file")
    return {"fix": "; and ".join(fixes), "where": place}


def _is_loaded(candidate: Candidate, entry: int) -> bool:
    return any(s.p_memsz and s.p_paddr <= entry < s.p_paddr + s.p_filesz for s in loads(candidate))


def foreign_note(candidate: Candidate) -> Fields | None:
    """The note of type 18 that QEMU reads has another owner than Xen."""
    note = _entry_note(candidate)
    if note is None or candidate.data.read(note.offset + 12, 4) == XEN_OWNER:
        return None
    return {"where": f"a note of type 18 {where.at(candidate, note.offset)}"}


def other_entry_than_xen(candidate: Candidate) -> Fields | None:
    """The image has two notes PHYS32_ENTRY, and QEMU reads another one than Xen."""
    entry, xen_entry = entry_of(candidate), candidate.parms.phys_entry
    if xen_entry in (UNSET_ADDR32, entry):
        return None
    return {
        "entry": entry,
        "where": where.of_type(candidate, XenElfNote.PHYS32_ENTRY),
    }


def entry_not_loaded(candidate: Candidate) -> Fields | None:
    """PHYS32_ENTRY is an address where no bytes of the file are loaded."""
    entry = entry_of(candidate)
    if _is_loaded(candidate, entry):
        return None
    note = _entry_note(candidate)
    assert note is not None
    place = where.at(candidate, note.offset)
    return {"entry": entry, "where": f"note PHYS32_ENTRY = {entry:#x} {place}"}
