# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The events that Perfetto's importer of JSON drops, written after src/trace_processor/importers/.

Perfetto itself is in no package that can be installed.
"""

from __future__ import annotations

import json
import re
from typing import Any

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def dropped(content: bytes) -> list[str]:
    """Return the names of those events of a trace that Perfetto would not show."""
    assert not _SURROGATE.search(content.decode()), "kInvalidEscapeSequence (json/json_parser.h)"
    open_: dict[tuple[int, int], list[tuple[int, int]]] = {}
    found = []
    events = [event for event in json.loads(content)["traceEvents"] if event["ph"] in "Xi"]
    # Perfetto's TraceSorter is stable, as sorted() is.
    for event in sorted(events, key=lambda event: int(event["ts"])):
        stack = open_.setdefault((event["pid"], event["tid"]), [])
        if not _fits(stack, event["ts"], event.get("dur", 0)):
            found.append(event["name"])
    return found


def _fits(stack: list[tuple[int, int]], start: int, duration: int) -> bool:
    """Whether a slice is disjoint from those of its track, or within one.

    SliceTracker::MaybeCloseStack (common/slice_tracker.cc).
    """
    for at, lasting in stack[::-1]:
        end = at + lasting
        if end < start or (end == start and (lasting or duration)):
            stack.pop()
        elif start < end < start + duration:
            return False
    stack.append((start, duration))
    return True


def read(content: bytes) -> list[dict[str, Any]]:
    """Return the events of a trace, of which Perfetto drops none."""
    assert dropped(content) == []
    document = json.loads(content)
    # The fields that the Trace Event Format demands.
    assert set(document) == {"traceEvents", "displayTimeUnit"}
    events: list[dict[str, Any]] = document["traceEvents"]
    for event in events:
        assert {"name", "ph", "pid", "tid"} <= event.keys()
        assert event["ph"] == "M" or event["ts"] >= 0
        assert event["ph"] != "X" or event["dur"] >= 0
        assert event["ph"] != "i" or event["s"] == "t"
    named = {(e["pid"], e["tid"]) for e in events if e["name"] == "thread_name"}
    assert named == {(e["pid"], e["tid"]) for e in events}
    return [event for event in events if event["ph"] != "M"]
