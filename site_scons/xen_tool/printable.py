# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Make text from a file, or the name of a file, safe to print on a terminal.

Used for names of files, symbols, sections and owners, and for strings of an image: none of them
may move the cursor, break a line, or cause an encoding error.
"""

from __future__ import annotations


def printable(text: bytes | str, keep: str = "") -> str:
    r"""Return text with each byte of unprintable characters as \xNN, except those in keep.

    Bytes are decoded as UTF-8; a str may have surrogates for undecodable bytes, as Python's names
    of files do.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    if text.isprintable():
        return text
    # Images have long texts of few characters.
    escaped = (c for c in set(text) if not (c.isprintable() or c in keep))
    return text.translate({ord(c): _escaped(c) for c in escaped})


def _escaped(character: str) -> str:
    of_a_byte = 0xDC80 <= ord(character) <= 0xDCFF
    content = character.encode("utf-8", "surrogateescape" if of_a_byte else "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in content)
