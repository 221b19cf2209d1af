# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Print the progress of a build: a line when a step begins, and the output of its commands.

On a terminal there is one status line, `[ 12/100] CC path`, which is overwritten; elsewhere,
and with V=1, each step has a line.  Used by the entry points that build.
"""

from __future__ import annotations

import os
import sys

from .build.executor import Progress
from .build.step import Step
from .errors import print_message

_USUAL = 80
"""Columns of a terminal of unknown width."""
_CLEAR = "\r\x1b[K"
"""Return to the start of the line and erase it; works on all but dumb terminals."""


class Lines(Progress):
    """Print a line for each step; with V=1 its command.

    passing: on a terminal, show the status line even if silent, and erase it at the end.
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
        """Return the line for a step."""
        if self.verbose and step.is_command:
            return _as_typed(step)
        return f"  {step.name:<7} {step.path}"

    def expect(self, steps: int) -> None:
        """Begin to count at 0; steps is the largest number of named steps that will begin."""
        self._begun, self._expected = 0, steps

    def begin(self, step: Step) -> None:
        """Print the line of a step that begins, if it has a name."""
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
        """Print the output of a step's commands; if it failed, also the command itself."""
        if output or error:
            self.finish()
        if output:
            sys.stderr.write(output.decode("utf-8", "backslashreplace"))
            sys.stderr.flush()
        if error and step.is_command:
            print_message(_as_typed(step), "failed")

    def note(self, step: Step, reason: str) -> None:
        """Print why a step will run again."""
        self.finish()
        print_message(f"{step.path} is built again next time: {reason}", "note")

    def finish(self) -> None:
        """End the status line, if there is one."""
        if self._is_open:
            print(end=_CLEAR if self._passing else "\n", flush=True)
            self._is_open = False


def _as_typed(step: Step) -> str:
    import shlex

    return shlex.join(step.argv())


def is_terminal(stream: object) -> bool:
    """Whether a stream is a terminal on which lines can be erased."""
    isatty = getattr(stream, "isatty", None)
    return isatty is not None and isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _columns() -> int:
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return (columns or _USUAL) - 1
