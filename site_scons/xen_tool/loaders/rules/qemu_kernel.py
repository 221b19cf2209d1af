# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The Q rules: qemu-system-x86_64 -kernel, which starts an ELF file by PVH (QEMU 7.2).

load_elfboot of hw/i386/x86.c, load_elf of include/hw/elf_ops.h.  What QEMU takes for an
ELF file is in files.py.  It walks over notes in a way of its own: qemu_notes.
"""

from __future__ import annotations

from itertools import chain

from ...abi import XenElfNote
from ...elf import spec
from ...image.notes import QemuNote, qemu_notes
from ..model import where
from ..model.libelf.parms import UNSET_ADDR32
from ..model.subject import Subject
from ..names import QEMU
from .libelf.headers import LINK_EXEC, NOT_RELOCATED, memsz_below_filesz, not_executable_type
from .qemu.files import NOT_LOADED
from .qemu.files import RULES as FILE_RULES
from .qemu.segments import OVERLAPPING, OWN_PLACE, behind_file, headers_outside, loads, overlapping
from .rule import Effect, Fields, Rule

_E_FLAGS_REFUSED = 0x00010004
_FIRMWARE_END = 1 << 20
_RAM_END = 128 << 20
"""What QEMU gives a machine if not told."""
_PHYSICAL_END = 1 << 52
"""Of x86's physical addresses."""


def _refused_flags(subject: Subject) -> Fields | None:
    """e_flags has bit 2 or bit 16."""
    flags = subject.elf.e_flags
    if not flags & _E_FLAGS_REFUSED:
        return None
    return {"flags": flags, "where": where.header(subject, "e_flags")}


def _other_machine(subject: Subject) -> Fields | None:
    """e_machine is neither x86-64 nor i386."""
    if subject.elf.e_machine in (spec.EM_386, spec.EM_X86_64):
        return None
    return {"where": where.header(subject, "e_machine")}


def _big_endian(subject: Subject) -> Fields | None:
    """EI_DATA is not little-endian."""
    if not subject.elf.big:
        return None
    return {"where": f"EI_DATA = {subject.elf.ei_data:#x} {where.at(subject, spec.EI_DATA)}"}


def _behind_file(subject: Subject) -> Fields | None:
    """The file ends before the bytes of a segment, or of a PT_NOTE, do."""
    return behind_file(subject, (*loads(subject), *subject.elf.qemu_note_segments))


def _no_alignment(subject: Subject) -> Fields | None:
    """A PT_NOTE has p_align 0."""
    for segment in subject.elf.qemu_note_segments:
        if segment.p_filesz and not segment.p_align:
            return {"where": where.segment(subject, segment, "p_filesz", "p_align")}
    return None


def _entry_note(subject: Subject) -> QemuNote | None:
    """The last segment's first note of the type."""
    kept = subject.elf.kept
    if _entry_note not in kept:
        notes = (qemu_notes(subject.elf, s) for s in reversed(subject.elf.qemu_note_segments))
        found = (n for n in chain.from_iterable(notes) if n.n_type == XenElfNote.PHYS32_ENTRY)
        kept[_entry_note] = next(found, None)
    note: QemuNote | None = kept[_entry_note]
    return note


def entry_of(subject: Subject) -> int:
    """pvh_start_addr: 8 bytes of the descriptor of an ELF64, whatever its size; 0: none."""
    note = _entry_note(subject)
    if note is None:
        return 0
    return int.from_bytes(subject.data.read(note.desc_offset, subject.elf.bits // 8), "little")


def _stepped_over(subject: Subject) -> Fields | None:
    """PHYS32_ENTRY is there, but not if one counts by the p_align of its PT_NOTE."""
    ours = subject.note(XenElfNote.PHYS32_ENTRY)
    if entry_of(subject) or ours is None or ours.place != "PT_NOTE":
        return None
    segment = subject.elf.segments[ours.number]
    if segment.p_align == 4 or not ours.numeric():
        return None
    return {"align": segment.p_align, "where": where.segment(subject, segment, "p_align")}


def _misread(subject: Subject) -> Fields | None:
    """The PT_NOTE has another p_align than 4, so that QEMU reads other bytes than Xen."""
    note = _entry_note(subject)
    if note is None or _entry_not_loaded(subject) is None:
        return None
    n_namesz = subject.data.unsigned(note.offset, 4) or 0
    if note.desc_offset == note.offset + 12 + n_namesz + -n_namesz % 4:
        return None
    for segment in subject.elf.qemu_note_segments:
        if 0 <= note.offset - segment.p_offset < segment.p_filesz:
            return {"align": segment.p_align, "where": where.segment(subject, segment, "p_align")}
    return None


def _no_entry(subject: Subject) -> Fields | None:
    """No PT_NOTE has PHYS32_ENTRY, or it is 0."""
    if entry_of(subject):
        return None
    ours = subject.note(XenElfNote.PHYS32_ENTRY)
    if ours is None:
        return {
            "fix": "add the note PHYS32_ENTRY in a PT_NOTE: QEMU reads no sections",
            "where": where.of_type(subject, XenElfNote.PHYS32_ENTRY),
        }
    fixes, place = [], where.note(subject, ours)
    if ours.place == "SHT_NOTE":
        fixes.append("put the notes into a PT_NOTE: QEMU reads no sections")
        place += f", in section {ours.number} but no PT_NOTE"
    if not _is_loaded(subject, ours.numeric() & UNSET_ADDR32):
        fixes.append("make PHYS32_ENTRY the physical address of the entry")
    if not fixes:
        fixes.append("let its PT_NOTE be one that QEMU reads: p_align 4, wholly in the file")
    return {"fix": "; and ".join(fixes), "where": place}


def _is_loaded(subject: Subject, entry: int) -> bool:
    return any(s.p_paddr <= entry < s.p_paddr + s.p_filesz for s in loads(subject))


def _foreign_note(subject: Subject) -> Fields | None:
    """The note of type 18 that QEMU takes has another owner."""
    note = _entry_note(subject)
    if note is None or subject.data.read(note.offset + 12, 4) == b"Xen\0":
        return None
    return {"where": f"a note of type 18 {where.at(subject, note.offset)}"}


def _other_entry_than_xen(subject: Subject) -> Fields | None:
    """PHYS32_ENTRY is there twice, and QEMU takes another than Xen."""
    entry, xen_entry = entry_of(subject) & UNSET_ADDR32, subject.parms.phys_entry
    if xen_entry in (UNSET_ADDR32, entry):
        return None
    return {
        "entry": entry,
        "where": where.of_type(subject, XenElfNote.PHYS32_ENTRY),
    }


def _in_firmware(subject: Subject) -> Fields | None:
    """A segment is in the first MiB."""
    for segment in loads(subject):
        if segment.p_memsz and segment.p_paddr < _FIRMWARE_END:
            return {"where": where.segment(subject, segment, "p_paddr", "p_memsz")}
    return None


def _nowhere(subject: Subject) -> Fields | None:
    """A segment with an address that no machine has."""
    for segment in loads(subject):
        if segment.p_memsz and segment.p_paddr + segment.p_memsz > _PHYSICAL_END:
            return {"where": where.segment(subject, segment, "p_paddr", "p_memsz")}
    return None


def _behind_ram(subject: Subject) -> Fields | None:
    """A segment is behind the memory of a machine by default."""
    for segment in loads(subject):
        if segment.p_memsz and _RAM_END < segment.p_paddr + segment.p_memsz <= _PHYSICAL_END:
            place = where.segment(subject, segment, "p_paddr", "p_memsz")
            return {"assumed": _RAM_END >> 20, "where": place}
    return None


def _entry_not_loaded(subject: Subject) -> Fields | None:
    """PHYS32_ENTRY is not where bytes of the file are loaded."""
    entry = entry_of(subject) & UNSET_ADDR32
    if _is_loaded(subject, entry):
        return None
    note = _entry_note(subject)
    assert note is not None
    place = where.at(subject, note.offset)
    return {"entry": entry, "where": f"note PHYS32_ENTRY = {entry:#x} {place}"}


_TRUNCATED = "link or copy the image anew: it is truncated"
_NO_NOTE = "Error loading uncompressed kernel without PVH ELF Note"
_ALIGN_4 = (
    "make the PT_NOTE's p_align 4, not {align}: keep notes of other alignment, such as "
    ".note.gnu.property, out of it, or discard them"
)


_LOAD_ELF = "QEMU include/hw/elf_ops.h, load_elf"
_GET_ELF_NOTE_TYPE = "QEMU include/hw/elf_ops.h, get_elf_note_type"

RULES = (
    *FILE_RULES,
    Rule(
        "E5",
        (QEMU,),
        _big_endian,
        NOT_LOADED,
        "link a little-endian ELF",
        source=_LOAD_ELF,
        live=True,
    ),
    Rule(
        "E6",
        (QEMU,),
        not_executable_type,
        NOT_RELOCATED,
        LINK_EXEC,
        Effect.WARNING,
        source=_LOAD_ELF,
        live=True,
    ),
    Rule(
        "Q8",
        (QEMU,),
        _refused_flags,
        "elfboot unsupported flags = {flags:x}",
        "link with e_flags 0, which x86 has no use for",
        source="QEMU hw/i386/x86.c, load_elfboot",
        live=True,
    ),
    Rule(
        "Q9",
        (QEMU,),
        _other_machine,
        NOT_LOADED,
        "link for x86-64 or i386",
        source=_LOAD_ELF,
        live=True,
    ),
    Rule(
        "E2",
        (QEMU,),
        headers_outside,
        NOT_LOADED,
        "link or copy the image anew: it is truncated",
        source=_LOAD_ELF,
        live=True,
    ),
    Rule(
        "Q3",
        (QEMU,),
        _no_alignment,
        "SIGFPE",
        "link with p_align 4 for the PT_NOTE: QEMU itself dies, as it divides by it",
        source=_GET_ELF_NOTE_TYPE,
        live=True,
    ),
    Rule("E9", (QEMU,), _behind_file, NOT_LOADED, _TRUNCATED, source=_LOAD_ELF, live=True),
    Rule("Q3", (QEMU,), _stepped_over, _NO_NOTE, _ALIGN_4, source=_GET_ELF_NOTE_TYPE, live=True),
    Rule(
        "Q2",
        (QEMU,),
        _no_entry,
        _NO_NOTE,
        "{fix}",
        source="QEMU hw/i386/x86.c, x86_load_linux",
        live=True,
    ),
    Rule(
        "X13",
        (QEMU,),
        overlapping,
        OVERLAPPING,
        OWN_PLACE,
        source="QEMU hw/core/loader.c, rom_check_and_register_reset",
        live=True,
    ),
    Rule(
        "Q3",
        (QEMU,),
        _misread,
        "QEMU pads the note's name to {align} bytes, and takes what follows for the entry",
        _ALIGN_4,
        Effect.ERROR,
        source="QEMU hw/i386/x86.c, read_pvh_start_addr",
        live=True,
    ),
    Rule(
        "Q4",
        (QEMU,),
        _foreign_note,
        "QEMU takes the entry from a note of another owner",
        "put the Xen notes first, or drop that note",
        Effect.WARNING,
        source=_GET_ELF_NOTE_TYPE,
        live=True,
    ),
    Rule(
        "Q5",
        (QEMU,),
        _other_entry_than_xen,
        "QEMU enters at {entry:#x}, as it takes another note than Xen",
        "keep one note PHYS32_ENTRY",
        Effect.WARNING,
        source=_GET_ELF_NOTE_TYPE,
        live=True,
    ),
    Rule(
        "E8",
        (QEMU,),
        memsz_below_filesz,
        "QEMU 7.2 hangs without a word; later ones say: Error while loading elf kernel",
        "make p_memsz at least p_filesz",
        Effect.ERROR,
        source=_LOAD_ELF,
        live=True,
    ),
    Rule(
        "Q7",
        (QEMU,),
        _entry_not_loaded,
        "QEMU enters at {entry:#x}, where nothing is loaded, and hangs without a word",
        "make PHYS32_ENTRY the physical address of the entry, at the p_paddr of its segment",
        Effect.ERROR,
        source=_LOAD_ELF,
        live=True,
    ),
    Rule(
        "Q7",
        (QEMU,),
        _in_firmware,
        "QEMU's firmware runs in the first MiB, and writes over the kernel or is written over",
        "load the kernel at 1 MiB or above: set p_paddr in the linker script, AT()",
        Effect.ERROR,
        source=_LOAD_ELF,
        live=True,
    ),
    Rule(
        "Q7",
        (QEMU,),
        _nowhere,
        "QEMU loads a segment where no machine has memory, without a word: it is nowhere",
        "load the kernel at a physical address: set p_paddr in the linker script, AT()",
        Effect.ERROR,
        source=_LOAD_ELF,
        live=True,
    ),
    Rule(
        "Q7",
        (QEMU,),
        _behind_ram,
        "QEMU loads a segment where the machine may have no RAM, without a word",
        "this depends on the machine: give it more memory than {assumed} MiB with -m, or load "
        "the kernel lower",
        Effect.WARNING,
        source=_LOAD_ELF,
        live=True,
    ),
)
