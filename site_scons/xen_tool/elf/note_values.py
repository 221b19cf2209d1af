# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Parse the values of Xen's notes, as users write them, into descriptors.

Used by head/, for notes that a linker will complete, and by annotate/, for those of a linked image.
The syntax depends on the kind of the note (abi.NOTE_KINDS):

    text            printable ASCII; the descriptor ends with a NUL
    address         a number, or SYMBOL, or SYMBOL+NUMBER; as wide as a pointer of the kernel
    physical        the same, in 4 bytes; of a symbol, its physical address
    features        names with | between them, and ! before those that the kernel requires
    feature bits    the same names without !, or a number
    numbers         numbers with commas between them
    of any kind     text:WORDS  u32:N,N  u64:N,N  hex:BYTES  address:SYMBOL+N

Numbers are decimal, or 0x and hexadecimal digits.
Sources: Xen's public headers elfnote.h and features.h.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from ..abi import (
    LIBELF_FEATURES,
    NOTE_KINDS,
    PAGE_SIZE,
    NoteForm,
    NoteKind,
    XenElfNote,
    XenFeat,
)
from ..errors import XenToolError
from .note_encoding import Desc, Raw, Text, Words

_PREFIX = "XEN_ELFNOTE_"
_OTHER = NoteKind(NoteForm.TEXT)
"""The kind of notes that Xen's headers do not define."""
_PAGE_ALIGNED = (XenElfNote.VIRT_BASE, XenElfNote.INIT_P2M)
_MANY = range(1, 1 << 16)


class Resolve(Protocol):
    """A function that looks up the address of a symbol, or leaves it to a linker."""

    def __call__(self, note: str, symbol: str, offset: int, width: int, *, physical: bool) -> Desc:
        """Return the descriptor of a symbol's address plus an offset, in `width` bytes.

        note: the name of the note, for messages.  physical: whether the physical address of the
        symbol is wanted, not the virtual one.
        """


def note_type(name: str) -> XenElfNote | None:
    """Return the type of a note by its name, with or without XEN_ELFNOTE_, in any case."""
    return XenElfNote.__members__.get(name.upper().removeprefix(_PREFIX))


def text_of(name: str, n_type: XenElfNote | None, value: object) -> str:
    """Return the text that ValueParser parses for a Python value of a note.

    The value is a text, bytes, a number, a list of numbers, True, or None or False for no note.
    n_type: None for a note that Xen's headers do not define.

    Raises XenToolError for another Python type.
    """
    form = NOTE_KINDS[n_type].form if n_type is not None else None
    if value is None or value is False:
        return ""
    if value is True:
        return "yes" if form is NoteForm.TEXT else "1"
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray)):
        return f"hex:{bytes(value).hex()}"
    values = value if isinstance(value, (list, tuple)) else [value]
    numbers = [each for each in values if isinstance(each, int)]
    is_text = form in (NoteForm.TEXT, NoteForm.FEATURES)
    if is_text or not numbers or len(numbers) < len(values):
        rule = "a text, or bytes" if is_text else "a text, bytes, a number, or a list of numbers"
        raise XenToolError(f"note {name} is {value!r}: the rule is {rule}")
    text = ",".join(map(hex, numbers))
    return text if form is not None else f"u32:{text}"


class ValueParser:
    """Parses texts of the value of one note, for a kernel with pointers of `bits` bits."""

    def __init__(self, name: str, n_type: XenElfNote | None, bits: int, resolve: Resolve) -> None:
        self.name = name
        self.n_type = n_type
        self.kind = NOTE_KINDS[n_type] if n_type is not None else _OTHER
        self.bits = bits
        self.width = self.kind.width or bits // 8
        self.resolve = resolve

    def parse(self, text: str) -> Desc:
        """Return the descriptor for a text; raise XenToolError if the text breaks a rule."""
        form, colon, rest = text.partition(":")
        if colon and form in _FORMS:
            return _FORMS[form](self, rest)
        return _OF_KIND[self.kind.form](self, text)

    def error(self, text: str, rule: str) -> XenToolError:
        """Return the error that a text breaks a rule."""
        return XenToolError(f"note {self.name} is {text!r}: the rule is {rule}")

    def _text(self, text: str) -> Text:
        if not text.isascii() or not text.isprintable():
            raise self.error(text, "printable ASCII")
        return Text(text)

    def _features(self, text: str) -> Text:
        names = [name.removeprefix("!") for name in text.split("|")]
        if unknown := [name for name in names if name not in LIBELF_FEATURES]:
            raise self.error(
                text,
                f"names that Xen's libelf knows (F1), of which {unknown[0]!r} is none: "
                f"{', '.join(LIBELF_FEATURES)}; other bits go into SUPPORTED_FEATURES",
            )
        return Text(text)

    def _feature_bits(self, text: str) -> Words:
        if _is_numeric(text):
            return self._numbers(text)
        known = {name.lower(): feature for name, feature in XenFeat.__members__.items()}
        bits = XenFeat(0)
        for name in text.split("|"):
            if name not in known:
                raise self.error(
                    text, f"a number of 32 bits, or of {', '.join(known)}, a | between"
                )
            bits |= known[name]
        return Words(self.width, (int(bits),))

    def _address(self, text: str) -> Desc:
        if not _is_numeric(text):
            physical = self.kind.form is NoteForm.PHYSICAL
            return self._symbol(text, self.width, physical=physical)
        words = self._numbers(text)
        if self.n_type in _PAGE_ALIGNED:
            self._check_page(words.values[0], text)
        return words

    def _check_page(self, value: int, text: str) -> None:
        if value % PAGE_SIZE:
            raise self.error(text, f"a multiple of the page size, {PAGE_SIZE:#x} (X6)")
        if self.bits == 64 and (value >> 47) not in (0, (1 << 17) - 1):
            raise self.error(text, "a canonical address: its 17 highest bits are alike (D10)")

    def _symbol(self, text: str, width: int, *, physical: bool = False) -> Desc:
        name, plus, offset = text.partition("+")
        more = number(offset) if plus else 0
        if more is None:
            raise self.error(text, "SYMBOL, or SYMBOL+NUMBER")
        return self.resolve(self.name, name.strip(), more, width, physical=physical)

    def _numbers(self, text: str) -> Words:
        return self._words(text, self.width, self.kind.counts)

    def _words(self, text: str, width: int, counts: range = _MANY) -> Words:
        values = [number(word) for word in text.split(",")]
        numbers = tuple(value for value in values if value is not None)
        is_number = len(numbers) == len(values) and not any(n >> 8 * width for n in numbers)
        if not is_number or len(numbers) not in counts:
            raise self.error(text, f"{_many(counts)} of {8 * width} bits, such as 0x1000")
        return Words(width, numbers)

    def _raw(self, text: str) -> Raw:
        try:
            return Raw(bytes.fromhex(text))
        except ValueError:
            raise self.error(text, "two hexadecimal digits for each byte") from None

    def _pointer(self, text: str) -> Desc:
        return self._symbol(text, self.bits // 8)


_Form = Callable[[ValueParser, str], Desc]
_FORMS: dict[str, _Form] = {
    "text": ValueParser._text,
    "u32": lambda parser, text: parser._words(text, 4),
    "u64": lambda parser, text: parser._words(text, 8),
    "hex": ValueParser._raw,
    "address": ValueParser._pointer,
}
"""Parsers of FORM:VALUE, which any note can have."""
_OF_KIND: dict[NoteForm, _Form] = {
    NoteForm.TEXT: ValueParser._text,
    NoteForm.FEATURES: ValueParser._features,
    NoteForm.FEATURE_BITS: ValueParser._feature_bits,
    NoteForm.ADDRESS: ValueParser._address,
    NoteForm.PHYSICAL: ValueParser._address,
    NoteForm.NUMBERS: ValueParser._numbers,
}


def _is_numeric(text: str) -> bool:
    """Whether a text is meant as a number: no symbol begins with these characters."""
    return text[:1] in tuple("0123456789-")


def _many(counts: range) -> str:
    if counts == range(1, 2):
        return "a number"
    if counts.step == 2:
        return "pairs of numbers"
    return "numbers" if counts == _MANY else f"up to {counts[-1]} numbers"


def number(text: str) -> int | None:
    """Return the number that a text is: 0x and hexadecimal digits, or 1 to 20 decimal digits.

    Return None for another text, such as one with a sign, or a leading 0: octal in C.
    """
    if not re.fullmatch(r"\s*(0[xX][0-9a-fA-F]+|[1-9][0-9]{0,19}|0)\s*", text, re.ASCII):
        return None
    return int(text, 0)
