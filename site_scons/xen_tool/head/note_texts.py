# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Parse the notes that a kernel changes, drops or adds, from texts to descriptors.

A note is given as a text NAME=VALUE; an empty value leaves the note out.  NAME is one of
XEN_ELFNOTE_* (GUEST_OS), a number for another type of owner Xen, or OWNER:TYPE.  The form of
VALUE depends on the note:

    strings                 ends with a NUL            GUEST_OS=mine
    addresses, sizes        a number, or SYMBOL, or SYMBOL+NUMBER; as wide as a pointer
    FEATURES                names, a | between, ! before those that are required
    SUPPORTED_FEATURES      the same names, or a number
    other numbers           32 bits each, a comma between; L1_MFN_VALID: 64 bits
    any, and all others     text:WORDS  u32:N,N  u64:N,N  hex:BYTES  address:SYMBOL+N

Sources: Xen's public headers elfnote.h and features.h; Linux v4.17 xen-head.S.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .. import abi
from ..abi import Arch, XenElfNote, XenFeat
from ..elf.note_encoding import Address, Desc, Raw, Text, Words
from ..errors import XenToolError
from .names import symbol

Changes = Mapping[tuple[str, int], Desc | None]
"""Descriptors by owner and n_type; None leaves the note out."""

FEATURES = Text("!writable_page_tables|pae_pgdir_above_4gb", nul=False)
"""Linux's value, written by .ascii: it has no NUL, but the padding serves as one."""

_TEXTS = ("GUEST_OS", "GUEST_VERSION", "XEN_VERSION", "LOADER", "PAE_MODE", "BSD_SYMTAB")
_POINTERS = tuple(note.name for note in abi.POINTER_NOTES)
_NUMBERS = {note.name: most for note, most in abi.WORD_NOTES.items()}
"""Notes of 32-bit words, each with the largest number of words."""


def parse(texts: Mapping[str, str], arch: Arch, virt_base: int) -> Changes:
    """Parse the texts of notes, by name.

    virt_base: the difference between virtual and physical addresses.

    Raises XenToolError for an invalid name or value.
    """
    return {
        identify(name): _desc(_Given(name, arch, virt_base), text) if text else None
        for name, text in texts.items()
    }


def identify(name: str) -> tuple[str, int]:
    """Return the owner and n_type of a note, by its name.

    Raises XenToolError for an invalid name.
    """
    owner, colon, number = name.rpartition(":")
    if not colon and name in XenElfNote.__members__:
        return abi.NOTE_OWNER, XenElfNote[name].value
    n_type = _number(number)
    is_owner = owner.isascii() and owner.isprintable() and owner and "=" not in owner
    if n_type is None or n_type >= 1 << 32 or (colon and not is_owner):
        raise XenToolError(
            f"{name!r} names no note: the rule is one of {', '.join(XenElfNote.__members__)}; "
            "or a number of 32 bits; or OWNER:NUMBER"
        )
    return owner or abi.NOTE_OWNER, n_type


def canonical(name: str) -> str:
    """Return the canonical name of a note, which may be given by name or number.

    Raises XenToolError for an invalid name.
    """
    owner, n_type = identify(name)
    return _known(name) or f"{owner}:{n_type}"


def physical(virt_base: int, bits: int) -> int:
    """Return the number to add to a linked address for its physical address."""
    return -virt_base % (1 << bits)


def text_of(name: str, value: object) -> str:
    """Return the text of a Python value: text, bytes, a number, a list of numbers, or None.

    Raises XenToolError for another type.
    """
    is_text = _known(name) in _TEXTS
    if value is None or value is False:
        return ""
    if value is True:
        return "yes" if is_text else "1"
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray)):
        return f"hex:{bytes(value).hex()}"
    given = value if isinstance(value, (list, tuple)) else [value]
    numbers = [number for number in given if isinstance(number, int)]
    if not numbers or len(numbers) < len(given):
        raise XenToolError(
            f"note {name} is {value!r}: the rule is a text, bytes, a number, a list of numbers, "
            "or None, which leaves it out"
        )
    text = ",".join(hex(number) for number in numbers)
    return text if _known(name) not in ("", *_TEXTS, "FEATURES") else f"u32:{text}"


def _known(name: str) -> str:
    """Return the name of a note in Xen's headers; "" for another note."""
    owner, n_type = identify(name)
    is_xen = owner == abi.NOTE_OWNER and n_type in set(XenElfNote)
    return XenElfNote(n_type).name if is_xen and n_type != XenElfNote.INFO else ""


class _Given:
    """The note whose value is parsed, and the kernel that it is for."""

    def __init__(self, name: str, arch: Arch, virt_base: int) -> None:
        self.name = name
        self.known = _known(name)
        self.arch = arch
        self.virt_base = virt_base

    def wrong(self, text: str, rule: str) -> XenToolError:
        return XenToolError(f"note {self.name} is {text!r}: the rule is {rule}")

    def words(self, text: str, width: int, most: int = 1 << 20) -> Words:
        """Parse numbers of `width` bytes each, `most` of them at most."""
        values = [_number(word) for word in text.split(",")]
        numbers = tuple(value for value in values if value is not None)
        if len(numbers) < len(values) or any(n >> 8 * width for n in numbers) or len(values) > most:
            many = "a number" if most == 1 else f"up to {most} numbers" if most < 9 else "numbers"
            raise self.wrong(text, f"{many} of {8 * width} bits, such as 0x1000")
        return Words(width, numbers)

    def address(self, text: str, width: int, addend: int = 0) -> Address:
        name, _, offset = text.partition("+")
        more = _number(offset) if offset else 0
        if more is None:
            raise self.wrong(text, "SYMBOL, or SYMBOL+NUMBER")
        return Address(width, symbol(name.strip(), f"note {self.name}"), addend + more)

    def pointer(self, text: str) -> Desc:
        width = self.arch.pointer_size
        if not text[0].isdigit():
            return self.address(text, width)
        words = self.words(text, width, 1)
        if self.known in ("VIRT_BASE", "INIT_P2M"):
            self.canonical(words.values[0], text)
        return words

    def canonical(self, value: int, text: str) -> None:
        if value % abi.PAGE_SIZE:
            raise self.wrong(text, "a multiple of the page size, 0x1000 (X6)")
        if self.arch.bits == 64 and (value >> 47) not in (0, (1 << 17) - 1):
            raise self.wrong(text, "a canonical address: its 17 highest bits are alike (D10)")

    def features(self, text: str) -> Text:
        """Parse FEATURES; add the NUL up to which Xen reads, unless the text is Linux's."""
        names = [name.removeprefix("!") for name in text.split("|")]
        if unknown := [name for name in names if name not in abi.LIBELF_FEATURES]:
            raise self.wrong(
                text,
                f"names that Xen's libelf knows (F1), of which {unknown[0]!r} is none: "
                f"{', '.join(abi.LIBELF_FEATURES)}; other bits go into SUPPORTED_FEATURES",
            )
        return FEATURES if text == FEATURES.text else Text(text)

    def supported(self, text: str) -> Words:
        if text[0].isdigit():
            return self.words(text, 4, 1)
        known = {name.lower(): feature for name, feature in XenFeat.__members__.items()}
        bits = XenFeat(0)
        for name in text.split("|"):
            if name not in known:
                raise self.wrong(
                    text, f"a number of 32 bits, or of {', '.join(known)}, a | between"
                )
            bits |= known[name]
        return Words(4, (int(bits),))

    def text(self, text: str) -> Text:
        if not text.isascii() or not text.isprintable():
            raise self.wrong(text, "printable ASCII")
        return Text(text)

    def raw(self, text: str) -> Raw:
        try:
            return Raw(bytes.fromhex(text))
        except ValueError:
            raise self.wrong(text, "two hexadecimal digits for each byte") from None


_FORMS: dict[str, Callable[[_Given, str], Desc]] = {
    "text": _Given.text,
    "u32": lambda given, text: given.words(text, 4),
    "u64": lambda given, text: given.words(text, 8),
    "hex": _Given.raw,
    "address": lambda given, text: given.address(text, given.arch.pointer_size),
}
"""Parsers of the forms FORM:VALUE, which any note can have."""


def _desc(given: _Given, text: str) -> Desc:
    form, colon, rest = text.partition(":")
    if colon and form in _FORMS:
        return _FORMS[form](given, rest)
    name = given.known
    if name in _POINTERS:
        return given.pointer(text)
    if name == "PHYS32_ENTRY":
        if text[0].isdigit():
            return given.words(text, 4, 1)
        return given.address(text, 4, physical(given.virt_base, given.arch.bits))
    if name == "FEATURES":
        return given.features(text)
    if name == "SUPPORTED_FEATURES":
        return given.supported(text)
    if name == "L1_MFN_VALID":
        return given.words(text, 8)
    if name in _NUMBERS:
        return given.words(text, 4, _NUMBERS[name])
    return given.text(text)


def _number(text: str) -> int | None:
    """Parse a number as C writes it, 0 or more; return None for another text."""
    if not re.fullmatch(r"\s*(0[xX][0-9a-fA-F]+|[1-9][0-9]*|0)\s*", text, re.ASCII):
        return None
    return int(text, 0)
