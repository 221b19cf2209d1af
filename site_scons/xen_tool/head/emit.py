# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write the head object as a relocatable ELF object, in-process, without GNU as."""

from __future__ import annotations

from dataclasses import replace

from ..abi import Arch
from ..elf import note_encoding, spec
from ..elf.assembler import LocalLabel, assemble
from ..elf.note_encoding import Note, Words
from ..elf.objfile import ObjectFile, ObjectSection, ObjectSymbol, Relocation
from .config import HeadConfig
from .items import HINT_SIZE, Code, HeadSection, Label, UnwindHint, Zeros
from .model import head


def emit(config: HeadConfig) -> bytes:
    """Return the object file, byte for byte as GNU as 2.40 assembles gas.source(config).

    Raises XenToolError if keystone refuses an instruction.
    """
    file = ObjectFile(config.arch.bits)
    # GNU as begins every object with these sections.
    for name, type_, flags in (
        (".text", spec.SHT_PROGBITS, spec.SHF_EXECINSTR),
        (".data", spec.SHT_PROGBITS, spec.SHF_WRITE),
        (".bss", spec.SHT_NOBITS, spec.SHF_WRITE),
    ):
        file.sections.append(ObjectSection(name, type_, spec.SHF_ALLOC | flags, 1))
    for head_section in head(config):
        section, symbols = _lower(head_section, config.arch)
        known = [s.name for s in file.sections]
        if section.name in known:
            file.sections[known.index(section.name)] = section
        else:
            file.sections.append(section)
        # Symbols that a section defines come before those that it refers to.
        for symbol in symbols:
            if symbol.name not in {known.name for known in file.symbols}:
                file.symbols.append(symbol)
    return file.encode()


def _lower(model: HeadSection, arch: Arch) -> tuple[ObjectSection, list[ObjectSymbol]]:
    """Return the section, and the symbols that it defines or refers to, in order."""
    lowered = _Lowered(arch)
    for item in model.items:
        lowered.add(item)
    section = ObjectSection(model.name, model.type, model.flags, model.align)
    section.data = bytes(lowered.data)
    section.relocations = [
        _without_local_label(relocation, model.name, lowered.local)
        for relocation in lowered.relocations
    ]
    referred = [symbol for symbol in lowered.symbols if symbol.name not in lowered.local]
    return section, lowered.defined(model.name) + referred


class _Lowered:
    """The bytes of a section, its labels, and what it refers to, item by item."""

    def __init__(self, arch: Arch) -> None:
        self._arch = arch
        self._labels: list[tuple[Label, int]] = []
        self.data = bytearray()
        self.local: dict[str, int] = {}
        """Offsets of local labels."""
        self.relocations: list[Relocation] = []
        self.symbols: list[ObjectSymbol] = []
        """The symbols that it refers to."""

    def add(self, item: Label | LocalLabel | Zeros | Words | Code | UnwindHint | Note) -> None:
        """Append an item."""
        here = len(self.data)
        match item:
            case Label():
                self._labels.append((item, here))
            case LocalLabel():
                self.local[item.name] = here
            case Zeros():
                self.data += bytes(item.size)
            case Words():
                self.data += item.encode()
            case Code():
                self._add_code(item)
            case UnwindHint():
                type_ = spec.R_X86_64_PC32
                self.relocations.append(Relocation(here, type_, item.section, item.offset))
                self.data += bytes(HINT_SIZE)
            case Note():
                self._add_note(item)

    def _add_code(self, code: Code) -> None:
        here = len(self.data)
        bits = code.bits or self._arch.bits
        assembled = assemble(code.instructions, bits)
        for field in assembled.fields:
            type_ = _field_type(self._arch, bits, field.pc_relative)
            self._refer(here + field.offset, type_, field.symbol, field.addend)
        self.local |= {name: here + offset for name, offset in assembled.labels.items()}
        self.data += assembled.code

    def _add_note(self, note: Note) -> None:
        here = len(self.data)
        content, addresses = note_encoding.encode([note])
        for offset, address in addresses:
            type_ = _address_type(self._arch, address.width)
            self._refer(here + offset, type_, address.symbol, address.addend)
        self.data += content

    def _refer(self, offset: int, type_: int, symbol: str, addend: int) -> None:
        self.relocations.append(Relocation(offset, type_, symbol, addend))
        self.symbols.append(ObjectSymbol(symbol))

    def defined(self, section: str) -> list[ObjectSymbol]:
        """Return the symbols of the labels; section: the name of the section that has them."""
        ends = [*(offset for _, offset in self._labels[1:]), len(self.data)]
        return [
            ObjectSymbol(
                label.name,
                section,
                offset,
                end - offset if label.size is None else label.size,
                label.type,
                label.binding,
            )
            for (label, offset), end in zip(self._labels, ends, strict=False)
        ]


def _without_local_label(relocation: Relocation, section: str, local: dict[str, int]) -> Relocation:
    """Return the relocation, in which section and offset replace a local label, as GNU as does."""
    if relocation.symbol not in local:
        return relocation
    addend = relocation.addend + local[relocation.symbol]
    return replace(relocation, symbol=section, addend=addend)


def _address_type(arch: Arch, width: int) -> int:
    if arch.bits == 64:
        return spec.R_X86_64_64 if width == 8 else spec.R_X86_64_32
    return spec.R_386_32


def _field_type(arch: Arch, bits: int, pc_relative: bool) -> int:
    if arch.bits == 32:
        return spec.R_386_PC32 if pc_relative else spec.R_386_32
    if pc_relative:
        return spec.R_X86_64_PLT32
    return spec.R_X86_64_32S if bits == 64 else spec.R_X86_64_32
