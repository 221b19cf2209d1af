# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The cells of a terminal's row that text takes, by the character set and colours in use.

Characters that take no place are left out, so rows are safe to print.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import islice

# DEC's special graphics (VT100, and xterm also in UTF-8): capital letters stay what they are.
_LINE_DRAWING = dict(enumerate(" ◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·", ord("_")))

_NO_PLACE = ("Mn", "Me")
"""Categories of marks, which are printed over the character before them."""
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters of Hangul that nothing is printed for."""

_FOREGROUND, _BACKGROUND = 38, 48
_COLOURS = (_FOREGROUND, _BACKGROUND, 58)
"""The parameters of SGR after which a colour follows: 5 and its number, or 2, red, green, blue."""
_PARTS = {5: 1, 2: 3}
"""The number of parameters after the 5 or 2."""
_CONCEALED = 8


class Characters:
    """The character set and the colours that a terminal has in use."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Undo all that designate(), shift() and render() did."""
        self._draws_lines = [False, False]
        self._set = 0
        self._reset_colours()

    def _reset_colours(self) -> None:
        self._concealed = self._invisible = False
        self._colours: dict[int, tuple[int, ...] | None] = {}

    def designate(self, sequence: str) -> None:
        """Set the first "(" or the second ")" character set to line drawing "0" or to text.

        sequence: the characters after ESC, such as "(0" or ")B"; others have no effect.
        """
        if sequence[0] in "()":
            self._draws_lines["()".index(sequence[0])] = sequence[1:] == "0"

    def shift(self, control: str) -> None:
        """Use the first set, by SI, or the second, by SO."""
        self._set = "\x0f\x0e".index(control)

    def render(self, parameters: Sequence[int]) -> None:
        """Change colours and concealment, by the parameters of SGR (CSI m)."""
        rest = iter(parameters)
        for value in rest:
            if value == 0:
                self._reset_colours()
            elif value in (_CONCEALED, 20 + _CONCEALED):
                self._concealed = value == _CONCEALED
            elif value in _COLOURS:
                self._colours[value] = tuple(islice(rest, _PARTS.get(next(rest, 0), 0)))
            elif value in (39, 49):
                self._colours[value - 1] = None
            elif 30 <= value < 50:
                self._colours[_FOREGROUND if value < 40 else _BACKGROUND] = (value % 10,)
            elif 90 <= value < 108:
                self._colours[_FOREGROUND if value < 100 else _BACKGROUND] = (8 + value % 10,)
        foreground = self._colours.get(_FOREGROUND)
        same = foreground is not None and foreground == self._colours.get(_BACKGROUND)
        self._invisible = self._concealed or same

    @property
    def are_plain(self) -> bool:
        """Whether text is shown unchanged."""
        return not (self._invisible or self._draws_lines[self._set])

    def cells(self, text: str) -> list[str]:
        """Return the cells of text; "" is the right half of a wide character."""
        if self._draws_lines[self._set]:
            text = text.translate(_LINE_DRAWING)
        cells = list(text) if text.isascii() else [cell for c in text for cell in _cells(c)]
        return [" "] * len(cells) if self._invisible else cells


def _cells(character: str) -> list[str]:
    """Return the cells that a character takes: one, two, or none."""
    category = unicodedata.category(character)
    if not character.isprintable():
        return [" "] if category == "Zs" else []
    if category in _NO_PLACE or character in _FILLERS:
        return []
    return [character, ""] if unicodedata.east_asian_width(character) in "WF" else [character]
