# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The screen of a terminal: rows, a cursor, and a region that scrolls.

It has the usual 24 rows, but 4096 columns, so that only an endless line wraps.
"""

from __future__ import annotations

from .row import COLUMNS, Emit, Row

ROWS = 24
_TAB = 8
_JOINED = 64
"""Cells at the end of a row that wrapped, which are emitted again, as a glimpse, before the text of
the next row: a word may lie on both rows."""


class Screen:
    """The rows and the cursor, which change by the methods; rows are emitted as row.py says."""

    def __init__(self, emit: Emit, rows: int = ROWS, columns: int = COLUMNS) -> None:
        self._rows = [Row(emit, columns) for _ in range(rows)]
        self._columns = columns
        self.x = self.y = 0
        """The cursor.  After text in the last column, x is one beyond it: the next text wraps."""
        self.writing = False
        """Whether write() came last: what the next write() overwrites was emitted before it."""
        self.scroll_all()

    def scroll_all(self) -> None:
        """Let the whole screen scroll."""
        self.top, self.bottom = 0, len(self._rows) - 1

    def scroll_region(self, top: int, bottom: int) -> None:
        """Let the rows [top, bottom] scroll, and move the cursor to the start (DECSTBM)."""
        bottom = min(bottom, len(self._rows) - 1)
        if top < bottom:
            self.top, self.bottom = top, bottom
            self.move(0, 0)

    @property
    def row(self) -> Row:
        """The row of the cursor."""
        return self._rows[self.y]

    @property
    def column(self) -> int:
        """The column of the cursor, at most the last one."""
        return min(self.x, self._columns - 1)

    @property
    def last(self) -> int:
        """The number of the last row."""
        return len(self._rows) - 1

    # Text.

    def line(self, text: str) -> bool:
        """Write a whole line, and go to the next row; return whether this was done.

        It is done only at the start of an empty row, and if the line fits into the row.
        """
        row = self.row
        if self.x or row.cells or row.continues or len(text) > self._columns:
            return False
        row.change(0, 0, text)
        self.next_line()
        return True

    def write(self, cells: list[str], *, inserting: bool) -> None:
        """Write text at the cursor, over what is there, or, if inserting, before it."""
        while cells:
            if self.x >= self._columns:
                self._wrap()
            left = self._columns - self.x
            piece, cells = cells[:left], cells[left:]
            row, end = self.row, self.x + len(piece)
            if not self.writing:
                row.before_loss(self.x)
            row.change(self.x, self.x if inserting else end, piece)
            self.x, self.writing = end, True

    def repeat(self, cells: list[str], count: int, *, inserting: bool) -> None:
        """Write text several times, at most to the end of a row."""
        left = self._columns - self.x or self._columns
        self.write(cells * min(count, left), inserting=inserting)

    def _wrap(self) -> None:
        self.writing = False
        row = self.row
        blanks = [" "] * (self._columns - len(row.cells))
        before = "".join([*row.cells, *blanks][-_JOINED:])
        row.leave(whole=False)
        self.x = 0
        self.down()
        self.row.continues, self.row.before = True, before

    # The cursor.

    def move(self, x: int, y: int) -> None:
        """Move the cursor, within the screen."""
        y = max(0, min(y, self.last))
        if y != self.y:
            self.row.leave()
        self.x, self.y = max(0, min(x, self._columns - 1)), y

    def tab(self, count: int) -> None:
        """Move the cursor by a number of tab stops; backwards if count is below 0."""
        x = self.column + (_TAB - 1 if count < 0 else 0)
        self.x = max(0, min(self._columns - 1, (x // _TAB + count) * _TAB))

    def next_line(self) -> None:
        """Move the cursor to the start of the next row; an empty row is emitted too."""
        row = self.row
        if not row.cells and not row.emitted:
            row.changed = True
        row.leave()
        self.x = 0
        self.down()

    def down(self) -> None:
        """Move the cursor down, or, at the bottom of the region, scroll the region up."""
        self.row.leave()
        if self.y == self.bottom:
            self.scroll(self.top, self.bottom, 1, stays=self.top == 0)
        elif self.y < self.last:
            self.y += 1

    def up(self) -> None:
        """Move the cursor up, or, at the top of the region, scroll the region down."""
        self.row.leave()
        if self.y == self.top:
            self.scroll(self.top, self.bottom, -1)
        elif self.y > 0:
            self.y -= 1

    # Scrolling and erasing.

    def scroll(self, top: int, bottom: int, count: int, *, stays: bool = False) -> None:
        """Scroll the rows [top, bottom] up by count rows, or down if count is below 0.

        stays: whether rows that are scrolled out stay in the history, and are not lost.
        """
        self.row.leave()
        for _ in range(min(abs(count), bottom - top + 1)):
            gone, new = (top, bottom) if count > 0 else (bottom, top)
            row = self._rows.pop(gone)
            row.clear(stays=stays)
            self._rows.insert(new, row)

    def clear(self) -> None:
        """Empty all rows."""
        for row in self._rows:
            row.clear()

    def fill(self) -> None:
        """Execute DECALN, which fills the screen with E; here with blanks, as no E is read."""
        self.clear()
        # Later text stands between E on a real screen, and so is no line from its start to its end.
        for row in self._rows:
            row.continues = True
        self.scroll_all()
        self.x = self.y = 0

    def erase_display(self, what: int) -> None:
        """Erase from the cursor on (0), up to it (1), or the whole screen (2 and 3): ED."""
        if what < 2:
            self.erase_line(what)
        first = self.y + 1 if what == 0 else 0
        end = self.y if what == 1 else len(self._rows)
        for row in self._rows[first:end]:
            row.clear()

    def erase_line(self, what: int) -> None:
        """Erase the row from the cursor on (0), up to it (1), or the whole row (2): EL."""
        row, x = self.row, self.column
        if what == 2 or (what == 0 and x == 0):
            row.before_loss(0)
            row.clear()
        elif what == 0:
            row.erase(x, len(row.cells))
        else:
            row.erase(0, x + 1)

    def insert(self, count: int) -> None:
        """Insert blanks at the cursor."""
        self.row.before_loss(self.column)
        self.row.change(self.column, self.column, [" "] * min(count, self._columns))

    def delete(self, count: int) -> None:
        """Delete characters at the cursor."""
        self.row.before_loss(self.column)
        self.row.change(self.column, self.column + count, [])

    def erase(self, count: int) -> None:
        """Erase characters at the cursor."""
        self.row.erase(self.column, self.column + count)
