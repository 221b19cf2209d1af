# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The console of a run: show its lines as they come, and keep the last ones.

terminal.py makes the lines from the bytes.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import TextIO

from ...errors import BUILD
from ...printable import printable
from .row import Emit, Seen
from .source import is_of_xen, read
from .terminal import Terminal

MAX_LINES = 10_000
MAX_CHARACTERS = 1 << 20
"""Limits of the last lines that are kept: their number, and their characters in all."""


_DIM, _NORMAL = "\x1b[2m", "\x1b[m"


def show(line: str, file: TextIO | None = None) -> None:
    """Print a line on a file, or standard output, in any encoding; unprintable text is escaped."""
    _print(printable(line, keep="\n"), file or sys.stdout)


def _print(line: str, file: TextIO) -> None:
    encoding = file.encoding or "ascii"
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=file, flush=True)


def shower(*, dim: bool = False, quiet: bool = False) -> Callable[[str], None]:
    """Return a function that prints a line of the console on standard output, in any encoding.

    dim: print Xen's lines with the terminal's attribute for faint text; quiet: leave them out.
    """

    def show(line: str) -> None:
        if (dim or quiet) and is_of_xen(read(line)):
            if quiet:
                return
            line = f"{_DIM}{line}{_NORMAL}"
        _print(line, sys.stdout)

    return show


def tell(line: str) -> None:
    """Print a line of progress on standard error, before a step that takes time."""
    show(f"{BUILD}: {line}", sys.stderr)


class Console:
    """Accept bytes by feed(); pass every row to judge, and those that stayed to echo."""

    def __init__(self, judge: Emit, echo: Callable[[str], None] | None = None) -> None:
        self._judge = judge
        self._echo = echo
        self._terminal = Terminal(self._take)
        self._lines: deque[str] = deque()
        self._characters = 0
        self.feed = self._terminal.feed
        self.close = self._terminal.close

    @property
    def lines(self) -> tuple[str, ...]:
        """The last lines, within MAX_LINES and MAX_CHARACTERS."""
        return tuple(self._lines)

    def row(self) -> str:
        """Return the text of the row of the cursor, which may be incomplete."""
        return self._terminal.row

    def _take(self, text: str, seen: Seen) -> None:
        if seen in (Seen.LINE, Seen.PART):
            if self._echo:
                self._echo(text)
            self._lines.append(text)
            self._characters += len(text)
            while len(self._lines) > MAX_LINES or self._characters > MAX_CHARACTERS:
                self._characters -= len(self._lines.popleft())
        self._judge(text, seen)
