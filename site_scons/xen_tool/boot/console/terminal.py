# SPDX-License-Identifier: GPL-2.0-only OR MIT
r"""A terminal emulator that turns the bytes of a console into the rows that a person sees.

It implements what VT100, xterm and Linux's console have in common: `\r` and `\b` move the cursor
back and later text overwrites, the cursor can be moved, and parts are erased, shifted and
scrolled.  Colours, titles and invisible characters are left out, so rows are safe to print.  The
screen has the usual 24 rows, but 4096 columns, so that only an endless line wraps.

A row is emitted when the cursor leaves it, and emitted as a glimpse when visible text of it is
about to be overwritten.  Memory is bounded by one screen, whatever the input is, and the result
does not depend on how the bytes are split between calls.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from enum import Enum

from .escapes import Parser

ROWS = 24
COLUMNS = 4096
_TAB = 8
_JOINED = 64
"""The cells of a row that are emitted again, as a glimpse, with the row on which it goes on."""


class Seen(Enum):
    """How much of a row's text a person saw, and whether it stayed."""

    LINE = "a line, from its start to its end, emitted for the first time"
    PART = "a piece of an endless line, or a line again, after a change"
    GLIMPSE = "text that was visible for a moment, or is in a string that terminals hide"
    ERASED = "a line that was emitted before, and does not stay"


Emit = Callable[[str, Seen], None]
"""Receives the text of a row."""


class _Row:
    """A row of cells with one character each; "" is the right half of a wide character."""

    __slots__ = ("before", "cells", "changed", "continues", "emitted")

    def __init__(self) -> None:
        self.cells: list[str] = []
        self.changed = False
        """Whether it changed since it was last emitted."""
        self.emitted = False
        self.continues = False
        """Whether its text began on the row above, which wrapped."""
        self.before = ""
        """The end of that row."""

    def text(self) -> str:
        return "".join(self.cells).rstrip()


class Terminal(Parser):
    """Accept bytes by feed() and pass each row to emit; close() emits the last row."""

    def __init__(self, emit: Emit, *, rows: int = ROWS, columns: int = COLUMNS) -> None:
        super().__init__()
        self._emit = emit
        self._columns = columns
        self._reset(rows)

    def _reset(self, rows: int) -> None:
        self._rows = [_Row() for _ in range(rows)]
        self._x = self._y = 0
        self._top, self._bottom = 0, rows - 1
        self._saved = (0, 0)
        self._inserting = False
        self._writing = False
        """Whether text came last; what a run of text overwrites is emitted once, before it."""

    @property
    def row(self) -> str:
        """The text of the row that has the cursor."""
        return self._rows[self._y].text()

    def close(self) -> None:
        """Emit the row of the cursor, if it has not been emitted."""
        self._leave()

    # Changes of rows, and when they are emitted.

    def _leave(self, *, whole: bool = True) -> None:
        """Emit the row of the cursor if it has changed."""
        row = self._rows[self._y]
        if not row.changed:
            return
        first = whole and not (row.emitted or row.continues)
        row.changed, row.emitted = False, True
        self._emit(row.text(), Seen.LINE if first else Seen.PART)
        if row.before:
            self._emit(row.before + row.text(), Seen.GLIMPSE)

    def _before_loss(self, row: _Row, start: int) -> None:
        """Emit a row before text from start on is overwritten, erased or shifted."""
        if "".join(row.cells[start:]).strip():
            if row.emitted:
                self._emit(row.text(), Seen.ERASED)
            if row.changed:
                row.changed = False
                self._emit(row.text(), Seen.GLIMPSE)

    def _change(self, row: _Row, start: int, end: int, cells: list[str]) -> None:
        """Replace the cells [start, end)."""
        missing = start - len(row.cells)
        row.cells += [" "] * missing
        row.cells[start:end] = cells
        del row.cells[self._columns :]
        row.changed = True

    def _clear(self, row: _Row, *, stays: bool = False) -> None:
        """Empty a row, in which a new line may begin; stays: its text has scrolled away."""
        if row.changed and row.text():
            self._emit(row.text(), Seen.PART if row.emitted or row.continues else Seen.LINE)
            row.emitted = True
        if row.emitted and not stays:
            self._emit(row.text(), Seen.ERASED)
        row.cells = []
        row.changed = row.emitted = row.continues = False
        row.before = ""

    # The methods that the parser calls.

    def line(self, text: str) -> bool:
        """Accept a whole line if its row is empty; return whether it was accepted."""
        row = self._rows[self._y]
        if self._x or row.cells or row.continues or len(text) > self._columns:
            return False
        row.cells = list(text)
        row.changed = True
        self._next_line()
        return True

    def write(self, text: str) -> None:
        """Write text at the cursor, over what is there."""
        if text.isascii():
            cells = list(text)
        else:
            cells = []
            for character in text:
                cells += _cells(character)
        while cells:
            if self._x >= self._columns:
                self._wrap()
            piece, cells = cells[: self._columns - self._x], cells[self._columns - self._x :]
            row, end = self._rows[self._y], self._x + len(piece)
            if not self._writing:
                self._before_loss(row, self._x)
            self._change(row, self._x, self._x if self._inserting else end, piece)
            self._x, self._writing = end, True

    def _wrap(self) -> None:
        self._writing = False
        before = "".join(self._rows[self._y].cells[-_JOINED:])
        self._leave(whole=False)
        self._x = 0
        self._down()
        row = self._rows[self._y]
        row.continues, row.before = True, before

    def control(self, character: str) -> None:
        """Execute a control character, which moves the cursor."""
        self._writing = False
        if character in "\n\v\f":
            self._next_line()
        elif character == "\r":
            self._x = 0
        elif character == "\b":
            self._x = max(0, min(self._x, self._columns - 1) - 1)
        elif character == "\t":
            self._tab(1)

    def _tab(self, count: int) -> None:
        """Move the cursor by a number of tab stops."""
        if count < 0:
            self._x += _TAB - 1
        self._x = max(0, min(self._columns - 1, (self._x // _TAB + count) * _TAB))

    def _next_line(self) -> None:
        row = self._rows[self._y]
        if not row.cells and not row.emitted:
            row.changed = True  # an empty line is emitted too
        self._leave()
        self._x = 0
        self._down()

    def _down(self) -> None:
        if self._y == self._bottom:
            self._shift(self._top, self._bottom, 1, stays=self._top == 0)
        elif self._y < len(self._rows) - 1:
            self._y += 1

    def _up(self) -> None:
        self._leave()
        if self._y == self._top:
            self._shift(self._top, self._bottom, -1)
        elif self._y > 0:
            self._y -= 1

    def _shift(self, top: int, bottom: int, count: int, *, stays: bool = False) -> None:
        """Scroll rows up, or down if count is below 0; rows that leave the region are lost."""
        self._leave()
        for _ in range(min(abs(count), bottom - top + 1)):
            gone, new = (top, bottom) if count > 0 else (bottom, top)
            self._clear(self._rows.pop(gone), stays=stays)
            self._rows.insert(new, _Row())

    def soft_reset(self) -> None:
        """Undo the insert mode, the region that scrolls, and the saved cursor."""
        self._writing = self._inserting = False
        self._top, self._bottom = 0, len(self._rows) - 1
        self._saved = (0, 0)

    def hidden(self, text: str) -> None:
        """Emit a string that terminals hide, so that no failure in it is missed."""
        if text.strip():
            self._emit(text.strip(), Seen.GLIMPSE)

    def escape(self, final: str) -> None:
        """Move the cursor, or reset the terminal (ESC c)."""
        self._writing = False
        if final == "c":
            for row in self._rows:
                self._clear(row)
            self._reset(len(self._rows))
        elif final == "7":
            self._saved = (self._x, self._y)
        elif final == "8":
            self._move(*self._saved)
        elif final == "D":
            self._leave()
            self._down()
        elif final == "E":
            self._next_line()
        elif final == "M":
            self._up()

    def command(self, final: str, parameters: list[int]) -> None:
        """Move the cursor, erase, insert, delete or scroll."""
        self._writing = False
        first, second = [*parameters, 0][:2]
        count = first or 1
        x, y = min(self._x, self._columns - 1), self._y
        row = self._rows[y]
        if final in "Hf":
            self._move((second or 1) - 1, count - 1)
        elif final in "AF":
            top = self._top if y >= self._top else 0
            self._move(0 if final == "F" else x, max(y - count, top))
        elif final in "BeE":
            bottom = self._bottom if y <= self._bottom else len(self._rows) - 1
            self._move(0 if final == "E" else x, min(y + count, bottom))
        elif final in "Ca":
            self._move(x + count, y)
        elif final == "D":
            self._move(x - count, y)
        elif final in "G`":
            self._move(count - 1, y)
        elif final in "IZ":
            self._x = x
            self._tab(count if final == "I" else -count)
        elif final == "d":
            self._move(x, count - 1)
        elif final == "J" and first < 4:
            self._erase_display(first)
        elif final == "K" and first < 3:
            self._erase_line(first)
        elif final == "X":
            self._erase(row, x, x + count)
        elif final == "P":
            self._before_loss(row, x)
            self._change(row, x, x + count, [])
        elif final == "@":
            self._before_loss(row, x)
            self._change(row, x, x, [" "] * min(count, self._columns))
        elif final in "LM" and self._top <= y <= self._bottom:
            self._shift(y, self._bottom, count if final == "M" else -count)
            self._x = 0
        elif final in "ST" and len(parameters) == 1:
            self._shift(self._top, self._bottom, count if final == "S" else -count)
        elif final == "r":
            bottom = min(second or len(self._rows), len(self._rows)) - 1
            if count - 1 < bottom:
                self._top, self._bottom = count - 1, bottom
                self._move(0, 0)
        elif final in "hl" and first == 4:
            self._inserting = final == "h"
        elif final == "s":
            self._saved = (self._x, y)
        elif final == "u":
            self._move(*self._saved)

    def _move(self, x: int, y: int) -> None:
        y = max(0, min(y, len(self._rows) - 1))
        if y != self._y:
            self._leave()
        self._x, self._y = max(0, min(x, self._columns - 1)), y

    def _erase_display(self, what: int) -> None:
        if what == 0:
            self._erase_line(0)
        elif what == 1:
            self._erase_line(1)
        first = self._y + 1 if what == 0 else 0
        last = self._y if what == 1 else len(self._rows)
        for row in self._rows[first:last]:
            self._clear(row)

    def _erase_line(self, what: int) -> None:
        row, x = self._rows[self._y], min(self._x, self._columns - 1)
        if what == 0 and x == 0:
            what = 2
        if what == 2:
            self._before_loss(row, 0)
            self._clear(row)
        else:
            self._erase(row, *((x, len(row.cells)) if what == 0 else (0, x + 1)))

    def _erase(self, row: _Row, start: int, end: int) -> None:
        end = min(end, len(row.cells))
        if start < end:
            self._before_loss(row, start)
            self._change(row, start, end, [" "] * (end - start))


def _cells(character: str) -> list[str]:
    """Return the cells that a character takes: one, two, or none."""
    if not character.isprintable():
        return [" "] if unicodedata.category(character) == "Zs" else []
    if unicodedata.combining(character):
        return []
    return [character, ""] if unicodedata.east_asian_width(character) in "WF" else [character]
