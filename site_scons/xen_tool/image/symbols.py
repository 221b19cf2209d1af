# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The symbols of an ELF file's .symtab, of any size, without what is broken in it.

Used to name the places of a crash, and to find the address that a symbol's name stands for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ..elf import spec
from ..light import NamedTuple
from .elf import Elf

_LIMIT = 64 << 20
"""Of symbols, and of names; larger than those of any kernel."""


class Symbol(NamedTuple):
    """A symbol that is defined; the fields are those of Elf32_Sym and Elf64_Sym."""

    st_name: str
    st_value: int
    st_shndx: int
    kind: int
    """STT_*"""
    binding: int
    """STB_*"""


def symbols(elf: Elf) -> Iterator[Symbol]:
    """The symbols that have a name and are not undefined."""
    layout = ("<IBBHQQ" if elf.bits == 64 else "<IIIBBH").replace("<", ">" if elf.big else "<")
    size = struct.calcsize(layout)
    for section in elf.sections:
        if section.sh_type != spec.SHT_SYMTAB or section.sh_link >= len(elf.sections):
            continue
        strings = elf.sections[section.sh_link]
        names = elf.data.read(strings.sh_offset, min(strings.sh_size, _LIMIT))
        content = elf.data.read(section.sh_offset, min(section.sh_size, _LIMIT))
        for fields in struct.iter_unpack(layout, content[: len(content) // size * size]):
            if elf.bits == 64:
                st_name, st_info, _, st_shndx, st_value, _ = fields
            else:
                st_name, st_value, _, st_info, _, st_shndx = fields
            name = names[st_name : max(names.find(b"\0", st_name), st_name)]
            if name and st_shndx != spec.SHN_UNDEF:
                text = name.decode(errors="replace")
                yield Symbol(text, st_value, st_shndx, st_info & 15, st_info >> 4)
