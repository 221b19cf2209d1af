# SPDX-License-Identifier: GPL-2.0-only OR MIT
r"""A terminal emulator that turns the bytes of a console into the rows that a person sees.

It implements what VT100, xterm and Linux's console have in common, and what xterm adds: `\r` and
`\b` move the cursor back and later text overwrites, the cursor can be moved, parts are erased,
shifted, repeated and scrolled, text can be concealed, and there is a second screen.  Left out are
rectangles and shifts of columns, which came with later terminals of DEC.

escapes.py parses the bytes, screen.py has the rows, and characters.py knows what of text is
visible.  Memory is bounded by two screens, whatever the input is, and the result does not depend
on how the bytes are split between calls.
"""

from __future__ import annotations

from .characters import Characters
from .escapes import Parser
from .row import COLUMNS, Emit, Seen
from .screen import ROWS, Screen

_MAX_UNSEEN = 4096
"""Characters of unseen text after which it is emitted."""
_INSERT, _ORIGIN, _SECOND_SCREEN = 4, 6, (47, 1047, 1049)
"""Modes.  Those of the origin and of the second screen are private (CSI ?); mode 1049 also saves
and restores the cursor."""


class Terminal(Parser):
    """Accept bytes by feed() and pass each row to emit; close() emits the last row."""

    def __init__(self, emit: Emit, *, rows: int = ROWS, columns: int = COLUMNS) -> None:
        super().__init__()
        self._emit = emit
        self._screen = Screen(emit, rows, columns)
        self._other = Screen(emit, rows, columns)
        """The screen that is not shown."""
        self._is_second = False
        """Whether the second screen is shown."""
        self._characters = Characters()
        self._unseen = ""
        """Text that is not shown unchanged, as it came, until it is emitted as a glimpse."""
        self._last: list[str] = []
        """The cells of the last character."""
        self._soft_reset()

    @property
    def row(self) -> str:
        """The text of the row that has the cursor."""
        return self._screen.row.text

    def close(self) -> None:
        """Emit the row of the cursor, if it has not been emitted."""
        self._end_text()
        self._screen.row.leave()

    # The methods that the parser calls.

    def line(self, text: str) -> bool:
        """Accept a whole line if its row is empty; return whether it was accepted."""
        if not self._characters.are_plain or not self._screen.line(text):
            return False
        self._last = list(text[-1:]) or self._last
        return True

    def write(self, text: str) -> None:
        """Write text at the cursor, over what is there."""
        if not self._characters.are_plain:
            self._unseen += text
            while len(self._unseen) >= _MAX_UNSEEN:
                self.hidden(self._unseen[:_MAX_UNSEEN])
                self._unseen = self._unseen[_MAX_UNSEEN:]
        cells = self._characters.cells(text)
        if cells:
            self._last = cells[-1:] if cells[-1] else cells[-2:]
        self._screen.write(cells, inserting=self._inserting)

    def _end_text(self) -> None:
        self._screen.writing = False
        if self._unseen:
            self.hidden(self._unseen)
            self._unseen = ""

    def hidden(self, text: str) -> None:
        """Emit text that terminals hide, so that no failure in it is missed."""
        if text := "".join(filter(str.isprintable, text)).strip():
            self._emit(text, Seen.GLIMPSE)

    def control(self, character: str) -> None:
        """Execute a control character, which moves the cursor or selects a character set."""
        self._end_text()
        screen = self._screen
        if character in "\n\v\f":
            screen.next_line()
        elif character == "\r":
            screen.x = 0
        elif character == "\b":
            screen.x = max(0, screen.column - 1)
        elif character == "\t":
            screen.tab(1)
        elif character in "\x0e\x0f":
            self._characters.shift(character)

    def escape(self, sequence: str) -> None:
        """Move the cursor, designate a character set, or reset the terminal."""
        self._end_text()
        screen = self._screen
        if sequence == "c":
            self._reset()
        elif sequence == "7":
            self._saved = (screen.x, screen.y)
        elif sequence == "8":
            screen.move(*self._saved)
        elif sequence == "D":
            screen.down()
        elif sequence == "E":
            screen.next_line()
        elif sequence == "M":
            screen.up()
        elif sequence == "#8":
            screen.fill()
        else:
            self._characters.designate(sequence)

    def command(self, final: str, parameters: list[int]) -> None:
        """Execute a control sequence, such as "?h" for CSI ? h."""
        self._end_text()
        first, second = [*parameters, 0][:2]
        count = first or 1
        if final == "m":
            self._characters.render(parameters)
        elif final in ("h", "l", "?h", "?l"):
            for mode in parameters:
                self._set_mode(final[:-1], mode, on=final[-1] == "h")
        elif final == "b":
            self._screen.repeat(self._last, count, inserting=self._inserting)
        elif final == "r":
            self._screen.scroll_region(count - 1, second - 1 if second else self._screen.last)
        elif final == "s":
            self._saved = (self._screen.x, self._screen.y)
        elif final == "u":
            self._screen.move(*self._saved)
        elif final == "!p":
            self._soft_reset()
        else:
            self._move(final, count, second or 1)
            self._change(final, first, len(parameters))

    def _move(self, final: str, count: int, second: int) -> None:
        """Execute a sequence that moves the cursor."""
        screen = self._screen
        x, y = screen.column, screen.y
        if final in ("H", "f"):
            screen.move(second - 1, self._row_of(count))
        elif final == "d":
            screen.move(x, self._row_of(count))
        elif final in ("A", "F"):
            top = screen.top if y >= screen.top else 0
            screen.move(0 if final == "F" else x, max(y - count, top))
        elif final in ("B", "e", "E"):
            bottom = screen.bottom if y <= screen.bottom else screen.last
            screen.move(0 if final == "E" else x, min(y + count, bottom))
        elif final in ("C", "a"):
            screen.move(x + count, y)
        elif final == "D":
            screen.move(x - count, y)
        elif final in ("G", "`"):
            screen.move(count - 1, y)
        elif final in ("I", "Z"):
            screen.tab(count if final == "I" else -count)

    def _row_of(self, number: int) -> int:
        """Return the row, from 0 on, of a number from 1 on.

        In the origin mode the number counts from the top of the region that scrolls.
        """
        screen = self._screen
        return min(number - 1 + screen.top, screen.bottom) if self._is_origin_mode else number - 1

    def _change(self, final: str, first: int, parameters: int) -> None:
        """Execute a sequence that erases, inserts, deletes or scrolls."""
        screen, count = self._screen, first or 1
        # DEC's selective erase (?J and ?K) leaves protected text; here no text is protected.
        if final in ("J", "?J") and first < 4:
            screen.erase_display(first)
        elif final in ("K", "?K") and first < 3:
            screen.erase_line(first)
        elif final == "X":
            screen.erase(count)
        elif final == "P":
            screen.delete(count)
        elif final == "@":
            screen.insert(count)
        elif final in ("L", "M") and screen.top <= screen.y <= screen.bottom:
            screen.scroll(screen.y, screen.bottom, count if final == "M" else -count)
            screen.x = 0
        elif final in ("S", "T") and parameters == 1:
            screen.scroll(screen.top, screen.bottom, count if final == "S" else -count)

    # Modes.

    def _set_mode(self, private: str, mode: int, *, on: bool) -> None:
        if not private and mode == _INSERT:
            self._inserting = on
        elif private and mode == _ORIGIN:
            self._is_origin_mode = on
            self._screen.move(0, self._row_of(1))
        elif private and mode in _SECOND_SCREEN and on != self._is_second:
            self._show_second(on, keeps_cursor=mode == _SECOND_SCREEN[-1])

    def _show_second(self, on: bool, *, keeps_cursor: bool) -> None:
        before = self._screen
        before.row.leave()
        if on:
            if keeps_cursor:
                self._saved = (before.x, before.y)
        else:
            before.clear()
        self._screen, self._other, self._is_second = self._other, before, on
        self._screen.x, self._screen.y = before.x, before.y
        if keeps_cursor and not on:
            self._screen.move(*self._saved)

    def _soft_reset(self) -> None:
        """Undo the modes, the region that scrolls, and the saved cursor (DECSTR)."""
        self._inserting = self._is_origin_mode = False
        self._saved = (0, 0)
        self._characters.reset()
        self._screen.scroll_all()

    def _reset(self) -> None:
        for screen in (self._screen, self._other):
            screen.clear()
            screen.x = screen.y = 0
        self._is_second = False
        self._soft_reset()
