# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What is printed of steps: a line when one begins, and what its commands say, whole.

On a terminal the line is a status, `[ 12/100] CC path`, in place; elsewhere, and with V=1,
each step has a line.  Used by the entry points that build.
"""

from __future__ import annotations

import os
import sys

from .build.runner import Show
from .build.step import Step

_USUAL = 80
"""Columns of a terminal that does not say."""
_CLEAR = "\r\x1b[K"
"""To the start of the line, and erase it: every terminal but a dumb one knows that."""


class Lines(Show):
    """A line for each step; with V=1 its command.

    passing: the status on a terminal is erased at the end, and is there although silent.
    """

    def __init__(
        self, *, verbose: bool = False, silent: bool = False, passing: bool = False
    ) -> None:
        self.verbose = verbose
        self.silent = silent
        self.colours = is_terminal(sys.stderr)
        self._in_place = not verbose and is_terminal(sys.stdout)
        self._passing = passing and self._in_place
        self._begun = 0
        self._expected = 0
        self._is_open = False

    def line(self, step: Step) -> str:
        """How a step is shown."""
        if self.verbose and step.is_command:
            return _as_typed(step)
        return f"  {step.name:<7} {step.path}"

    def expect(self, steps: int) -> None:
        """So many steps are going to begin, at most."""
        self._begun, self._expected = 0, steps

    def begin(self, step: Step) -> None:
        """Prints the step that starts, if it has a name."""
        if not step.name or (self.silent and not self._passing):
            return
        self._begun += 1
        if not self._in_place:
            print(self.line(step), flush=True)
            return
        total = str(self._expected)
        text = f"[{self._begun:>{len(total)}}/{total}]{self.line(step)[1:]}"
        sys.stdout.write(f"{_CLEAR}{text[: _columns()]}")
        sys.stdout.flush()
        self._is_open = True

    def end(self, step: Step, output: bytes, error: str) -> None:
        """Prints what its commands said."""
        if output or error:
            self.finish()
        if output:
            sys.stderr.write(output.decode("utf-8", "backslashreplace"))
            sys.stderr.flush()
        if error and step.is_command:
            print(f"xen_tool: failed: {_as_typed(step)}", file=sys.stderr)

    def note(self, step: Step, reason: str) -> None:
        """Prints why a step will run again."""
        self.finish()
        print(f"xen_tool: note: {step.path} is built again next time: {reason}", file=sys.stderr)

    def finish(self) -> None:
        """Ends the line of the status, if there is one."""
        if self._is_open:
            print(end=_CLEAR if self._passing else "\n", flush=True)
            self._is_open = False


def _as_typed(step: Step) -> str:
    import shlex

    return shlex.join(step.argv())


def is_terminal(stream: object) -> bool:
    """Whether lines on it can be erased."""
    isatty = getattr(stream, "isatty", None)
    return isatty is not None and isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _columns() -> int:
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return (columns or _USUAL) - 1
