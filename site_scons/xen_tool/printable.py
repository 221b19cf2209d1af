# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Make text that came from a file, or is the name of one, safe to show on a terminal.

The one helper for names of files, symbols, sections and owners, and for strings of an image:
none of them may move the cursor, break a line, or end in an error of encoding.
"""

from __future__ import annotations


def printable(text: bytes | str, keep: str = "") -> str:
    r"""Return text with each byte of what cannot be printed as \xNN, but what is in keep.

    Bytes are taken for UTF-8, and a name as Python has it of the system, with surrogates for
    bytes that are not.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    of_a_byte = 0xDC80 <= ord(character) <= 0xDCFF
    content = character.encode("utf-8", "surrogateescape" if of_a_byte else "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in content)
