# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A trace of a build and a boot, as JSON trace events, which Perfetto and others read.

Steps that run at the same time are on different rows: a step uses the first free row.  In
Chromium's Trace Event Format "X" is a span, "i" a moment, "M" a name; times are microseconds.
Perfetto drops a span that begins within another of its row and ends after it (slice_tracker.cc), so
two spans of a row here do not overlap, or one encloses the other and is written before it.
Perfetto also drops an event with an escaped surrogate (json_parser.h).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

_BUILD, _BOOT = 1, 2
"""PIDs of the two processes that a viewer shows."""
_MAIN = 0


class Trace:
    """Spans and moments since the creation of the trace."""

    def __init__(self) -> None:
        self._start = time.perf_counter_ns()
        self._events: list[dict[str, Any]] = []
        self._rows: dict[str, tuple[int, int]] = {}
        """The row and the start of each running step, by path."""

    def now(self) -> int:
        """Return the microseconds since the creation of the trace."""
        return (time.perf_counter_ns() - self._start) // 1000

    def span(self, name: str, start: int, row: int = _MAIN, **args: Any) -> None:
        """Add a span of the build that began at start, as now() returned it, and ends now.

        args: facts that a viewer shows with the span.
        """
        self._add("X", name, start, _BUILD, row, args, dur=self.now() - start)

    def begin(self, path: str) -> None:
        """Record that the step of a path begins, on the first free row."""
        taken = {row for row, _ in self._rows.values()}
        row = next(n for n in range(1, len(taken) + 2) if n not in taken)
        self._rows[path] = row, self.now()

    def end(self, path: str, name: str, **args: Any) -> None:
        """Add the span "NAME PATH" of a step that ends now; nothing if its begin() is missing."""
        if path in self._rows:
            row, start = self._rows.pop(path)
            self.span(f"{name} {path}", start, row, **args)

    def boot(self, name: str, start: int) -> None:
        """Add a phase of a boot that began at start, as now() returned it, and ends now."""
        self._add("X", name, start, _BOOT, _MAIN, {}, dur=self.now() - start)

    def moment(self, name: str) -> None:
        """Add an event of a boot that happens now."""
        self._add("i", name, self.now(), _BOOT, _MAIN, {}, s="t")

    def _add(
        self, kind: str, name: str, at: int, process: int, row: int, args: Mapping[str, Any],
        **more: Any,
    ) -> None:  # fmt: skip
        event = {"name": name, "ph": kind, "ts": at, "pid": process, "tid": row}
        self._events.append({**event, **more, "args": dict(args)})

    def content(self) -> bytes:
        """Return the trace as JSON: the names of processes and rows, then events by their start."""
        rows = sorted({(event["pid"], event["tid"]) for event in self._events})
        names = [_named("process_name", pid, _MAIN, {_BUILD: "build", _BOOT: "boot"}[pid])
                 for pid in sorted({pid for pid, _ in rows})]  # fmt: skip
        names += [
            _named("thread_name", pid, row, f"job {row}" if row else _ROWS[pid])
            for pid, row in rows
        ]
        events = sorted(self._events, key=lambda event: (event["ts"], -event.get("dur", 0)))
        document = {"traceEvents": [*names, *events], "displayTimeUnit": "ms"}
        return json.dumps(document, indent=1, ensure_ascii=False).encode("utf-8", "replace")


_ROWS = {_BUILD: "scons", _BOOT: "console"}
"""The names of the rows _MAIN."""


def _named(what: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"name": what, "ph": "M", "pid": pid, "tid": tid, "args": {"name": name}}


class TimedConsole:
    """The phases of a boot, recognized by the lines of its console."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._start = trace.now()
        self._phase = "QEMU starts"

    def see(self, line: str) -> None:
        """Process a line of the console."""
        if line.startswith(("PASS ", "FAIL ", "RESULT: ")) or "Panic on CPU" in line:
            self._trace.moment(line)
        if line.startswith("(XEN) "):
            # While a dom0 runs, Xen prints lines, too.
            phase = "Xen" if self._phase == "QEMU starts" else self._phase
        else:
            phase = "guest" if line.strip() else self._phase
        if phase != self._phase:
            self._end(phase)

    def _end(self, following: str) -> None:
        self._trace.boot(self._phase, self._start)
        self._phase, self._start = following, self._trace.now()

    def close(self) -> None:
        """End the last phase."""
        self._end("")
