# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write Xen notes into a linked image, and leave the rest unchanged.

A note whose new value has the same padded size is changed in place.  The others are appended to the
file, in a new section .note.Xen and a new PT_NOTE.  The PT_NOTE need not be loaded, as loaders read
notes from the file.  The result has, in this order:

    the file, without its section header table and the names of the sections if they were at the end
    the program header table, with one more entry, if there was no room after the old one
    .note.Xen: the notes, at a multiple of 4
    the names of the sections, if they were at the end, or if .note.Xen was not among them
    the section header table, with one more entry

A note that is replaced or removed gets an empty owner and type 0, and keeps its size, so that other
notes keep their places.  An image that was written before is extended: its PT_NOTE and its section
become larger.

No library is used: LIEF 1.0 does not add a note to an ET_EXEC (after Binary.add(), write() gives
a file without it) and rewrites the section headers and symbols; objcopy adds no program header.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ..elf import spec
from ..elf.note_encoding import Note, encode
from ..errors import XenToolError
from ..image.data import Data
from ..image.elf import Elf, Section, Segment
from ..image.notes import FoundNote, NoteWalk
from ..light import NamedTuple

SECTION = ".note.Xen"

_MACHINES = (spec.EM_386, spec.EM_X86_64)
_KINDS = {spec.ET_REL: "an object that is not linked yet: link it first", 4: "a core dump"}
_PHDR = {32: "<8I", 64: "<2I6Q"}
_SHDR = {32: "<10I", 64: "<2I4Q2I2Q"}
_EHDR = {
    "e_phoff": ((28, "<I"), (32, "<Q")),
    "e_shoff": ((32, "<I"), (40, "<Q")),
    "e_phnum": ((44, "<H"), (56, "<H")),
    "e_shnum": ((48, "<H"), (60, "<H")),
}
"""Fields of the ELF header: their offsets and struct layouts, in ELF32 and in ELF64."""
_PT_NULL, _PT_PHDR = 0, 6
_MOST_SEGMENTS, _MOST_SECTIONS = 0xFFFF - 1, 0xFF00 - 1
"""Largest e_phnum and e_shnum; larger counts, from PN_XNUM and SHN_LORESERVE on, are not in the ELF
header but in the first section header (gABI)."""
_SH_NAME = 3
"""Index of sh_name, the first field of a section header, among the fields of image.elf.Section."""
_SH_TYPE, _SH_OFFSET, _SH_SIZE = 1, 4, 5
"""Indices of fields in a section header."""
_ALIGN = 4
_TABLE_ALIGN = 8


class Annotated(NamedTuple):
    """An image with its new notes, and sentences for the user about other changes to it."""

    content: bytes
    remarks: tuple[str, ...]


def opened(content: bytes, name: str) -> Elf:
    """Return the ELF file to be annotated.

    Raises XenToolError, with its name, if it is not a linked ELF kernel for x86, is damaged, or has
    so many segments or sections that none can be added.
    """
    data = Data.of_bytes(content)
    if content[: len(spec.ELFMAG)] != spec.ELFMAG or data.size < spec.EHDR_SIZE[32]:
        raise XenToolError(
            f"{name} is not an ELF file; of a packed kernel, annotate the ELF file that is packed"
        )
    elf = Elf(data)
    problem = None
    if elf.big or elf.e_machine not in _MACHINES:
        problem = f"is for machine {elf.e_machine:#x}, and not for x86"
    elif elf.e_type not in (spec.ET_EXEC, spec.ET_DYN):
        problem = f"is {_KINDS.get(elf.e_type, f'of the type {elf.e_type:#x}, no kernel')}"
    elif elf.e_phentsize != spec.PHDR_SIZE[elf.bits] or elf.phdr_end > data.size:
        problem = "has no table of segments that can be read, so it is no kernel, or damaged"
    elif not elf.loadable:
        problem = "has no segment that is loaded (PT_LOAD), so it is no kernel"
    elif elf.e_phnum >= _MOST_SEGMENTS or elf.e_shnum >= _MOST_SECTIONS:
        problem = "has as many segments or sections as its header can count: none can be added"
    elif elf.e_shnum and (
        elf.e_shentsize != spec.SHDR_SIZE[elf.bits]
        or elf.e_shoff + elf.e_shnum * elf.e_shentsize > data.size
    ):
        problem = "has a table of sections that does not lie in the file: it is damaged"
    if problem:
        raise XenToolError(f"{name} {problem}")
    return elf


def present(elf: Elf) -> list[FoundNote]:
    """Return the notes of the owner Xen that libelf finds in an image."""
    return [note for note in NoteWalk(elf) if note.is_xen]


def annotated(
    content: bytes, elf: Elf, notes: Sequence[Note], remove: Sequence[int] = ()
) -> Annotated:
    """Return the image with these notes instead of those of the same types.

    remove: the types of notes that the image is to have no more.

    Raises XenToolError if a note to be replaced or removed does not end within the file.
    """
    writer = _Writer(content, elf)
    added = writer.replace(notes, remove)
    if added:
        writer.append(added)
    return Annotated(bytes(writer.content), tuple(writer.remarks))


class _Writer:
    """An image that is being changed: elf is what it was, and content what it becomes."""

    def __init__(self, content: bytes, elf: Elf) -> None:
        self.content = bytearray(content)
        self.elf = elf
        self.remarks: list[str] = []
        self.has_names = True
        """Whether content has the names of the sections."""

    def replace(self, notes: Sequence[Note], remove: Sequence[int]) -> list[bytes]:
        """Change existing notes in place, or blank them; return the notes that must be appended.

        The notes of sections are blanked and returned as well: once there is a PT_NOTE with Xen's
        notes, libelf does not read sections.
        """
        wanted = {note.type: encode([note])[0] for note in notes}
        gone = {*wanted, *remove}
        added = []
        # Segments may overlap, so that a note is found twice.
        for old in {note.offset: note for note in present(self.elf)}.values():
            end = old.desc_offset + (old.n_descsz + 3 & ~3)
            new = wanted.get(old.n_type)
            is_of_section = old.place == "SHT_NOTE"
            if old.n_type not in gone and not is_of_section:
                continue
            if end > len(self.content):
                raise XenToolError(
                    f"the note {old.n_type:#x} at offset {old.offset:#x} does not end within the "
                    "file; `xen-tool inspect` shows the notes"
                )
            if new is not None and not is_of_section and len(new) == end - old.offset:
                self.content[old.offset : end] = new
                del wanted[old.n_type]
                continue
            if old.n_type not in gone:
                added.append(bytes(self.content[old.offset : end]))
            self._blank(old, end)
        return [*added, *wanted.values()]

    def _blank(self, old: FoundNote, end: int) -> None:
        """Give a note, which ends at end, an empty owner, type 0 and a descriptor of zeros."""
        header = struct.pack("<3I", old.n_namesz, old.n_descsz, 0)
        self.content[old.offset : end] = header.ljust(end - old.offset, b"\0")

    def append(self, notes: Sequence[bytes]) -> None:
        """Append notes to the file, in a section and a PT_NOTE: new ones, or those at its end."""
        headers = [
            [getattr(section, field) for field in Section._fields[_SH_NAME:]]
            for section in self.elf.sections
        ]
        names = self._cut(headers)
        last_notes = next((s for s in self.elf.segments if self._ends_here(s)), None)
        if last_notes is None:
            slot = self._slot()
            self._pad(_ALIGN)
            start = len(self.content)
        else:
            slot, start = last_notes.offset, last_notes.p_offset
        self.content += b"".join(notes)
        size = len(self.content) - start
        self._put_segment(slot, start, size)
        if not headers:
            return
        kind = [spec.SHT_NOTE, start]
        section = next((h for h in headers if [h[_SH_TYPE], h[_SH_OFFSET]] == kind), None)
        if section is None:
            name = self._name(headers, names)
            headers.append([name, spec.SHT_NOTE, 0, 0, start, size, 0, 0, _ALIGN, 0])
        else:
            section[_SH_SIZE] = size
            self._name(headers, names)
        self._pad(_TABLE_ALIGN)
        self._put("e_shoff", len(self.content))
        self._put("e_shnum", len(headers))
        layout = _SHDR[self.elf.bits]
        self.content += b"".join(struct.pack(layout, *header) for header in headers)

    def _ends_here(self, segment: Segment) -> bool:
        """Whether a segment is a PT_NOTE that is not loaded and ends the file, as of append()."""
        end = segment.p_offset + segment.p_filesz
        is_unloaded_note = segment.p_type == spec.PT_NOTE and not segment.p_memsz
        return is_unloaded_note and end == len(self.content) and end % _ALIGN == 0

    def _cut(self, headers: Sequence[Sequence[int]]) -> bytes:
        """Cut the section headers, and the names of sections, off if they are at the file's end.

        Return the names; b"" if there are none.
        """
        elf = self.elf
        if not headers:
            return b""
        start = end = 0
        if 0 < elf.e_shstrndx < len(headers):
            start = headers[elf.e_shstrndx][_SH_OFFSET]
            end = start + headers[elf.e_shstrndx][_SH_SIZE]
        names = bytes(self.content[start:end])
        loaded = max(segment.p_offset + segment.p_filesz for segment in elf.segments)
        if elf.e_shoff + elf.e_shnum * elf.e_shentsize == len(self.content) and (
            max(loaded, elf.phdr_end) <= elf.e_shoff
        ):
            del self.content[elf.e_shoff :]
            others = (h for number, h in enumerate(headers) if number != elf.e_shstrndx)
            last = max(
                (h[_SH_OFFSET] + h[_SH_SIZE] for h in others if h[_SH_TYPE] != spec.SHT_NOBITS),
                default=0,
            )
            are_last = max(last, loaded, elf.phdr_end) <= start
            if names and are_last and elf.e_shoff - end < _TABLE_ALIGN:
                del self.content[start:]
                self.has_names = False
        return names

    def _name(self, headers: Sequence[list[int]], names: bytes) -> int:
        """Return the offset of ".note.Xen" in the names of sections; add it if it is missing.

        names: those that the file had; if it had none, no name is added, and the offset is 0.  If
        the names are longer now, or were cut off, they are appended to the file.
        """
        if not names:
            return 0
        table = headers[self.elf.e_shstrndx]
        at = names.find(b"\0" + SECTION.encode() + b"\0")
        if at < 0:
            at = len(names) - 1
            names += SECTION.encode() + b"\0"
        if len(names) != table[_SH_SIZE] or not self.has_names:
            table[_SH_OFFSET], table[_SH_SIZE] = len(self.content), len(names)
            self.content += names
        return at + 1

    def _slot(self) -> int:
        """Return the offset of a program header that may be overwritten.

        It is the first of these that is possible: a PT_NULL; a new one after the others, if there
        is room; the PT_PHDR, which is given up, as it would be wrong in a table that has moved; a
        new one in a copy of the table at the end of the file.
        """
        elf = self.elf
        size = spec.PHDR_SIZE[elf.bits]
        tables = [segment for segment in elf.segments if segment.p_type == _PT_PHDR]
        for segment in elf.segments:
            if segment.p_type == _PT_NULL:
                return segment.offset
        if not self._is_free(elf.phdr_end, elf.phdr_end + size):
            if tables:
                self.remarks.append(
                    "there is no room for one more program header: PT_PHDR gives its place"
                )
                return tables[0].offset
            self._pad(_TABLE_ALIGN)
            start = len(self.content)
            self.content += self.content[elf.e_phoff : elf.phdr_end] + bytes(size)
            self._put("e_phoff", start)
            self._put("e_phnum", elf.e_phnum + 1)
            return len(self.content) - size
        for table in tables:
            self._put_segment_sizes(table, table.p_filesz + size)
        self._put("e_phnum", elf.e_phnum + 1)
        return elf.phdr_end

    def _is_free(self, start: int, end: int) -> bool:
        """Whether a range has only zeros that belong to no section, header or segment.

        In a segment that starts at or before the program headers, the bytes up to its first
        section are padding, if the file has sections.
        """
        elf = self.elf
        used = [
            (section.sh_offset, section.sh_offset + section.sh_size)
            for section in elf.sections[1:]
            if section.sh_type != spec.SHT_NOBITS
        ]
        used.append((elf.e_shoff, elf.e_shoff + elf.e_shnum * elf.e_shentsize))
        used += [
            (segment.p_offset, segment.p_offset + segment.p_filesz)
            for segment in elf.segments
            if not (elf.sections and segment.p_offset <= elf.e_phoff)
        ]
        overlaps = any(first < end and start < last for first, last in used)
        return end <= len(self.content) and not any(self.content[start:end]) and not overlaps

    def _put_segment(self, slot: int, offset: int, size: int) -> None:
        """Write at slot the program header of a PT_NOTE that is not loaded."""
        wide = self.elf.bits == 64
        fields = [spec.PT_NOTE, offset, 0, 0, size, 0, _ALIGN]
        fields.insert(1 if wide else 6, spec.PF_R)
        struct.pack_into(_PHDR[self.elf.bits], self.content, slot, *fields)

    def _put_segment_sizes(self, segment: Segment, size: int) -> None:
        """Set the p_filesz and the p_memsz of a segment."""
        layout, at = ("<2Q", 32) if self.elf.bits == 64 else ("<2I", 16)
        struct.pack_into(layout, self.content, segment.offset + at, size, size)

    def _put(self, field: str, value: int) -> None:
        """Set a field of the ELF header."""
        offset, layout = _EHDR[field][self.elf.bits == 64]
        struct.pack_into(layout, self.content, offset, value)

    def _pad(self, align: int) -> None:
        """Append zeros up to a multiple of align."""
        self.content += bytes(-len(self.content) % align)
