# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The symbols of an ELF file: the entries of its .symtab, as they stand there."""

from __future__ import annotations

import struct

from ..elf import spec
from ..light import NamedTuple
from .elf import Elf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_LAYOUT = {32: "IIIBBH", 64: "IBBHQQ"}


class Symbol(NamedTuple):
    """An entry; value is an address in a linked image, size is in bytes."""

    name: str
    value: int
    size: int
    type: int
    """STT_*."""
    binding: int
    """STB_*."""
    section: int
    """Number of the section that it is defined in, or SHN_*."""


def symbols(elf: Elf) -> Iterator[Symbol]:
    """Yield all symbols in the file's order, those without a name left out."""
    for table in elf.sections:
        if table.sh_type != spec.SHT_SYMTAB or table.sh_link >= len(elf.sections):
            continue
        strings = elf.sections[table.sh_link]
        names = elf.data.read(strings.sh_offset, strings.sh_size)
        layout = (">" if elf.big else "<") + _LAYOUT[elf.bits]
        size = struct.calcsize(layout)
        content = elf.data.read(table.sh_offset, table.sh_size)
        for fields in struct.iter_unpack(layout, content[: len(content) // size * size]):
            if elf.bits == 64:
                st_name, st_info, _, st_shndx, st_value, st_size = fields
            else:
                st_name, st_value, st_size, st_info, _, st_shndx = fields
            end = names.find(b"\0", st_name)
            name = names[st_name : end if end >= 0 else len(names)]
            if name:
                yield Symbol(
                    name.decode(errors="backslashreplace"),
                    st_value,
                    st_size,
                    st_info & 15,
                    st_info >> 4,
                    st_shndx,
                )
