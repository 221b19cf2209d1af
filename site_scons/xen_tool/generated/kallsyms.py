# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write the table of an image's symbols as an object that is linked into that image.

The kernel's C code reads the table by these symbols in .rodata:

    extern const unsigned int kallsyms_num_syms;
    extern const unsigned long kallsyms_addresses[];       ascending
    extern const unsigned int kallsyms_name_offsets[];     the offset of each name in
    extern const char kallsyms_names[];                    NUL-terminated names

Adding the table changes the addresses that it lists, so an image is linked three times: with an
empty table; with the table of the first image, which has the final size; and with the table of the
second image, which has the final addresses.  The caller makes these steps.
"""

from __future__ import annotations

import struct

from ..elf import spec
from ..elf.objfile import ObjectFile, ObjectSection, ObjectSymbol
from ..errors import XenToolError
from ..files import open_regular
from ..image.data import Data
from ..image.elf import Elf
from ..image.symbols import symbols

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_KINDS = (spec.STT_NOTYPE, spec.STT_OBJECT, spec.STT_FUNC)
_LOCAL = (".L", "$")
"""Prefixes of the local symbols of compilers and assemblers."""
_OWN = "kallsyms_"
"""Prefix of the symbols of the table, which it does not list."""


def of_image(path: str, *, data: bool) -> list[tuple[int, str]]:
    """Return the addresses and names of an image's symbols in executable sections, in order.

    data: return those in all sections that are loaded.

    Raises XenToolError if the image cannot be read, is not an ELF file, or has no such symbols.
    """
    with Data.of_file(open_regular(path, "a linked image"), path) as content:
        elf = Elf(content)
        wanted = spec.SHF_ALLOC if data else spec.SHF_EXECINSTR
        sections = {s.number for s in elf.sections if s.sh_flags & wanted}
        found = {
            (symbol.value, symbol.name)
            for symbol in symbols(elf)
            if symbol.section in sections
            and symbol.type in _KINDS
            and not symbol.name.startswith((*_LOCAL, _OWN))
        }
    if not found:
        raise XenToolError(f"{path} has no symbols; link it without -s, --strip-all")
    return sorted(found)


def table(found: Iterable[tuple[int, str]], bits: int) -> bytes:
    """Return the object file with the table of addresses and names; bits: 32 or 64, its class."""
    found = list(found)
    width = bits // 8
    names = bytearray()
    offsets = []
    for _, name in found:
        offsets.append(len(names))
        names += name.encode() + b"\0"
    parts = {
        "num_syms": struct.pack("<I", len(found)),
        "addresses": b"".join(address.to_bytes(width, "little") for address, _ in found),
        "name_offsets": struct.pack(f"<{len(offsets)}I", *offsets),
        "names": bytes(names),
    }
    file = ObjectFile(bits)
    # Every table has the same section and symbols, so only contents and sizes differ.
    content = bytearray()
    for name, part in parts.items():
        content += bytes(-len(content) % width)
        symbol = ObjectSymbol(_OWN + name, ".rodata", len(content), len(part), spec.STT_OBJECT)
        file.symbols.append(symbol)
        content += part
    section = ObjectSection(".rodata", spec.SHT_PROGBITS, spec.SHF_ALLOC, width, bytes(content))
    file.sections.append(section)
    # Without this section, which compilers add as well, linkers assume executable stacks.
    file.sections.append(ObjectSection(".note.GNU-stack", spec.SHT_PROGBITS, 0, 1))
    return file.encode()
