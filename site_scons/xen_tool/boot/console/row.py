# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A row of a terminal, and what of its text a person saw.

A row is emitted when the cursor leaves it, and emitted as a glimpse when visible text of it is
about to be overwritten, erased or shifted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

COLUMNS = 4096
_AROUND = 256
"""The cells of a glimpse on both sides of the text that is new: overwriting one character after
the other of a long row must not take the time of the whole row for each."""


class Seen(Enum):
    """How much of a row's text a person saw, and whether it stayed."""

    LINE = "a line, from its start to its end, emitted for the first time"
    PART = "a piece of an endless line, or a line again, after a change"
    GLIMPSE = "text that was visible for a moment, or is hidden by a terminal"
    ERASED = "a line that was emitted before, and does not stay"


Emit = Callable[[str, Seen], None]
"""Receives the text of a row."""


class Row:
    """A row of cells with one character each; "" is the right half of a wide character."""

    __slots__ = (
        *("before", "cells", "changed", "continues", "emitted"),
        *("_columns", "_emit", "_end", "_standing", "_start"),
    )

    def __init__(self, emit: Emit, columns: int) -> None:
        self._emit = emit
        self._columns = columns
        self._standing = ""
        """The text that was last emitted, if it is still there."""
        self._empty()

    def _empty(self) -> None:
        self.cells: list[str] = []
        """The last one is no blank."""
        self.changed = False
        """Whether it changed since it was last emitted; the new text is [_start, _end)."""
        self._start = self._end = 0
        self.emitted = False
        self.continues = False
        """Whether its text is the rest of a line that began on the row above, which wrapped."""
        self.before = ""
        """The end of that row."""

    @property
    def text(self) -> str:
        """The text without blanks at the end."""
        return "".join(self.cells)

    def leave(self, *, whole: bool = True) -> None:
        """Emit the row if it has changed, as the cursor leaves it; whole: its text ends here."""
        if not self.changed:
            return
        text = self.text
        first = whole and not (self.emitted or self.continues)
        self.changed, self.emitted, self._standing = False, True, text
        self._emit(text, Seen.LINE if first else Seen.PART)
        if self.before:
            self._emit(self.before + text, Seen.GLIMPSE)

    def before_loss(self, start: int) -> None:
        """Emit what a person sees before the text from start on is overwritten or shifted."""
        if start >= len(self.cells):
            return
        self._erased()
        if self.changed:
            self.changed = False
            first = max(0, self._start - _AROUND)
            text = "".join(self.cells[first : self._end + _AROUND]).rstrip()
            self._emit(text if first else self.before + text, Seen.GLIMPSE)

    def _erased(self) -> None:
        if self._standing:
            self._emit(self._standing, Seen.ERASED)
            self._standing = ""

    def change(self, start: int, end: int, new: Sequence[str]) -> None:
        """Replace the cells [start, end)."""
        cells = self.cells
        cells += [" "] * (start - len(cells))
        cells[start:end] = new
        del cells[self._columns :]
        while cells and cells[-1] == " ":
            cells.pop()
        end = start + len(new)
        if self.changed:
            self._start, self._end = min(self._start, start), max(self._end, end)
        else:
            self.changed, self._start, self._end = True, start, end

    def erase(self, start: int, end: int) -> None:
        """Replace the cells [start, end) by blanks."""
        end = min(end, len(self.cells))
        if start < end:
            self.before_loss(start)
            self.change(start, end, [" "] * (end - start))

    def clear(self, *, stays: bool = False) -> None:
        """Empty the row, in which a new line may begin; stays: its text has scrolled away."""
        if self.changed and self.cells:
            self.leave()
        if not stays:
            self._erased()
        self._standing = ""
        self._empty()
