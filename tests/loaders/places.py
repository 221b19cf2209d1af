# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compare the line `at:` of a finding with the image: fields, headers and notes, with their values.

The layouts are those of elf(5), and values are read from the bytes of the image.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from xen_tool.abi import XenElfNote
from xen_tool.printable import printable

# The offset and size of each field, in ELF32 and in ELF64.
_HEADER = {
    "EI_CLASS": ((4, 1), (4, 1)),
    "EI_DATA": ((5, 1), (5, 1)),
    "e_type": ((16, 2), (16, 2)),
    "e_machine": ((18, 2), (18, 2)),
    "e_version": ((20, 4), (20, 4)),
    "e_entry": ((24, 4), (24, 8)),
    "e_phoff": ((28, 4), (32, 8)),
    "e_shoff": ((32, 4), (40, 8)),
    "e_flags": ((36, 4), (48, 4)),
    "e_ehsize": ((40, 2), (52, 2)),
    "e_phentsize": ((42, 2), (54, 2)),
    "e_phnum": ((44, 2), (56, 2)),
    "e_shentsize": ((46, 2), (58, 2)),
    "e_shnum": ((48, 2), (60, 2)),
    "e_shstrndx": ((50, 2), (62, 2)),
}
_SEGMENT = {
    "p_type": ((0, 4), (0, 4)),
    "p_offset": ((4, 4), (8, 8)),
    "p_vaddr": ((8, 4), (16, 8)),
    "p_paddr": ((12, 4), (24, 8)),
    "p_filesz": ((16, 4), (32, 8)),
    "p_memsz": ((20, 4), (40, 8)),
    "p_flags": ((24, 4), (4, 4)),
    "p_align": ((28, 4), (48, 8)),
}
_TYPES = {"PT_LOAD": 1, "PT_DYNAMIC": 2, "PT_INTERP": 3, "PT_NOTE": 4, "PT_PHDR": 6}
_FIELD = re.compile(r"\b(e_\w+|EI_\w+) = (0x\w+) at offset (0x\w+) of the file")
_HEADERS = re.compile(r"program header (\d+) \((\w+), ([^)]*)\) at offset (0x\w+) of the file")
_NOTE = re.compile(r'note (\w+) = ("[^"]*"|0x\w+) at offset (0x\w+) of the file')
_WORD = re.compile(r"last word = (0x\w+) at offset (0x\w+) of the file")


def _number(image: bytes, offset: int, size: int) -> int:
    return int.from_bytes(image[offset : offset + size], "big" if image[5:6] == b"\2" else "little")


def _shown(image: bytes, start: int, size: int) -> tuple[str, str]:
    """Return a note's value as a text, which loaders read up to a NUL, and as a number."""
    text = printable(image[start:].partition(b"\0")[0])
    # Xen reads 0 from a number of another size.
    return f'"{text}"', hex(_number(image, start, size) if size in (1, 2, 4, 8) else 0)


def wrong(image: bytes, where: str) -> Iterator[str]:
    """Yield the statements of a text after `at:` that are not true of the image.

    where: the text, such as `e_machine = 0x28 at offset 0x12 of the file`.
    """
    wide = image[4:5] != b"\1"
    for name, value, offset in _FIELD.findall(where):
        at, size = _HEADER[name][wide]
        # Some loaders read a big-endian file as a little-endian one.
        numbers = _number(image, at, size), int.from_bytes(image[at : at + size], "little")
        if int(offset, 16) != at or int(value, 16) not in numbers:
            yield f"{name} = {value} at {offset}"
    for number, kind, fields, offset in _HEADERS.findall(where):
        table, size = _number(image, *_HEADER["e_phoff"][wide]), 56 if wide else 32
        if int(offset, 16) != table + int(number) * size:
            yield f"header {number} at {offset}"
        facts = dict(re.findall(r"(\w+) = (0x\w+)", fields))
        for name, value in {"p_type": hex(_TYPES[kind]), **facts}.items():
            at, size = _SEGMENT[name][wide]
            if int(value, 16) != _number(image, int(offset, 16) + at, size):
                yield f"{name} = {value} of header {number}"
    for name, value, offset in _NOTE.findall(where):
        at = int(offset, 16)
        name_size, desc_size, kind = (_number(image, at + 4 * n, 4) for n in range(3))
        # QEMU pads the name to p_align.
        starts = {at + 12 + -(-name_size // padding) * padding for padding in (4, 8)}
        if kind != XenElfNote[name] or value not in {
            shown for start in starts for shown in _shown(image, start, desc_size)
        }:
            yield f"note {name} = {value} at {offset}"
    for value, offset in _WORD.findall(where):
        if int(value, 16) != int.from_bytes(image[int(offset, 16) :][:4], "little"):
            yield f"last word = {value} at {offset}"
