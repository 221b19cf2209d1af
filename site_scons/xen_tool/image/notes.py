# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find the notes of a kernel image, and where each of them is, as loaders do.

libelf reads every PT_NOTE and then, if none of their notes was Xen's, every
SHT_NOTE section.  A note is three 32-bit words n_namesz, n_descsz, n_type in
both ELF classes, then name and descriptor, each padded to 4 bytes whatever
p_align says (elf_note_desc, elf_note_next).  A walk may
run past the end of its segment or of the file: such notes count, with the
bytes that exist.

QEMU's walk (include/hw/elf_ops.h.inc) is another: it pads to p_align, and reads
neither owners nor SHT_NOTE.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..elf import spec
from ..light import NamedTuple
from .data import STRING_LIMIT, Data
from .elf import ADDRESS_MASK, Elf, Segment

XEN_IMAGE_BASE = 0xFFFF830000000000
"""Lowest address of dom0's image in Xen: DIRECTMAP_VIRT_START (Xen asm/config.h)."""
LIBXENGUEST_IMAGE_BASE = 0x7F0000000000
"""Approximate address of a domU's image, by mmap(), in the toolstack's process."""

TOTAL_NOTE_LIMIT = 65536
"""ELF_MAX_TOTAL_NOTE_COUNT: notes of any owner that libelf reads (Xen libelf.h)."""

_HEADER = "III"
_HEADER_SIZE = 12
XEN_OWNER = b"Xen\0"
"""The owner of Xen's notes in the file, with its NUL."""


class FoundNote(NamedTuple):
    """A note as libelf reads it; fields outside the file are 0.

    The owner and the descriptor may be long, so they are read from the file at each access.
    """

    data: Data
    big: bool
    place: str
    """"PT_NOTE" or "SHT_NOTE"."""
    number: int
    """The number of the segment or section."""
    offset: int
    """The offset of the note in the file."""
    n_namesz: int
    n_descsz: int
    n_type: int

    @property
    def owner(self) -> bytes | None:
        """The name up to its NUL, whatever n_namesz is; None without a NUL in 4096 bytes."""
        return self.data.string(self.offset + _HEADER_SIZE)

    @property
    def is_xen(self) -> bool:
        """Whether the owner is "Xen"."""
        return self.data.read(self.offset + _HEADER_SIZE, len(XEN_OWNER)) == XEN_OWNER

    @property
    def desc_offset(self) -> int:
        """The offset of the descriptor in the file."""
        return self.offset + _HEADER_SIZE + _padded(self.n_namesz)

    @property
    def desc(self) -> bytes:
        """The descriptor, without bytes outside the file or beyond 4096."""
        return self.data.read(self.desc_offset, min(self.n_descsz, STRING_LIMIT))

    def numeric(self) -> int:
        """Return the value as a number; 0 unless n_descsz is 1, 2, 4 or 8 (elf_note_numeric)."""
        return self.numeric_array(self.n_descsz, 0) if self.n_descsz in (1, 2, 4, 8) else 0

    def numeric_array(self, unit: int, index: int) -> int:
        """Return an element of an array of numbers of unit bytes each (elf_note_numeric_array).

        Return 0 if there is no such element, or if n_descsz is no multiple of unit.
        """
        if self.n_descsz % unit or index >= self.n_descsz // unit:
            return 0
        return self.data.unsigned(self.desc_offset + index * unit, unit, big=self.big) or 0

    def string(self) -> bytes | None:
        """Return the value up to its NUL, whatever n_descsz is; None without one in 4096 bytes."""
        return self.data.string(self.desc_offset)


def image_base_matters(elf: Elf) -> bool:
    """Whether libxenguest may find other notes than Xen, as the end of a segment wraps in Xen."""
    notes = [(s.p_offset, s.p_filesz) for s in elf.segments if s.p_type == spec.PT_NOTE]
    notes += [(s.sh_offset, s.sh_size) for s in elf.sections if s.sh_type == spec.SHT_NOTE]
    return any(XEN_IMAGE_BASE + start + size > ADDRESS_MASK for start, size in notes)


class NoteWalk:
    """Iterates over the notes of an image, in the order in which libelf reads them.

    The attributes describe what was read; they are complete when the iteration has ended.
    """

    def __init__(self, elf: Elf, image_base: int = XEN_IMAGE_BASE) -> None:
        """Prepare a walk; image_base: the address of the file in the loader's memory.

        From some p_filesz on, which depends on this address, the end of a segment wraps to
        before its start, so libelf finds no notes there.
        """
        self._elf = elf
        self._base = image_base
        self._total = 0
        self.regions: list[tuple[str, int]] = []
        """The PT_NOTE segments and SHT_NOTE sections that were walked, as (place, number)."""
        self.xen_notes = 0
        """Number of notes whose owner is "Xen"."""
        self.too_many = False
        """Whether there were more notes than libelf reads: "too many ELF notes"."""

    def __iter__(self) -> Iterator[FoundNote]:
        for segment in self._elf.segments:
            # As in libelf: some binutils did not set p_offset of notes.
            if segment.p_type == spec.PT_NOTE and segment.p_offset:
                self.regions.append(("PT_NOTE", segment.number))
                yield from self._region(segment.p_offset, segment.p_filesz)
        if self.xen_notes:
            return
        for section in self._elf.sections:
            if section.number and section.sh_type == spec.SHT_NOTE:
                self.regions.append(("SHT_NOTE", section.number))
                yield from self._region(section.sh_offset, section.sh_size)

    def _region(self, start: int, size: int) -> Iterator[FoundNote]:
        place, number = self.regions[-1]
        pointer = (self._base + start) & ADDRESS_MASK
        end = (pointer + size) & ADDRESS_MASK
        while pointer < end:
            if self._total == TOTAL_NOTE_LIMIT:
                self.too_many = True
                return
            self._total += 1
            offset = (pointer - self._base) & ADDRESS_MASK
            note = self._note(place, number, offset)
            if note.is_xen:
                self.xen_notes += 1
            yield note
            following = pointer + _HEADER_SIZE + _padded(note.n_namesz) + _padded(note.n_descsz)
            if following > ADDRESS_MASK or offset >= self._elf.data.size:
                return
            pointer = following

    def _note(self, place: str, number: int, offset: int) -> FoundNote:
        elf = self._elf
        words = elf.fields(offset, _HEADER)
        return FoundNote(elf.data, elf.big, place, number, offset, *words)


def _padded(size: int) -> int:
    # libelf computes the sum in 32 bits.
    return (size + 3) & 0xFFFFFFFC


class QemuNote(NamedTuple):
    """A note as QEMU finds it; offsets are in the file."""

    offset: int
    n_type: int
    desc_offset: int


def qemu_notes(elf: Elf, segment: Segment) -> Iterator[QemuNote]:
    """Yield the notes that QEMU walks over in a segment, one of elf.qemu_note_segments.

    QEMU searches one n_type, and uses the first such note of a segment; of several
    segments that have one, the last counts.  QEMU stops only at a note that is larger
    than the segment, so it may run past the segment's end.  At a p_align of 0
    QEMU dies by SIGFPE; this yields no notes then.

    QEMU might loop for ever: the limit here is TOTAL_NOTE_LIMIT notes of all these
    segments together.
    """
    if not segment.p_filesz or not segment.p_align:
        return
    mask = (1 << elf.bits) - 1
    offset = segment.p_offset
    for _ in range(TOTAL_NOTE_LIMIT // max(1, len(elf.qemu_note_segments))):
        if offset >= elf.data.size:
            return
        # QEMU refuses big-endian files before this walk.
        namesz, descsz, n_type = elf.fields(offset, _HEADER)
        desc_offset = offset + _HEADER_SIZE + _aligned(namesz, segment.p_align, mask)
        yield QemuNote(offset, n_type, desc_offset)
        following = desc_offset + _aligned(descsz, segment.p_align, mask)
        if (following - offset) & mask > segment.p_filesz:
            return
        offset = following


def _aligned(size: int, align: int, mask: int) -> int:
    """Round size up to a multiple of align as QEMU_ALIGN_UP does; mask: that of the ELF class."""
    return ((size + align - 1) & mask) // align * align
