# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The target trace: `scons trace [TARGETS]` builds targets and writes $O/trace.json.

The trace is written when SCons ends, also if a step failed.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from SCons.Script import COMMAND_LINE_TARGETS, DEFAULT_TARGETS

from ..build.step import Step
from ..files import write_if_changed
from ..progress import Lines

if TYPE_CHECKING:
    from ..report.trace import Trace
    from .graph.nodes import Graph

TRACE = "trace"
_FILE = "trace.json"
_traces: list[Trace] = []
"""The one trace of this process, if it was requested."""
_folders: list[str] = []
"""The build directories of this process; the trace goes to the first."""


def trace() -> Trace | None:
    """Return the trace of this run; None if it was not requested."""
    if not _traces and TRACE in map(str, COMMAND_LINE_TARGETS):
        from ..report.trace import Trace

        _traces.append(Trace())
    return _traces[0] if _traces else None


def lines(folder: str, **options: bool) -> Lines:
    """Return what prints the progress of a build directory, and fills the trace if there is one."""
    found = trace()
    if found is None:
        return Lines(**options)
    if not _folders:
        atexit.register(_write, found, folder)
    _folders.append(folder)
    return _Traced(found, **options)


def _write(found: Trace, folder: str) -> None:
    """Write the trace to a build directory, when SCons ends."""
    path = f"{folder}/{_FILE}"
    found.span("scons", 0)
    write_if_changed(path, found.content())
    print(f"{path}: open it in https://ui.perfetto.dev")


class _Traced(Lines):
    """Lines that also add each step to a trace."""

    def __init__(self, found: Trace, **options: bool) -> None:
        super().__init__(**options)
        self._trace = found

    def begin(self, step: Step) -> None:
        """Print, and start a span."""
        super().begin(step)
        self._trace.begin(step.path)

    def end(self, step: Step, output: bytes, error: str) -> None:
        """Print, and end the span."""
        super().end(step, output, error)
        details = {"command": step.argv(), "error": error} if step.is_command else {"error": error}
        self._trace.end(step.path, step.name or step.action, **details)


def judged(path: str, start: int) -> None:
    """Add to the trace how long it took to judge a file; start: the result of now() before it."""
    if found := trace():
        found.span(f"judge {path}", start)


def now() -> int:
    """Return the time for judged(); 0 without a trace."""
    found = trace()
    return found.now() if found else 0


def console(echo: Callable[[str], None]) -> tuple[Callable[[str], None], Callable[[], None]]:
    """Return a function to call with each line of a boot's console, and one to call at its end.

    The first calls echo with the line; both fill the trace if there is one.
    """
    found = trace()
    if found is None:
        return echo, lambda: None
    from ..report.trace import TimedConsole

    seen = TimedConsole(found)

    def see(line: str) -> None:
        seen.see(line)
        echo(line)

    return see, seen.close


def target(graphs: Sequence[Graph], _folder: str) -> Any:
    """Return the node of the target trace.

    It depends on the default targets if no other target is requested.
    """
    from .graph.request import requested_besides

    env = graphs[0].env
    (alias,) = env.Alias(TRACE, [] if requested_besides(TRACE) else list(DEFAULT_TARGETS) or ".")
    env.AlwaysBuild(alias)
    return alias
