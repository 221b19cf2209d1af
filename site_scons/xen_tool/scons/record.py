# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Remembers how each target was last built, to say why it was built again.

$O/.steps.json, written at the end of a run in which something was built:

    {"run": N, "steps": {TARGET: {
        "command": argv, "inputs": {FILE: signature},
        "values": {CONFIG_ symbol: value}, "toolchain": which programs,
        "run": the run in which it was built, "reasons": [sentences]}}}

Nothing is decided by it.
"""

from __future__ import annotations

import atexit
import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from SCons.Node import executed
from SCons.Script import GetOption

from ..errors import XenToolError
from ..files import write_if_changed
from .steps import Step

Entry = dict[str, Any]
_FILE = ".steps.json"
_VALUES = "include/config/"


def keep(env: Any) -> None:
    """Has the record of env's build directory written when SCons ends."""
    # Of a step with several targets SCons asks the first.
    env.Clean(env["XEN_BUILD"].File(".config"), env["XEN_BUILD"].File(_FILE))
    atexit.register(_write, env)


def _write(env: Any) -> None:
    if any(GetOption(option) for option in ("no_exec", "question", "help", "clean")):
        return
    built = {
        name: step
        for name, step in env["XEN_STEPS"].items()
        if step.targets[0].get_state() == executed
    }
    if not built:
        return
    record = _read(env)
    record["run"] += 1
    for name, step in built.items():
        entry = _entry(env, step)
        entry["reasons"] = list(_reasons(record["steps"].get(name), entry))
        entry["run"] = record["run"]
        record["steps"][name] = entry
    try:
        write_if_changed(_path(env), json.dumps(record))
    except XenToolError as error:
        print(f"xen_tool: note: why will not know of this run: {error}", file=sys.stderr)


def _path(env: Any) -> str:
    return str(env["XEN_BUILD"].File(_FILE).abspath)


def _read(env: Any) -> dict[str, Any]:
    try:
        with open(_path(env), encoding="utf-8") as file:
            record = json.load(file)
    except (OSError, ValueError):
        record = None
    # A file of somebody else's, or a damaged one, is as good as none.
    keys = ("command", "inputs", "values", "toolchain", "run", "reasons")
    try:
        whole = isinstance(record["run"], int) and all(
            step[key] is not None for step in record["steps"].values() for key in keys
        )
    except (TypeError, KeyError, AttributeError):
        whole = False
    if not whole:
        return {"run": 0, "steps": {}}
    return dict(record)


def _entry(env: Any, step: Step) -> Entry:
    entry: Entry = {"command": step.argv(), "inputs": {}, "values": {}, "toolchain": ""}
    values = env["XEN_CONFIG"].values
    folder = str(env["XEN_BUILD"].Dir(_VALUES)) + os.sep
    for child in step.targets[0].children():
        name = str(child)
        kind = getattr(child.attributes, "xen_kind", None)
        if kind == "toolchain":
            entry["toolchain"] = child.read()
        elif kind == "configuration":
            entry["values"].update(values)
        elif name.startswith(folder):
            symbol = name.removeprefix(folder)
            if symbol in values:
                entry["values"][symbol] = values[symbol]
        else:
            entry["inputs"][name] = child.get_csig()
    return entry


def _reasons(before: Entry | None, now: Entry) -> Iterator[str]:
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
    added = [word for word in new if word not in old and word not in inputs]
    removed = [word for word in old if word not in new and not os.path.exists(word)]
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
    record = _read(env)
    steps: dict[str, Entry] = record["steps"]
    name = str(env.fs.File(target, env.fs.Top).get_path(env.fs.Top))
    if name not in steps:
        known = ", ".join(sorted(steps)) or "none: build something first"
        raise XenToolError(f"TARGET={target}: nothing is recorded of it; what is: {known}")
    lines = list(_explained(steps, name, 0, set()))
    if steps[name]["run"] < record["run"]:
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
