# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read the headers of an ELF file as Xen's libelf does.

libelf (xen/common/libelf) refuses little: a field outside the file reads as 0,
headers are counted until one begins outside the file, and addresses wrap.
Nothing here says whether a value is valid; the rules of loaders do that.  Offsets and sizes
are in bytes, in the file of the Data.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from ..elf import spec
from ..errors import XenToolError
from ..light import NamedTuple
from .data import Data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ADDRESS_MASK = (1 << 64) - 1
"""libelf computes in 64 bits, with wrap-around."""
MASK_32 = (1 << 32) - 1
"""The mask of a number of 32 bits, and the last address below 4 GiB."""

_PF_RWX = spec.PF_R | spec.PF_W | spec.PF_X

# The fields of each header; those of the ELF header begin after e_ident.
_EHDR = {32: "HHIIIIIHHHHHH", 64: "HHIQQQIHHHHHH"}
_PHDR = {32: "IIIIIIII", 64: "IIQQQQQQ"}
_SHDR = {32: "IIIIIIIIII", 64: "IIQQQQIIQQ"}


class NotElf(XenToolError):  # noqa: N818
    """The data is no ELF file for libelf: no magic, or too short for a header of ELF32."""


def elf_of(data: Data) -> Elf | None:
    """Return the ELF file in data, parsed at the first call; None if data is no ELF file."""
    if data.elf is None:
        try:
            data.elf = Elf(data)
        except NotElf:
            return None
    return data.elf


class Segment(NamedTuple):
    """A program header."""

    number: int
    offset: int
    """Offset of the header itself."""
    p_type: int
    p_flags: int
    p_offset: int
    p_vaddr: int
    p_paddr: int
    p_filesz: int
    p_memsz: int
    p_align: int

    @property
    def is_loadable(self) -> bool:
        """Whether libelf loads the segment (elf_phdr_is_loadable)."""
        return self.p_type == spec.PT_LOAD and bool(self.p_flags & _PF_RWX)


class Section(NamedTuple):
    """A section header."""

    elf: Elf
    number: int
    offset: int
    """Offset of the header itself."""
    sh_name: int
    sh_type: int
    sh_flags: int
    sh_addr: int
    sh_offset: int
    sh_size: int
    sh_link: int
    sh_info: int
    sh_addralign: int
    sh_entsize: int

    @property
    def name(self) -> str | None:
        """The name; None if there is no table of names, or no NUL within 4096 bytes."""
        table = self.elf.section_names_offset
        if table is None:
            return None
        name = self.elf.data.string((table + self.sh_name) & ADDRESS_MASK)
        return None if name is None else name.decode("utf-8", "surrogateescape")


class Elf:
    """An ELF file; attributes have the names of the fields of its header."""

    def __init__(self, data: Data) -> None:
        """Parse the header; raises NotElf where libelf's elf_is_elfbinary returns 0."""
        e_ident = data.read(0, spec.EI_NIDENT)
        if data.size < spec.EHDR_SIZE[32] or e_ident[:4] != spec.ELFMAG:
            raise NotElf("not an ELF file: it does not start with the bytes 7f 45 4c 46")
        self.data = data
        self.notes_read: dict[Any, Any] = {}
        """Cache of the parameters that libelf reads from the notes, for loaders/model/."""
        self.kept: dict[Any, Any] = {}
        """Cache of other results, by the function that computes them."""
        self.ei_class = e_ident[spec.EI_CLASS]
        self.ei_data = e_ident[spec.EI_DATA]
        self.bits = 64 if self.ei_class == spec.ELFCLASS64 else 32
        # libelf swaps bytes unless EI_DATA is little-endian, so it reads 0 and 3 as big-endian.
        self.big = self.ei_data != spec.ELFDATA2LSB
        (
            self.e_type,
            self.e_machine,
            self.e_version,
            self.e_entry,
            self.e_phoff,
            self.e_shoff,
            self.e_flags,
            self.e_ehsize,
            self.e_phentsize,
            self.e_phnum,
            self.e_shentsize,
            self.e_shnum,
            self.e_shstrndx,
        ) = self.fields(spec.EI_NIDENT, _EHDR[self.bits])

    @property
    def shdr_count(self) -> int:
        """e_shnum, limited to the headers that fit into the file (elf_shdr_count)."""
        return min(self.e_shnum, self.data.size // spec.SHDR_SIZE[32])

    @property
    def too_many_sections(self) -> bool:
        """Whether libelf limits e_shnum: "far too many section headers"."""
        return self.shdr_count < self.e_shnum

    @property
    def phdr_end(self) -> int:
        """The end of the program headers for elf_init, which requires it within the file."""
        return (self.e_phoff + self.e_phentsize * self.e_phnum) & ADDRESS_MASK

    @property
    def shdr_end(self) -> int:
        """The end of the section headers for elf_init, which requires it within the file."""
        return (self.e_shoff + self.e_shentsize * self.shdr_count) & ADDRESS_MASK

    @cached_property
    def segments(self) -> Sequence[Segment]:
        """The program headers up to the first that begins outside the file."""
        return tuple(self._program_headers(self.e_phentsize))

    @cached_property
    def loadable(self) -> Sequence[Segment]:
        """The segments that libelf loads."""
        return tuple(segment for segment in self.segments if segment.is_loadable)

    @cached_property
    def packed_segments(self) -> Sequence[Segment]:
        """The program headers without regard to e_phentsize: for QEMU and pvgrub, an array."""
        size = spec.PHDR_SIZE[self.bits]
        return self.segments if self.e_phentsize == size else tuple(self._program_headers(size))

    @cached_property
    def sections(self) -> Sequence[Section]:
        """The section headers up to the first, other than 0, that begins outside the file."""
        return tuple(self._section_headers())

    @cached_property
    def section_names_offset(self) -> int | None:
        """The offset of the table that e_shstrndx names; None if there is no such section."""
        if self.e_shstrndx >= self.shdr_count:
            return None
        return self._section_header(self.e_shstrndx).sh_offset

    def section(self, name: str) -> Section | None:
        """Return the first section of that name, except section 0 (elf_shdr_by_name)."""
        if self.section_names_offset is None:
            return None
        wanted = name.encode() + b"\0"
        for section in self.sections[1:]:
            offset = (self.section_names_offset + section.sh_name) & ADDRESS_MASK
            if self.data.read(offset, len(wanted)) == wanted:
                return section
        return None

    def named_sections(self, names: Iterable[str]) -> Iterator[str]:
        """Yield each of the names for each section that has it, in the order of the sections."""
        wanted = [name.encode() + b"\0" for name in names]
        longest = max(map(len, wanted))
        table = self.section_names_offset
        for section in self.sections if table is not None else ():
            offset = ((table or 0) + section.sh_name) & ADDRESS_MASK
            start = self.data.read(offset, longest)
            yield from (name[:-1].decode() for name in wanted if start.startswith(name))

    def _program_headers(self, e_phentsize: int) -> Iterator[Segment]:
        for number in range(self.e_phnum):
            offset = (self.e_phoff + e_phentsize * number) & ADDRESS_MASK
            if offset >= self.data.size:
                return
            fields = self.fields(offset, _PHDR[self.bits])
            if self.bits == 32:
                p_type, *addresses, p_flags, p_align = fields
                fields = (p_type, p_flags, *addresses, p_align)
            yield Segment(number, offset, *fields)

    @cached_property
    def qemu_note_segments(self) -> Sequence[Segment]:
        """The PT_NOTE segments of packed_segments."""
        return tuple(segment for segment in self.packed_segments if segment.p_type == spec.PT_NOTE)

    def _section_headers(self) -> Iterator[Section]:
        for number in range(self.shdr_count):
            section = self._section_header(number)
            if number and section.offset >= self.data.size:
                return
            yield section

    def _section_header(self, number: int) -> Section:
        offset = (self.e_shoff + self.e_shentsize * number) & ADDRESS_MASK
        return Section(self, number, offset, *self.fields(offset, _SHDR[self.bits]))

    def fields(self, offset: int, layout: str) -> tuple[int, ...]:
        """Return a header's fields, by struct's letters; those not wholly in the file are 0."""
        order = ">" if self.big else "<"
        size = struct.calcsize(order + layout)
        content = self.data.read(offset, size)
        if len(content) == size:
            return struct.unpack(order + layout, content)
        values = []
        for letter in layout:
            width = struct.calcsize(order + letter)
            values.append(self.data.unsigned(offset & ADDRESS_MASK, width, big=self.big) or 0)
            offset += width
        return tuple(values)
