# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Describe places in an image for findings: what is there, its value, and its offset.

Offsets are in the file or, if the image is compressed, in the unwrapped ELF file.
"""

from __future__ import annotations

from ...abi import XenElfNote
from ...elf import spec
from ...image.elf import Segment
from ...image.notes import FoundNote
from ...printable import printable
from .candidate import Candidate
from .libelf.parms import NUMBERS, TEXTS

_EHDR_OFFSETS = {
    "e_type": (16, 16),
    "e_machine": (18, 18),
    "e_entry": (24, 24),
    "e_phoff": (28, 32),
    "e_shoff": (32, 40),
    "e_flags": (36, 48),
    "e_phentsize": (42, 54),
    "e_phnum": (44, 56),
    "e_shentsize": (46, 58),
    "e_shnum": (48, 60),
    "e_shstrndx": (50, 62),
}
"""Offsets of fields of the ELF header, in ELF32 and ELF64."""


_LONGEST = 256
"""The most characters of a text that a message shows."""


def name(n_type: int) -> str:
    """Return the name of a note's type; its number if Xen has no such type."""
    return XenElfNote(n_type).name if n_type in XenElfNote._value2member_map_ else f"{n_type:#x}"


def value(note: FoundNote) -> int | str:
    """Return a note's value as libelf reads it: a number, a printable text, or digits of bytes.

    A text is complete; of bytes, the first 16 are shown.
    """
    if note.n_type in NUMBERS:
        return note.numeric()
    if note.n_type in TEXTS:
        text = note.string()
        return "unreadable" if text is None else printable(text)
    return digits(note.desc)


def digits(content: bytes) -> str:
    """Return the first 16 bytes in hexadecimal digits."""
    return content[:16].hex(" ") + " ..." * (len(content) > 16)


def shown(note: FoundNote) -> str:
    """Return the value of a note for a message: a text is quoted, and may be cut."""
    found = value(note)
    if isinstance(found, int):
        return f"{found:#x}"
    is_text = note.n_type in TEXTS and note.string() is not None
    return quoted(found) if is_text else found


def quoted(text: str) -> str:
    """Return a text in quotes, cut if it is long."""
    return f'"{text}"' if len(text) <= _LONGEST else f'"{text[:_LONGEST]}"...'


def at(candidate: Candidate, offset: int) -> str:
    """Describe an offset, in the file or in the unwrapped ELF file."""
    what = "file" if candidate.data is candidate.kernel.file else "unwrapped ELF"
    return f"at offset {offset:#x} of the {what}"


def note(candidate: Candidate, found: FoundNote) -> str:
    """Describe a note: its type, value and place."""
    place = at(candidate, found.offset)
    if not found.is_xen:
        return f'note {found.n_type:#x} of owner "{printable((found.owner or b"")[:64])}" {place}'
    return f"note {name(found.n_type)} = {shown(found)} {place}"


def of_type(candidate: Candidate, *n_types: XenElfNote) -> str:
    """Describe the notes of these types that libelf uses, or say that they are absent.

    Describe the string __xen_guest instead if libelf reads that.
    """
    if candidate.parms.guest_info is not None:
        return _guest_string(candidate, candidate.parms.guest_info)
    return "; ".join(
        f"no note {n_type.name}" if found is None else note(candidate, found)
        for n_type, found in ((n_type, candidate.note(n_type)) for n_type in n_types)
    )


def segment(candidate: Candidate, found: Segment, *fields: str) -> str:
    """Describe a program header and some of its fields."""
    kind = spec.PT_NAMES.get(found.p_type, f"p_type {found.p_type:#x}")
    values = ", ".join(f"{field} = {getattr(found, field):#x}" for field in fields)
    return f"program header {found.number} ({kind}, {values}) {at(candidate, found.offset)}"


def offset_of(candidate: Candidate, field: str) -> int:
    """Return the offset of a field of the ELF header."""
    return _EHDR_OFFSETS[field][candidate.elf.bits == 64]


def header(candidate: Candidate, *fields: str) -> str:
    """Describe fields of the ELF header."""
    return ", ".join(
        f"{field} = {getattr(candidate.elf, field):#x} {at(candidate, offset_of(candidate, field))}"
        for field in fields
    )


def _guest_string(candidate: Candidate, offset: int) -> str:
    text = candidate.data.string(offset) or b""
    return f"__xen_guest {quoted(printable(text))} {at(candidate, offset)}"
