# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The Q rules of qemu-system-x86_64 -kernel, which starts an ELF file by PVH (QEMU 7.2).

Source: load_elfboot of hw/i386/x86.c and load_elf of include/hw/elf_ops.h.  The first rules are
those of qemu/files.py, by which QEMU detects an ELF file, the last ones those of qemu/memory.py.
"""

from __future__ import annotations

from ...elf import spec
from ..model import where
from ..model.candidate import Candidate
from ..names import QEMU
from . import common
from .libelf.headers import LINK_EXEC, NOT_RELOCATED, not_executable_type
from .qemu.entry_note import (
    far_outside,
    foreign_note,
    misread,
    no_entry,
    other_entry_than_xen,
    stepped_over,
)
from .qemu.files import RULES as FILE_RULES
from .qemu.memory import RULES as MEMORY_RULES
from .qemu.segments import (
    BELOW_FIRMWARE,
    LESS_MEMORY,
    LOAD_ELF,
    NOT_LOADED,
    OVERLAPPING,
    OWN_PLACE,
    behind_file,
    headers_outside,
    loads,
    over_firmware,
    overlapping,
    too_large,
)
from .rule import Effect, Fields, Rule

_E_FLAGS_REFUSED = 0x00010004


def _refused_flags(candidate: Candidate) -> Fields | None:
    """e_flags has bit 2 or bit 16, read as a little-endian number."""
    offset = where.offset_of(candidate, "e_flags")
    flags = candidate.data.unsigned(offset, 4) or 0
    if not flags & _E_FLAGS_REFUSED:
        return None
    return {"flags": flags, "where": f"e_flags = {flags:#x} {where.at(candidate, offset)}"}


def _big_endian(candidate: Candidate) -> Fields | None:
    """EI_DATA is not little-endian."""
    if not candidate.elf.big:
        return None
    return {"where": f"EI_DATA = {candidate.elf.ei_data:#x} {where.at(candidate, spec.EI_DATA)}"}


def _behind_file(candidate: Candidate) -> Fields | None:
    """The bytes of a segment or PT_NOTE end after the end of the file."""
    return behind_file(candidate, (*loads(candidate), *candidate.elf.qemu_note_segments))


def _no_memory(candidate: Candidate) -> Fields | None:
    """The p_memsz of a segment is 0, but not its p_filesz."""
    return _more_in_file(candidate, no_memory=True)


def _less_memory(candidate: Candidate) -> Fields | None:
    """The p_memsz of a segment is less than its p_filesz, and not 0."""
    return _more_in_file(candidate, no_memory=False)


def _more_in_file(candidate: Candidate, *, no_memory: bool) -> Fields | None:
    for segment in loads(candidate):
        if segment.p_memsz < segment.p_filesz and (segment.p_memsz == 0) == no_memory:
            return {"where": where.segment(candidate, segment, "p_filesz", "p_memsz")}
    return None


def _no_alignment(candidate: Candidate) -> Fields | None:
    """A PT_NOTE has p_align 0."""
    for segment in candidate.elf.qemu_note_segments:
        if segment.p_filesz and not segment.p_align:
            return {"where": where.segment(candidate, segment, "p_filesz", "p_align")}
    return None


_NO_NOTE = "Error loading uncompressed kernel without PVH ELF Note"
_ALIGN_4 = (
    "make the PT_NOTE's p_align 4, not {align}: keep notes of other alignment, such as "
    ".note.gnu.property, out of it, or discard them"
)


_REGISTER_ROMS = "QEMU hw/core/loader.c, rom_check_and_register_reset"
_GET_ELF_NOTE_TYPE = "QEMU include/hw/elf_ops.h, get_elf_note_type"

RULES = (
    *FILE_RULES,
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
        "E5",
        (QEMU,),
        _big_endian,
        NOT_LOADED,
        common.LITTLE_ENDIAN,
        source=LOAD_ELF,
        live=True,
    ),
    Rule(
        "E6",
        (QEMU,),
        not_executable_type,
        NOT_RELOCATED,
        LINK_EXEC,
        Effect.WARNING,
        source=LOAD_ELF,
        live=True,
    ),
    Rule(
        "Q9",
        (QEMU,),
        common.other_machine,
        NOT_LOADED,
        "link for x86-64 or i386",
        source=LOAD_ELF,
        live=True,
    ),
    Rule(
        "E2",
        (QEMU,),
        headers_outside,
        NOT_LOADED,
        common.TRUNCATED,
        source=LOAD_ELF,
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
    Rule("E9", (QEMU,), _behind_file, NOT_LOADED, common.TRUNCATED, source=LOAD_ELF, live=True),
    Rule(
        "Q3",
        (QEMU,),
        far_outside,
        "SIGSEGV",
        "make n_namesz the size of the owner: QEMU itself dies, as it reads the entry behind it",
        source=_GET_ELF_NOTE_TYPE,
        live=True,
    ),
    Rule("Q11", (QEMU,), too_large, NOT_LOADED, LESS_MEMORY, source=LOAD_ELF, live=True),
    Rule("Q3", (QEMU,), stepped_over, _NO_NOTE, _ALIGN_4, source=_GET_ELF_NOTE_TYPE, live=True),
    Rule(
        "Q2",
        (QEMU,),
        no_entry,
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
        source=_REGISTER_ROMS,
        live=True,
    ),
    Rule(
        "X13",
        (QEMU,),
        over_firmware,
        OVERLAPPING,
        BELOW_FIRMWARE,
        source=_REGISTER_ROMS,
        live=True,
    ),
    Rule(
        "Q3",
        (QEMU,),
        misread,
        "QEMU pads the note's name to {align} bytes, and takes what follows for the entry",
        _ALIGN_4,
        Effect.ERROR,
        source="QEMU hw/i386/x86.c, read_pvh_start_addr",
        live=True,
    ),
    Rule(
        "Q4",
        (QEMU,),
        foreign_note,
        "QEMU takes the entry from a note of another owner",
        "put the Xen notes first, or drop that note",
        Effect.WARNING,
        source=_GET_ELF_NOTE_TYPE,
        live=True,
    ),
    Rule(
        "Q5",
        (QEMU,),
        other_entry_than_xen,
        "QEMU enters at {entry:#x}, as it takes another note than Xen",
        "keep one note PHYS32_ENTRY",
        Effect.WARNING,
        source=_GET_ELF_NOTE_TYPE,
        live=True,
    ),
    Rule(
        "E8",
        (QEMU,),
        _no_memory,
        "QEMU 7.2 does not load the segment; later ones say: Error while loading elf kernel",
        common.MEMSZ,
        Effect.WARNING,
        source=LOAD_ELF,
        live=True,
    ),
    Rule(
        "E8",
        (QEMU,),
        _less_memory,
        "QEMU 7.2 hangs without a word; later ones say: Error while loading elf kernel",
        common.MEMSZ,
        Effect.ERROR,
        source=LOAD_ELF,
        live=True,
    ),
    *MEMORY_RULES,
)
