# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The console of a run: its lines go to whoever listens, and the last ones are kept.

What they are is for terminal.py to say.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable

from .source import is_of_xen, read
from .terminal import Seen, Tell, Terminal

MAX_LINES = 10_000
MAX_CHARACTERS = 1 << 20
"""How many lines are kept, and of how many characters in all: the last ones."""


_DIM, _NORMAL = "\x1b[2m", "\x1b[m"


def shower(*, dim: bool = False, quiet: bool = False) -> Callable[[str], None]:
    """Return what prints lines on standard output, whatever encoding that has.

    dim: those of Xen itself are less bright, as a terminal can show them; quiet: they are left out.
    """

    def show(line: str) -> None:
        if (dim or quiet) and is_of_xen(read(line)):
            if quiet:
                return
            line = f"{_DIM}{line}{_NORMAL}"
        encoding = sys.stdout.encoding or "ascii"
        print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)

    return show


def tell(line: str) -> None:
    """Print a line on standard error: what takes its time."""
    print(f"xen_tool: {line}", file=sys.stderr, flush=True)


class Console:
    """Takes bytes; hands every row to judge, and those that stay to echo."""

    def __init__(self, judge: Tell, echo: Callable[[str], None] | None = None) -> None:
        self._judge = judge
        self._echo = echo
        self._terminal = Terminal(self._take)
        self._lines: deque[str] = deque()
        self._characters = 0
        self.feed = self._terminal.feed
        self.close = self._terminal.close

    @property
    def lines(self) -> tuple[str, ...]:
        """The last lines."""
        return tuple(self._lines)

    @property
    def row(self) -> str:
        """The row of the cursor, which may have no end yet."""
        return self._terminal.row

    def _take(self, text: str, seen: Seen) -> None:
        if seen is not Seen.GLIMPSE:
            if self._echo:
                self._echo(text)
            self._lines.append(text)
            self._characters += len(text)
            while len(self._lines) > MAX_LINES or self._characters > MAX_CHARACTERS:
                self._characters -= len(self._lines.popleft())
        self._judge(text, seen)
