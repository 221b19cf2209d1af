# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What is printed of steps: a line when one begins, and what its commands say, whole.

Used by the entry points that build.
"""

from __future__ import annotations

import shlex
import sys

from .build.step import Step


class Lines:
    """A line for each step; with V=1 its command."""

    def __init__(self, *, verbose: bool = False, silent: bool = False) -> None:
        self.verbose = verbose
        self.silent = silent

    def line(self, step: Step) -> str:
        """How a step is shown."""
        if self.verbose and step.is_command:
            return shlex.join(step.argv())
        return f"  {step.name:<7} {step.path}"

    def begin(self, step: Step) -> None:
        """Prints the step that starts, if it has a name."""
        if step.name and not self.silent:
            print(self.line(step), flush=True)

    def end(self, step: Step, output: bytes, error: str) -> None:
        """Prints what its commands said."""
        if output:
            sys.stderr.write(output.decode("utf-8", "backslashreplace"))
            sys.stderr.flush()
        if error and step.is_command:
            print(f"xen_tool: failed: {shlex.join(step.argv())}", file=sys.stderr)

    def note(self, step: Step, reason: str) -> None:
        """Prints why a step will run again."""
        print(f"xen_tool: note: {step.path} is built again next time: {reason}", file=sys.stderr)
