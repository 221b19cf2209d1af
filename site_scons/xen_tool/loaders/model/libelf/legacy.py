# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Parse the string in the section __xen_guest, which kernels had before notes: "K=V,K=V,...".

It is split as elf_xen_parse_guest_info (xen/common/libelf/libelf-dominfo.c) does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....image.data import Data
from ....image.elf import ADDRESS_MASK

SECTION = "__xen_guest"

_NAME_SIZE = 31
_VALUE_SIZE = 127

# libelf reads up to the NUL, however far; no real string is as long as this.
_LIMIT = 1 << 16

_NUMBER = re.compile(rb"0[xX](?P<hex>[0-9a-fA-F]+)|0(?P<octal>[0-7]*)|(?P<decimal>[0-9]+)")


def guest_info(data: Data, offset: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of the string at offset, in order.

    Blanks are part of keys and values.  The characters of a key after the 31st, or of a value
    after the 127th, are a new key.
    """
    text = data.read(offset, _LIMIT).partition(b"\0")[0]
    position = 0
    while position < len(text):
        name = re.split(b"[,=]", text[position : position + _NAME_SIZE], maxsplit=1)[0]
        position += len(name)
        separator = text[position : position + 1] if len(name) < _NAME_SIZE else b""
        position += len(separator)
        value = b""
        if separator == b"=":
            value = text[position : position + _VALUE_SIZE].partition(b",")[0]
            position += len(value)
            if len(value) < _VALUE_SIZE:
                position += 1
        yield name, value


def number(text: bytes) -> int:
    """Return the number at the start of text; 0 if there is none.

    simple_strtoull (xen/common/lib/strtoull.c) reads it, with base 0.
    """
    match = _NUMBER.match(text)
    if match is None:
        return 0
    if match["hex"]:
        return int(match["hex"], 16) & ADDRESS_MASK
    if match["octal"] is not None:
        return int(match["octal"] or b"0", 8) & ADDRESS_MASK
    return int(match["decimal"]) & ADDRESS_MASK
