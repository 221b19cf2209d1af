# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Turns the bytes of a serial console into lines that are safe to print.

A guest may send anything: no newline for megabytes, bytes that are no text,
escape sequences that would reprogram the user's terminal.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable

MAX_LINES = 10_000
"""How many lines are kept: the last ones."""

MAX_LINE_BYTES = 4096
"""A longer line is broken."""


def printable(line: bytes) -> str:
    r"""The line as text, with control characters spelled out (``\x1b``)."""
    text = line.strip(b"\r").decode(errors="replace")
    return "".join(
        c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in text
    )


def show(line: str) -> None:
    """Prints a line on standard output, whatever encoding that has."""
    encoding = sys.stdout.encoding or "ascii"
    print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def tell(line: str) -> None:
    """Prints a line on standard error: what takes its time."""
    print(f"xen_tool: {line}", file=sys.stderr, flush=True)


class Console:
    """Collects bytes; hands every complete line to each listener, in order."""

    def __init__(self, *listeners: Callable[[str], None]) -> None:
        self._listeners = listeners
        self._partial = b""
        self._lines: deque[str] = deque(maxlen=MAX_LINES)

    @property
    def lines(self) -> tuple[str, ...]:
        """The last MAX_LINES lines."""
        return tuple(self._lines)

    def feed(self, data: bytes) -> None:
        """Takes the next bytes."""
        *complete, self._partial = (self._partial + data).split(b"\n")
        for line in complete:
            self._emit(line)
        if len(self._partial) > MAX_LINE_BYTES:
            self.close()

    def close(self) -> None:
        """Takes what came after the last newline for a line."""
        if self._partial:
            self._emit(self._partial)
            self._partial = b""

    def _emit(self, line: bytes) -> None:
        for start in range(0, max(len(line), 1), MAX_LINE_BYTES):
            text = printable(line[start : start + MAX_LINE_BYTES])
            self._lines.append(text)
            for listener in self._listeners:
                listener(text)
