# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Kernel images written in code: an ELF of three pages whose few bytes halt.

good.py has images that every loader for their kind takes.  An Image is a value:
dataclasses.replace() and the methods that return another Image break one thing, and bytes(image)
writes it, wrong fields and all.

    0x0000  ELF header, program headers, free room
    0x1000  CODE_OFFSET: the one PT_LOAD: a page of code ...
    0x2000  ... and the page that Xen writes hypercalls to
    0x3000  NOTES_OFFSET: notes, not loaded; the __xen_guest string; sections' names and headers

broken/ breaks them, one rule each; cases.py is the list of all.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from xen_tool import abi
from xen_tool.abi import XenElfNote
from xen_tool.elf import spec

RWX = spec.PF_R | spec.PF_W | spec.PF_X

CODE_OFFSET = 0x1000
NOTES_OFFSET = 0x3000
LOAD_SIZE = NOTES_OFFSET - CODE_OFFSET

PADDR = 0x200000
"""The address of the PT_LOAD: RAM of every machine, and so low that dom0 may be small."""

PV_ENTRY = 0x000
PVH_ENTRY = 0x100
HYPERCALL_PAGE = 0x1000
"""Offsets in the PT_LOAD."""

VIRT_BASE_64 = 0xFFFFFFFF80000000
VIRT_BASE_32 = 0xC0000000
LOADED_AT = VIRT_BASE_64 + PADDR

EXIT_PORT = 0xF4
EXIT_VALUE = 0x2A
"""What the PVH entry writes, for QEMU's isa-debug-exit: the proof that it ran."""

_PV_CODE = bytes.fromhex("ebfe")  # 1: jmp 1b
_PVH_CODE = bytes([0xB0, EXIT_VALUE, 0xE6, EXIT_PORT]) + bytes.fromhex("fa f4 ebfd")
# mov $EXIT_VALUE, %al; out %al, $EXIT_PORT; cli; 1: hlt; jmp 1b


@dataclass(frozen=True)
class Note:
    """A note; descsz is a wrong n_descsz, or None, and align what owner and desc are padded to."""

    n_type: int
    desc: bytes
    owner: bytes = abi.NOTE_OWNER.encode() + b"\0"
    descsz: int | None = None
    align: int = 4

    def __bytes__(self) -> bytes:
        descsz = len(self.desc) if self.descsz is None else self.descsz
        header = struct.pack("<3I", len(self.owner), descsz, self.n_type)
        padded = (part + bytes(-len(part) % self.align) for part in (self.owner, self.desc))
        return header + b"".join(padded)


def number(n_type: int, value: int, width: int = 8) -> Note:
    """A note of one number, of which the lowest width bytes are kept."""
    return Note(n_type, (value % (1 << 8 * width)).to_bytes(width, "little"))


def text(n_type: int, value: str) -> Note:
    """A note of a string with its NUL."""
    return Note(n_type, value.encode() + b"\0")


@dataclass(frozen=True)
class Segment:
    """A program header, raw."""

    p_type: int = spec.PT_LOAD
    p_flags: int = RWX
    p_offset: int = CODE_OFFSET
    p_vaddr: int = LOADED_AT
    p_paddr: int = PADDR
    p_filesz: int = LOAD_SIZE
    p_memsz: int = LOAD_SIZE
    p_align: int = abi.PAGE_SIZE


def note_segment(p_offset: int, p_filesz: int, p_align: int = 4) -> Segment:
    """The program header of a PT_NOTE, which is not loaded."""
    return Segment(spec.PT_NOTE, spec.PF_R, p_offset, 0, 0, p_filesz, p_filesz, p_align)


@dataclass(frozen=True)
class Section:
    """A section header, whose name stands in .shstrtab; sh_offset is an offset in the file."""

    name: str
    sh_type: int
    sh_offset: int
    sh_size: int


@dataclass(frozen=True)
class Image:
    """An ELF file.  A header field that is None gets the right value for the file.

    notes are in a PT_NOTE, a SHT_NOTE section, or both, as the two flags say; guest is the
    string of the section __xen_guest.  With sections=False there are no section headers, and
    the notes end the file.  patches are written last: (offset in the file, bytes).
    """

    bits: int = 64
    notes: tuple[Note, ...] = ()
    loads: tuple[Segment, ...] = (Segment(),)
    guest: str | None = None
    in_segment: bool = True
    in_section: bool = True
    note_align: int = 4
    note_filesz: int | None = None
    sections: bool = True
    section_align: int = 4
    magic: bytes = spec.ELFMAG
    ei_data: int = spec.ELFDATA2LSB
    e_type: int = spec.ET_EXEC
    e_machine: int = spec.EM_X86_64
    e_entry: int = LOADED_AT + PV_ENTRY
    e_flags: int = 0
    e_phoff: int | None = None
    e_phentsize: int | None = None
    e_phnum: int | None = None
    e_shoff: int | None = None
    e_shentsize: int | None = None
    e_shnum: int | None = None
    patches: tuple[tuple[int, bytes], ...] = ()

    def without(self, *n_types: int) -> Image:
        """The image without the notes of these types."""
        return replace(self, notes=tuple(note for note in self.notes if note.n_type not in n_types))

    def adding(self, *notes: Note) -> Image:
        """The image with more notes, behind the others."""
        return replace(self, notes=self.notes + notes)

    def setting(self, *notes: Note) -> Image:
        """The image with these notes in place of those of their types, or added."""
        new = {note.n_type: note for note in notes}
        kept = tuple(new.pop(note.n_type, note) for note in self.notes)
        return replace(self, notes=kept + tuple(new.values()))

    def loading(self, **fields: int) -> Image:
        """The image with other fields in its first PT_LOAD."""
        first, *others = self.loads
        return replace(self, loads=(replace(first, **fields), *others))

    def based(self, virt_base: int, paddr: int = PADDR) -> Image:
        """The image linked for other addresses, with a hypercall page."""
        there = virt_base + paddr
        return self.loading(p_paddr=paddr, p_vaddr=there).setting(
            number(XenElfNote.VIRT_BASE, virt_base),
            number(XenElfNote.ENTRY, there + PV_ENTRY),
            number(XenElfNote.HYPERCALL_PAGE, there + HYPERCALL_PAGE),
        )

    def with_second_segment(self, first: int) -> Image:
        """Return the image with its first notes in one PT_NOTE, and the others in another.

        first: the number of notes in the first PT_NOTE.
        """
        size = sum(len(bytes(note)) for note in self.notes)
        start = sum(len(bytes(note)) for note in self.notes[:first])
        second = note_segment(NOTES_OFFSET + start, size - start)
        return replace(self, note_filesz=start, loads=(*self.loads, second))

    def patching(self, offset: int, data: bytes) -> Image:
        """The image with other bytes at an offset of the file."""
        return replace(self, patches=(*self.patches, (offset, data)))

    def __bytes__(self) -> bytes:
        code = _PV_CODE.ljust(PVH_ENTRY, b"\xf4") + _PVH_CODE
        notes = b"".join(map(bytes, self.notes))
        body = bytearray(CODE_OFFSET) + code.ljust(LOAD_SIZE, b"\0") + notes

        segments = list(self.loads)
        sections = [Section(".text", spec.SHT_PROGBITS, CODE_OFFSET, LOAD_SIZE)]
        if notes and self.in_segment:
            size = len(notes) if self.note_filesz is None else self.note_filesz
            segments.append(note_segment(NOTES_OFFSET, size, self.note_align))
        if notes and self.in_section:
            sections.append(Section(".note.Xen", spec.SHT_NOTE, NOTES_OFFSET, len(notes)))
        if self.guest is not None:
            string = self.guest.encode() + b"\0"
            sections.append(Section("__xen_guest", spec.SHT_PROGBITS, len(body), len(string)))
            body += string

        shdrs = [bytes(self._shdr_size)]
        if self.sections:
            names = b"\0".join([b"", *(s.name.encode() for s in sections), b".shstrtab", b""])
            sections.append(Section(".shstrtab", spec.SHT_STRTAB, len(body), len(names)))
            shdrs += [self._shdr(s, names.index(b"\0%b\0" % s.name.encode()) + 1) for s in sections]
            body += names + bytes(-len(body + names) % 8)
            shoff = len(body)
            body += b"".join(shdrs)
        else:
            shoff, shdrs = 0, []

        ehdr = self._ehdr(len(segments), shoff, len(shdrs))
        headers = ehdr + b"".join(map(self._phdr, segments))
        assert len(headers) <= CODE_OFFSET
        body[: len(headers)] = headers
        for offset, data in self.patches:
            body[offset : offset + len(data)] = data
        return bytes(body)

    @property
    def _ehdr_size(self) -> int:
        return spec.EHDR_SIZE[self.bits]

    @property
    def _phdr_size(self) -> int:
        return spec.PHDR_SIZE[self.bits]

    @property
    def _shdr_size(self) -> int:
        return spec.SHDR_SIZE[self.bits]

    def _ehdr(self, phnum: int, shoff: int, shnum: int) -> bytes:
        ei_class = spec.ELFCLASS64 if self.bits == 64 else spec.ELFCLASS32
        ident = self.magic + bytes([ei_class, self.ei_data, spec.EV_CURRENT])

        def either(field: int | None, value: int) -> int:
            return value if field is None else field

        return ident.ljust(16, b"\0") + struct.pack(
            "<HHIQQQIHHHHHH" if self.bits == 64 else "<HHIIIIIHHHHHH",
            self.e_type,
            self.e_machine,
            spec.EV_CURRENT,
            self.e_entry,
            either(self.e_phoff, self._ehdr_size),
            either(self.e_shoff, shoff),
            self.e_flags,
            self._ehdr_size,
            either(self.e_phentsize, self._phdr_size),
            either(self.e_phnum, phnum),
            either(self.e_shentsize, self._shdr_size),
            either(self.e_shnum, shnum),
            max(0, shnum - 1),  # .shstrtab is the last
        )

    def _phdr(self, s: Segment) -> bytes:
        places = s.p_offset, s.p_vaddr, s.p_paddr, s.p_filesz, s.p_memsz
        if self.bits == 64:
            return struct.pack("<IIQQQQQQ", s.p_type, s.p_flags, *places, s.p_align)
        return struct.pack("<8I", s.p_type, *places, s.p_flags, s.p_align)

    def _shdr(self, s: Section, name: int) -> bytes:
        # Nothing is SHF_ALLOC: the program headers alone say what is loaded.
        return struct.pack(
            "<IIQQQQIIQQ" if self.bits == 64 else "<10I",
            *(name, s.sh_type, 0, 0, s.sh_offset, s.sh_size, 0, 0, self.section_align, 0),
        )


def features(names: str) -> Note:
    """The note FEATURES."""
    return text(XenElfNote.FEATURES, names)


Broken = Iterator[tuple[str, str, "Image | bytes"]]
"""What broken/ yields: a case's id, what is broken, and the image."""
