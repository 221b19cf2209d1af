# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Encode ELF notes: from the values of descriptors to the bytes of a note section.

A note is three 32-bit words n_namesz, n_descsz, n_type in both ELF classes,
then the owner's name and the descriptor, each padded to 4 (gABI, "Note
Section"; Xen's libelf reads them so whatever p_align says).  Used by the head
object; a descriptor keeps its value, so that head/gas.py can write it in the
syntax of GNU as.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """A descriptor of ASCII text; nul: whether a NUL ends it."""

    text: str
    nul: bool = True

    def encode(self) -> bytes:
        """Return the bytes of the descriptor, n_descsz of them."""
        return self.text.encode("ascii") + b"\0" * self.nul


@dataclass(frozen=True)
class Words:
    """A descriptor of little-endian integers of `width` bytes each."""

    width: int
    values: tuple[int, ...]

    def encode(self) -> bytes:
        """Return the bytes of the descriptor, n_descsz of them."""
        return b"".join(value.to_bytes(self.width, "little") for value in self.values)


@dataclass(frozen=True)
class Address:
    """A descriptor with the address of symbol + addend, in 4 or 8 bytes that a linker fills."""

    width: int
    symbol: str
    addend: int = 0

    def encode(self) -> bytes:
        """Return the bytes of the descriptor before the relocation: zeros."""
        return bytes(self.width)


@dataclass(frozen=True)
class Raw:
    """A descriptor of raw bytes."""

    data: bytes

    def encode(self) -> bytes:
        """Return the bytes of the descriptor, n_descsz of them."""
        return self.data


Desc = Text | Words | Address | Raw


@dataclass(frozen=True)
class Note:
    """A note: owner, type and descriptor."""

    owner: str
    type: int
    desc: Desc


def encode(notes: Sequence[Note]) -> tuple[bytes, list[tuple[int, Address]]]:
    """Return the bytes of the note section, and the addresses in it with their offsets."""
    data = bytearray()
    addresses = []
    for note in notes:
        name = note.owner.encode("ascii") + b"\0"
        desc = note.desc.encode()
        data += struct.pack("<3I", len(name), len(desc), note.type) + _pad(name)
        if isinstance(note.desc, Address):
            addresses.append((len(data), note.desc))
        data += _pad(desc)
    return bytes(data), addresses


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
