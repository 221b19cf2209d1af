# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Says in words why a step was run: what is different between two of its records."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import XenToolError

Entry = Mapping[str, Any]


def reasons(before: Entry | None, now: Entry) -> Iterator[str]:
    """What is different, in words; nothing where only the target itself had gone."""
    if before is None:
        yield "it was not built here before"
        return
    for symbol, value in now["values"].items():
        old = before["values"].get(symbol)
        if old is None:
            yield f"CONFIG_{symbol} counts now"
        elif old != value:
            yield f"CONFIG_{symbol} changed from {old or 'not set'} to {value or 'not set'}"
    for symbol in before["values"].keys() - now["values"].keys():
        yield f"CONFIG_{symbol} does not count any more"
    for name, signature in now["inputs"].items():
        if name not in before["inputs"]:
            yield f"{name} is read now"
        elif before["inputs"][name] != signature:
            yield f"{name} changed"
    for name in before["inputs"].keys() - now["inputs"].keys():
        yield f"{name} is not read any more"
    if before["toolchain"] != now["toolchain"]:
        programs = set(now["toolchain"].split(" ")) - set(before["toolchain"].split(" "))
        names = [program.rsplit(":", 2)[0] for program in sorted(programs)]
        yield f"the toolchain changed: {', '.join(names) or 'a program is not used any more'}"
    yield from _command_changes(before["command"], now["command"], now["inputs"])


def _command_changes(old: list[str], new: list[str], inputs: Mapping[str, str]) -> Iterator[str]:
    before, now = set(old), set(new)
    added = [word for word in new if word not in before and word not in inputs]
    removed = [word for word in old if word not in now and not os.path.exists(word)]
    if added:
        yield f"the command has {shlex.join(added)} now"
    if removed:
        yield f"the command has {shlex.join(removed)} no more"
    if not added and not removed and sorted(old) == sorted(new) and old != new:
        yield "the command has its words in another order"


def explain(env: Any, target: str) -> list[str]:
    """Why target was built when it last was, and what was built for it in the same run.

    Raises XenToolError if it is no target, or nothing is recorded of it.
    """
    record = env["XEN_RECORD"].kept
    steps: Mapping[str, Entry] = record.steps
    name = str(env.fs.File(target, env.fs.Top).get_path(env.fs.Top))
    if name not in steps:
        known = ", ".join(sorted(steps)) or "none: build something first"
        raise XenToolError(f"TARGET={target}: nothing is recorded of it; what is: {known}")
    lines = list(_explained(steps, name, 0, set()))
    if steps[name]["run"] < record.run:
        lines.insert(0, f"{name} was up to date in the last run; this is why it was built before")
    return lines


def _explained(steps: Mapping[str, Entry], name: str, depth: int, seen: set[str]) -> Iterator[str]:
    entry = steps[name]
    indent = "  " * depth
    yield f"{indent}{name} was built, because"
    for reason in entry["reasons"] or ["its file was missing"]:
        yield f"{indent}  - {reason}"
    for source in entry["inputs"]:
        step = steps.get(source)
        if step and step["run"] == entry["run"] and source not in seen:
            seen.add(source)
            yield from _explained(steps, source, depth + 1, seen)
