# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read an object with pyelftools, an independent reader, into values to compare.

Properties that no linker reads are left out: the order of the file, empty sections.
"""

from __future__ import annotations

import io
from typing import Any

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import NoteSection, SymbolTableSection

# Linkers treat it as R_X86_64_PLT32, which binutils before 2.31 did not write.
_R_X86_64_PC32, _R_X86_64_PLT32 = 2, 4
_TABLES = ("SHT_SYMTAB", "SHT_STRTAB", "SHT_REL", "SHT_RELA", "SHT_NULL")


def meaning(content: bytes) -> dict[str, Any]:
    """Return the sections, symbols, relocations and notes of an ELF object."""
    elf = ELFFile(io.BytesIO(content))
    names = [section.name for section in elf.iter_sections()]
    result: dict[str, Any] = {
        "file": (elf.elfclass, elf["e_machine"], elf["e_type"], elf["e_flags"], elf["e_entry"]),
        "program headers": (elf["e_phoff"], elf["e_phnum"]),
        "sections": {},
        "symbols": [],
        "relocations": {},
        "notes": [],
    }
    for section in elf.iter_sections():
        # lld reads tables in place.
        assert section["sh_offset"] % (section["sh_addralign"] or 1) == 0, section.name
        if isinstance(section, SymbolTableSection):
            result["symbols"] = sorted(
                (
                    symbol.name,
                    symbol["st_info"]["type"],
                    symbol["st_info"]["bind"],
                    symbol["st_other"]["visibility"],
                    symbol["st_value"],
                    symbol["st_size"],
                    _section_name(names, symbol["st_shndx"]),
                )
                for symbol in section.iter_symbols()
            )
        elif isinstance(section, RelocationSection):
            symbols = elf.get_section(section["sh_link"])
            result["relocations"][names[section["sh_info"]]] = sorted(
                _relocation(entry, symbols, names, elf) for entry in section.iter_relocations()
            )
        elif section["sh_type"] not in _TABLES and section["sh_size"]:
            header = (section["sh_type"], section["sh_flags"], section["sh_addralign"])
            result["sections"][section.name] = (*header, section.data())
            if isinstance(section, NoteSection):
                result["notes"] += [
                    (n["n_namesz"], n["n_name"], n["n_descsz"], str(n["n_type"]), n["n_descdata"])
                    for n in section.iter_notes()
                ]
    return result


def _section_name(names: list[str], index: Any) -> str:
    return names[index] if isinstance(index, int) else str(index)


def _relocation(entry: Any, symbols: Any, names: list[str], elf: ELFFile) -> tuple[Any, ...]:
    symbol = symbols.get_symbol(entry["r_info_sym"])
    name = symbol.name or _section_name(names, symbol["st_shndx"])
    kind = entry["r_info_type"]
    if (elf.elfclass, kind, symbol["st_info"]["type"]) == (64, _R_X86_64_PC32, "STT_NOTYPE"):
        kind = _R_X86_64_PLT32
    addend = entry["r_addend"] if entry.is_RELA() else None
    return (entry["r_offset"], kind, name, addend)
