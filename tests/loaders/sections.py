# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""More sections for an Image, such as symbols and relocations; ELF64, and none is loaded."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from loaders.images import Image
from xen_tool.elf import spec


@dataclass(frozen=True)
class Extra:
    """A section with its bytes; link and info are numbers of sections, from 1 on."""

    name: str
    sh_type: int
    data: bytes
    sh_flags: int = 0
    sh_link: int = 0
    sh_info: int = 0


def with_sections(image: Image, *extras: Extra) -> bytes:
    """Return the image with these sections and .shstrtab, in place of its own sections."""
    body = bytearray(bytes(replace(image, sections=False)))
    names = b"\0"
    headers = [bytes(64)]
    strings = Extra(".shstrtab", spec.SHT_STRTAB, b"")
    all_names = b"\0" + b"".join(s.name.encode() + b"\0" for s in (*extras, strings))
    for section in (*extras, replace(strings, data=all_names)):
        body += bytes(-len(body) % 8)
        header = struct.pack(
            "<IIQQQQIIQQ",
            *(len(names), section.sh_type, section.sh_flags, 0, len(body), len(section.data)),
            *(section.sh_link, section.sh_info, 1, 0),
        )
        headers.append(header)
        names += section.name.encode() + b"\0"
        body += section.data
    body += bytes(-len(body) % 8)
    struct.pack_into("<Q", body, 40, len(body))
    struct.pack_into("<HHH", body, 58, 64, len(headers), len(headers) - 1)
    return bytes(body) + b"".join(headers)


def symbols(*names: str) -> tuple[Extra, Extra]:
    """.symtab and .strtab as the first two sections; each symbol is defined."""
    table = struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)
    strings = b"\0"
    for name in names:
        table += struct.pack("<IBBHQQ", len(strings), 0x10, 0, 1, 0, 0)
        strings += name.encode() + b"\0"
    return (
        Extra(".symtab", spec.SHT_SYMTAB, table, sh_link=2),
        Extra(".strtab", spec.SHT_STRTAB, strings),
    )
