# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Parse the notes that a kernel changes, drops or adds, from texts to descriptors.

A note is given as a text NAME=VALUE; an empty value leaves the note out.  NAME is one of
XEN_ELFNOTE_* (GUEST_OS), a number for another type of owner Xen, or OWNER:TYPE.  elf/note_values
describes VALUE.
"""

from __future__ import annotations

from collections.abc import Mapping

from .. import abi
from ..abi import Arch, XenElfNote
from ..elf import note_values
from ..elf.note_encoding import Address, Desc
from ..errors import XenToolError, meant
from . import head_names

Changes = Mapping[tuple[str, int], Desc | None]
"""Descriptors by owner and n_type; None leaves the note out."""


def parse(texts: Mapping[str, str], arch: Arch, virt_base: int) -> Changes:
    """Return the descriptors for texts of notes by name; None for an empty text.

    virt_base: the virtual address of physical address 0.

    Raises XenToolError for an invalid name or value.
    """

    def relocated(note: str, symbol: str, offset: int, width: int, *, physical: bool) -> Address:
        if physical:
            offset += physical_offset(virt_base, arch.bits)
        return Address(width, head_names.symbol(symbol, f"note {note}"), offset)

    def desc(name: str, text: str) -> Desc | None:
        if not text:
            return None
        return note_values.ValueParser(name, known_type(name), arch.bits, relocated).parse(text)

    return {identify(name): desc(name, text) for name, text in texts.items()}


def identify(name: str) -> tuple[str, int]:
    """Return the owner and n_type of a note, by its name.

    Raises XenToolError for an invalid name.
    """
    known = note_values.note_type(name)
    if known is not None:
        return abi.NOTE_OWNER, known.value
    owner, colon, number = name.rpartition(":")
    n_type = note_values.number(number)
    is_owner = owner.isascii() and owner.isprintable() and owner and "=" not in owner
    if n_type is None or n_type >= 1 << 32 or (colon and not is_owner):
        known_names = XenElfNote.__members__
        raise XenToolError(
            f"{name!r} names no note{meant(name.upper(), known_names)}: the rule is one of "
            f"{', '.join(known_names)}; or a number of 32 bits; or OWNER:NUMBER"
        )
    return owner or abi.NOTE_OWNER, n_type


def known_type(name: str) -> XenElfNote | None:
    """Return the type of a note by name or number, if Xen's headers define it.

    Raises XenToolError for an invalid name.
    """
    owner, n_type = identify(name)
    is_known = owner == abi.NOTE_OWNER and n_type in set(XenElfNote)
    return XenElfNote(n_type) if is_known else None


def canonical(name: str) -> str:
    """Return the canonical name of a note, which may be given by name or number.

    Raises XenToolError for an invalid name.
    """
    known = known_type(name)
    if known is not None:
        return known.name
    owner, n_type = identify(name)
    return f"{owner}:{n_type}"


def physical_offset(virt_base: int, bits: int) -> int:
    """Return the number to add to a virtual address for its physical one, modulo 2 ** bits."""
    return -virt_base % (1 << bits)
