# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Writes the head object as a relocatable ELF object, in-process, without an assembler."""

from __future__ import annotations

from ..abi import Arch
from ..elf import notes, spec
from ..elf.assembler import assemble
from ..elf.notes import Note
from ..elf.objfile import ObjectFile, Relocation, Section, Symbol
from .config import HeadConfig
from .items import HINT_SIZE, Code, HeadSection, Label, UnwindHint, Zeros
from .model import head


def emit(config: HeadConfig) -> bytes:
    """Returns the object file, byte for byte what GNU as 2.40 makes of gas.source(config).

    Raises XenToolError if keystone does not take an instruction.
    """
    file = ObjectFile(config.arch.bits)
    # GNU as starts every object with these three.
    for name, type_, flags in (
        (".text", spec.SHT_PROGBITS, spec.SHF_EXECINSTR),
        (".data", spec.SHT_PROGBITS, spec.SHF_WRITE),
        (".bss", spec.SHT_NOBITS, spec.SHF_WRITE),
    ):
        file.sections.append(Section(name, type_, spec.SHF_ALLOC | flags, 1))
    for head_section in head(config):
        section, symbols = _lower(head_section, config.arch)
        known = [s.name for s in file.sections]
        if section.name in known:
            file.sections[known.index(section.name)] = section
        else:
            file.sections.append(section)
        defined = {symbol.name for symbol in file.symbols}
        file.symbols += [symbol for symbol in symbols if symbol.name not in defined]
    return file.encode()


def _lower(model: HeadSection, arch: Arch) -> tuple[Section, list[Symbol]]:
    """The section, and the symbols that it defines or refers to, in order."""
    section = Section(model.name, model.type, model.flags, model.align)
    symbols: list[Symbol] = []
    labels: list[tuple[Label, int]] = []
    data = bytearray()
    for item in model.items:
        if isinstance(item, Label):
            labels.append((item, len(data)))
        elif isinstance(item, Zeros):
            data += bytes(item.size)
        elif isinstance(item, Code):
            code, fields = assemble(item.instructions, arch.bits)
            for field in fields:
                type_ = _field_type(arch, field.pc_relative)
                offset = len(data) + field.offset
                section.relocations.append(Relocation(offset, type_, field.symbol, field.addend))
                symbols.append(Symbol(field.symbol))
            data += code
        elif isinstance(item, UnwindHint):
            section.relocations.append(
                Relocation(len(data), spec.R_X86_64_PC32, item.section, item.offset)
            )
            data += bytes(HINT_SIZE)
        elif isinstance(item, Note):
            note, addresses = notes.encode([item])
            for offset, name in addresses:
                type_ = spec.R_X86_64_64 if arch.bits == 64 else spec.R_386_32
                section.relocations.append(Relocation(len(data) + offset, type_, name))
                symbols.append(Symbol(name))
            data += note
    section.data = bytes(data)
    defined = [
        Symbol(
            label.name,
            model.name,
            offset,
            len(data) - offset if label.size is None else label.size,
            label.type,
            label.binding,
        )
        for label, offset in labels
    ]
    return section, defined + symbols


def _field_type(arch: Arch, pc_relative: bool) -> int:
    if arch.bits == 64:
        return spec.R_X86_64_PLT32 if pc_relative else spec.R_X86_64_32S
    return spec.R_386_PC32 if pc_relative else spec.R_386_32
