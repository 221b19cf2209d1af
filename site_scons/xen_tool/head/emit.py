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
    # GNU as begins every object with these three.
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
    section = ObjectSection(model.name, model.type, model.flags, model.align)
    relocations: list[Relocation] = []
    symbols: list[ObjectSymbol] = []
    labels: list[tuple[Label, int]] = []
    local: dict[str, int] = {}
    data = bytearray()
    for item in model.items:
        here = len(data)
        if isinstance(item, Label):
            labels.append((item, here))
        elif isinstance(item, LocalLabel):
            local[item.name] = here
        elif isinstance(item, Zeros):
            data += bytes(item.size)
        elif isinstance(item, Words):
            data += item.encode()
        elif isinstance(item, Code):
            bits = item.bits or arch.bits
            assembled = assemble(item.instructions, bits)
            for field in assembled.fields:
                type_ = _field_type(arch, bits, field.pc_relative)
                offset = here + field.offset
                relocations.append(Relocation(offset, type_, field.symbol, field.addend))
                symbols.append(ObjectSymbol(field.symbol))
            local |= {name: here + offset for name, offset in assembled.labels.items()}
            data += assembled.code
        elif isinstance(item, UnwindHint):
            relocations.append(Relocation(here, spec.R_X86_64_PC32, item.section, item.offset))
            data += bytes(HINT_SIZE)
        elif isinstance(item, Note):
            note, addresses = note_encoding.encode([item])
            for offset, address in addresses:
                type_ = _address_type(arch, address.width)
                relocations.append(Relocation(here + offset, type_, address.symbol, address.addend))
                symbols.append(ObjectSymbol(address.symbol))
            data += note
    section.data = bytes(data)
    section.relocations = [_without_local_label(r, model.name, local) for r in relocations]
    referred = [symbol for symbol in symbols if symbol.name not in local]
    ends = [*(offset for _, offset in labels[1:]), len(data)]
    defined = [
        ObjectSymbol(
            label.name,
            model.name,
            offset,
            end - offset if label.size is None else label.size,
            label.type,
            label.binding,
        )
        for (label, offset), end in zip(labels, ends, strict=False)
    ]
    return section, defined + referred


def _without_local_label(relocation: Relocation, section: str, local: dict[str, int]) -> Relocation:
    """Refer to a local label by its section and offset, as GNU as does."""
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
