# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Whether an image defines a symbol, without a look at more of the table than it takes.

For a rule about one name: reports that show symbols have LIEF.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...elf import spec
from ...image.elf import Elf, Section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

_PIECE = 1 << 20
_LIMIT = 64 << 20
"""Of names, and of symbols, that are looked at; larger than those of any kernel."""


def defines(elf: Elf, name: str) -> bool:
    """Whether .symtab has a symbol of that name that is not undefined."""
    for section in elf.sections:
        if section.sh_type == spec.SHT_SYMTAB and section.sh_link < len(elf.sections):
            strings = elf.sections[section.sh_link]
            wanted = name.encode() + b"\0"
            names = set(_offsets(elf, strings.sh_offset, strings.sh_size, wanted))
            return bool(names) and any(
                st_name in names and st_shndx != spec.SHN_UNDEF
                for st_name, st_shndx in _symbols(elf, section)
            )
    return False


def _offsets(elf: Elf, start: int, size: int, wanted: bytes) -> Iterator[int]:
    """Where wanted is among the names, which share their tails."""
    size = min(size, _LIMIT, elf.data.size)
    for piece in range(0, size, _PIECE):
        text = elf.data.read(start + piece, min(_PIECE + len(wanted) - 1, size - piece))
        found = text.find(wanted)
        while found >= 0:
            yield piece + found
            found = text.find(wanted, found + 1)


def _symbols(elf: Elf, section: Section) -> Iterator[tuple[int, int]]:
    """st_name and st_shndx of each."""
    entry = spec.SYM_SIZE[elf.bits]
    order: Literal["little", "big"] = "big" if elf.big else "little"
    shndx = 6 if elf.bits == 64 else 14
    size = min(section.sh_size, _LIMIT, elf.data.size) // entry * entry
    step = _PIECE // entry * entry
    for piece in range(0, size, step):
        content = elf.data.read(section.sh_offset + piece, min(step, size - piece))
        for at in range(0, len(content) - entry + 1, entry):
            st_name = int.from_bytes(content[at : at + 4], order)
            yield st_name, int.from_bytes(content[at + shndx : at + shndx + 2], order)
