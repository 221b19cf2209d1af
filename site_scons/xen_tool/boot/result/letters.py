# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Replace letters of other scripts that look like those of FAIL by these.

The shapes are those of Unicode's confusables.txt (UTS #39) and of compatibility characters, such as
full-width, mathematical or circled ones.
"""

from __future__ import annotations

import re
import unicodedata

_SHAPES = {
    "A": "\u0391\u0410\u13aa\u15c5\ua4ee",  # Greek, Cyrillic, Cherokee, Canadian, Lisu
    "F": "\u03dc\u15b4\ua4dd\ua798",
    "I": "\u0196\u01c0\u0399\u0406\u04c0\u07ca\u16c1\u2d4f\ua4f2",
    "L": "\u13de\u14aa\u2cd0\ua4e1",
}
_SAME = {ord(shape): letter for letter, shapes in _SHAPES.items() for shape in shapes}
_NAME = re.compile(r"(?:CAPITAL|CAPITAL LETTER|SYMBOL LETTER) ([A-Z])\Z")
"""The end of the names of small, circled and squared capitals, and of letters of flags."""


def plain(text: str) -> str:
    """Return text without accents, and with letters of ASCII for letters that look the same."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text).translate(_SAME)
    return "".join(map(_letter, apart))


def _letter(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.combining(character):
        return ""
    name = _NAME.search(unicodedata.name(character, ""))
    return name[1] if name else character
