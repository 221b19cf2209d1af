# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write relocatable ELF objects (ET_REL) for x86-64 and i386.

Sections, symbols and relocations become the file that a linker reads.  The
layout is that of GNU as, byte for byte:

    ELF header
    contents of the sections, each at its alignment
    .symtab: null, section symbols, local symbols, global symbols; if there are any
    .strtab, with it
    .rela<section> or .rel<section>, in the order of the sections
    .shstrtab
    section headers: null, each section followed by its relocations,
        .symtab, .strtab, .shstrtab

x86-64 has explicit addends (RELA), i386 has them in the relocated field (REL).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from . import spec


@dataclass(frozen=True)
class Relocation:
    """A relocation: r_offset in its section, r_type, a symbol or section by name, the addend."""

    offset: int
    type: int
    symbol: str
    addend: int = 0


@dataclass
class ObjectSection:
    """A section, its contents (b"" for SHT_NOBITS), and the relocations in them."""

    name: str
    type: int
    flags: int
    align: int
    data: bytes = b""
    relocations: list[Relocation] = field(default_factory=list)


@dataclass(frozen=True)
class ObjectSymbol:
    """A symbol; section: the name of the section that defines it, None if none here does."""

    name: str
    section: str | None = None
    value: int = 0
    size: int = 0
    type: int = spec.STT_NOTYPE
    binding: int = spec.STB_GLOBAL


@dataclass
class _Entry:
    """A section header, and the contents that it describes."""

    name: str
    type: int = spec.SHT_NULL
    flags: int = 0
    align: int = 0
    data: bytes = b""
    link: int = 0
    info: int = 0
    entsize: int = 0
    offset: int = 0


class ObjectFile:
    """An object file: fill `sections` and `symbols` in file order, then encode().

    Every name that a relocation refers to is one of `symbols`, or of the
    sections, which then gets a section symbol.
    """

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.sections: list[ObjectSection] = []
        self.symbols: list[ObjectSymbol] = []

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        word = self.bits // 8
        entries = [_Entry("")]
        contents: list[_Entry] = []
        relocations: list[tuple[_Entry, ObjectSection]] = []
        for section in self.sections:
            data = self._with_addends(section)
            entry = _Entry(section.name, section.type, section.flags, section.align, data)
            contents.append(entry)
            entries.append(entry)
            if section.relocations:
                entry = self._relocation_entry(section, info=len(entries) - 1)
                relocations.append((entry, section))
                entries.append(entry)

        indices = {entry.name: index for index, entry in enumerate(entries)}
        symbols = self._ordered_symbols()
        strings = _StringTable(s.name for s in symbols if s.type != spec.STT_SECTION)
        symtab = _Entry(".symtab", spec.SHT_SYMTAB, align=word, link=len(entries) + 1)
        symtab.data = b"".join(self._symbol(symbol, strings, indices) for symbol in symbols)
        symtab.entsize = len(symtab.data) // len(symbols)
        symtab.info = sum(symbol.binding == spec.STB_LOCAL for symbol in symbols)
        strtab = _Entry(".strtab", spec.SHT_STRTAB, align=1, data=strings.encode())
        shstrtab = _Entry(".shstrtab", spec.SHT_STRTAB, align=1)
        numbers = {symbol.name: number for number, symbol in enumerate(symbols)}
        for entry, section in relocations:
            entry.link = len(entries)
            entry.data = b"".join(self._relocation(r, numbers) for r in section.relocations)
        tables = [symtab, strtab] if len(symbols) > 1 else []
        names = _StringTable(e.name for e in [*tables, shstrtab, *entries[1:]])
        shstrtab.data = names.encode()
        entries += [*tables, shstrtab]

        file = bytearray(self._ehsize)
        for entry in [*contents, *tables, *(entry for entry, _ in relocations), shstrtab]:
            file += bytes(-len(file) % entry.align)
            entry.offset = len(file)
            file += entry.data
        file += bytes(-len(file) % word)
        file[: self._ehsize] = self._file_header(e_shoff=len(file), e_shnum=len(entries))
        for entry in entries:
            file += self._section_header(entry, names.offset(entry.name))
        return bytes(file)

    @property
    def _ehsize(self) -> int:
        return spec.EHDR_SIZE[self.bits]

    @property
    def _rela(self) -> bool:
        return self.bits == 64

    def _with_addends(self, section: ObjectSection) -> bytes:
        if self._rela:
            return section.data
        data = bytearray(section.data)
        for relocation in section.relocations:
            struct.pack_into("<I", data, relocation.offset, relocation.addend & 0xFFFFFFFF)
        return bytes(data)

    def _relocation_entry(self, section: ObjectSection, info: int) -> _Entry:
        word = self.bits // 8
        name = (".rela" if self._rela else ".rel") + section.name
        type_ = spec.SHT_RELA if self._rela else spec.SHT_REL
        entsize = word * (3 if self._rela else 2)
        return _Entry(name, type_, spec.SHF_INFO_LINK, word, info=info, entsize=entsize)

    def _ordered_symbols(self) -> list[ObjectSymbol]:
        """Return the null symbol, section symbols, other locals, globals: locals must be first."""
        referred = {r.symbol for section in self.sections for r in section.relocations}
        of_sections = [
            ObjectSymbol(s.name, s.name, type=spec.STT_SECTION, binding=spec.STB_LOCAL)
            for s in self.sections
            if s.name in referred
        ]
        null = ObjectSymbol("", binding=spec.STB_LOCAL)
        local = [s for s in self.symbols if s.binding == spec.STB_LOCAL]
        other = [s for s in self.symbols if s.binding != spec.STB_LOCAL]
        return [null, *of_sections, *local, *other]

    def _symbol(
        self, symbol: ObjectSymbol, strings: _StringTable, indices: dict[str, int]
    ) -> bytes:
        st_name = 0 if symbol.type == spec.STT_SECTION else strings.offset(symbol.name)
        st_info = symbol.binding << 4 | symbol.type
        st_shndx = spec.SHN_UNDEF if symbol.section is None else indices[symbol.section]
        if self.bits == 64:
            return struct.pack("<IBBHQQ", st_name, st_info, 0, st_shndx, symbol.value, symbol.size)
        return struct.pack("<IIIBBH", st_name, symbol.value, symbol.size, st_info, 0, st_shndx)

    def _relocation(self, relocation: Relocation, numbers: dict[str, int]) -> bytes:
        number = numbers[relocation.symbol]
        if self._rela:
            r_info = number << 32 | relocation.type
            return struct.pack("<QQQ", relocation.offset, r_info, relocation.addend & (1 << 64) - 1)
        return struct.pack("<II", relocation.offset, number << 8 | relocation.type)

    def _file_header(self, e_shoff: int, e_shnum: int) -> bytes:
        elfclass = spec.ELFCLASS64 if self.bits == 64 else spec.ELFCLASS32
        e_ident = spec.ELFMAG + bytes([elfclass, spec.ELFDATA2LSB, spec.EV_CURRENT]) + bytes(9)
        machine = spec.EM_X86_64 if self.bits == 64 else spec.EM_386
        # e_type to e_version; e_entry, e_phoff, e_shoff; e_flags to e_shstrndx.
        return (
            e_ident
            + struct.pack("<HHI", spec.ET_REL, machine, spec.EV_CURRENT)
            + struct.pack("<QQQ" if self.bits == 64 else "<III", 0, 0, e_shoff)
            + struct.pack("<IHHHHHH", 0, self._ehsize, 0, 0, self._shentsize, e_shnum, e_shnum - 1)
        )

    @property
    def _shentsize(self) -> int:
        return spec.SHDR_SIZE[self.bits]

    def _section_header(self, entry: _Entry, sh_name: int) -> bytes:
        layout = "<IIQQQQIIQQ" if self.bits == 64 else "<10I"
        return struct.pack(
            layout,
            sh_name,
            entry.type,
            entry.flags,
            0,
            entry.offset,
            len(entry.data),
            entry.link,
            entry.info,
            entry.align,
            entry.entsize,
        )


class _StringTable:
    """NUL-terminated strings; a string that is a suffix of another one shares its bytes."""

    def __init__(self, strings: Iterable[str]) -> None:
        wanted = dict.fromkeys(string for string in strings if string)
        # In the descending order of reversed texts, the strings that a suffix ends come directly
        # before it: comparing it with the last string that is no suffix suffices.
        within: dict[str, str] = {}
        longest = ""
        for string in sorted(wanted, key=lambda string: string[::-1], reverse=True):
            if longest.endswith(string):
                within[string] = longest
            else:
                longest = string
        self._data = b"\0"
        self._offsets = {"": 0}
        for string in wanted:
            if string not in within:
                self._offsets[string] = len(self._data)
                self._data += string.encode() + b"\0"
        for string, longest in within.items():
            self._offsets[string] = self._offsets[longest] + len(longest) - len(string)

    def offset(self, string: str) -> int:
        return self._offsets[string]

    def encode(self) -> bytes:
        return self._data
