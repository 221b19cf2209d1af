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
"""Cells on each side of new text that a glimpse has.  With the whole row, the time to overwrite a
long row character by character would grow with the square of its length."""


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
        """The cells, up to the last one that is no blank."""
        self.changed = False
        """Whether the row has changed since it was last emitted."""
        self._start = self._end = 0
        """The range [_start, _end) of cells that has the text that is new since then."""
        self.emitted = False
        self.continues = False
        """Whether its text is the rest of a line that began on the row above, which wrapped."""
        self.before = ""
        """The end of the row above, if this one continues it."""

    @property
    def text(self) -> str:
        """The text without blanks at the end."""
        return "".join(self.cells)

    def leave(self, *, whole: bool = True) -> None:
        """Emit the row if it has changed, as the cursor leaves it.

        whole: whether the line ends here, and does not wrap.
        """
        if not self.changed:
            return
        text = self.text
        first = whole and not (self.emitted or self.continues)
        self.changed, self.emitted, self._standing = False, True, text
        self._emit(text, Seen.LINE if first else Seen.PART)
        if self.before:
            self._emit(self.before + text, Seen.GLIMPSE)

    def before_loss(self, start: int) -> None:
        """Emit the new text, before cells from start on are overwritten, erased or shifted."""
        if start >= len(self.cells):
            return
        self._erased()
        if self.changed:
            self.changed = False
            first = max(0, self._start - _AROUND)
            text = "".join(self.cells[first : self._end + _AROUND]).rstrip()
            self._emit(text if first else self.before + text, Seen.GLIMPSE)

    def _erased(self) -> None:
        """Emit that the text that was last emitted does not stay."""
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
        """Empty the row, so that a new line may begin in it.

        stays: whether a person can still read its text, as it has scrolled into the history.
        """
        if self.changed and self.cells:
            self.leave()
        if not stays:
            self._erased()
        self._standing = ""
        self._empty()
