# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Remembers how each target was last built: to leave out what is up to date, and to say why.

$O/.steps.json, written at the end of a run that learned something:

    {"made_by": what wrote it, "run": N,
     "files": {FILE: [[its times, size, inode], signature]},
     "steps": {TARGET: {
        "command": argv, "toolchain": which programs,
        "inputs": {FILE: signature}, "absent": [FILE] or null,
        "values": {CONFIG_ symbol: value}, "outputs": {FILE: signature},
        "run": the run in which it was built, "reasons": [sentences]}}}

absent are the places where a header was looked for before it was found; null
where they are not known.  A target below $O that is not what its step made of
it is removed before SCons looks: SCons compares sources with its own record,
but never targets, and would take what a killed run left, or another program
wrote.  So an entry stays when its outputs are gone and nothing names them any
more: SCons forgets nothing, either.  Environments that share $O share the record.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import SCons
from SCons.Node import executed, up_to_date
from SCons.Script import GetOption, SetOption
from SCons.Util import hash_file_signature, hash_signature

from ..contents import Contents
from ..errors import XenToolError
from ..files import write_if_changed
from ..toolchain import identity
from . import explain
from .steps import Planned, Step, name_and_value, name_of

Entry = dict[str, Any]
_FILE = ".steps.json"
_SHAPE: dict[str, Any] = {
    "command": list,
    "toolchain": str,
    "inputs": dict,
    "absent": (list, type(None)),
    "values": dict,
    "outputs": dict,
    "run": int,
    "reasons": list,
}


class Kept:
    """What the file of one build directory says, and what this run adds to it."""

    def __init__(self, path: str, top: str) -> None:
        record = _read(path)
        self.path = path
        self.made_by = record["made_by"]
        self.run: int = record["run"]
        self.this_run = self.run + 1
        self.steps: dict[str, Entry] = record["steps"]
        self.contents = Contents(top, hash_file_signature, record["files"])
        self.dropped: set[str] = set()
        """Targets that were removed, as they were not what had been made."""
        self.held: set[str] = set()
        """Targets that are what had been made, before anything is built."""

    def read_as(self, made_by: str) -> None:
        """Doubts every entry, until it is made anew, if something else wrote it."""
        if self.made_by != made_by:
            self.made_by = made_by
            for entry in self.steps.values():
                entry["absent"] = None

    def write(self) -> None:
        """Raises XenToolError if the file cannot be written."""
        record = {
            "made_by": self.made_by,
            "run": self.run,
            "files": self.contents.known(),
            "steps": self.steps,
        }
        write_if_changed(self.path, json.dumps(record, separators=(",", ":")))


class Record:
    """The record of one environment's steps, and what is true now."""

    def __init__(self, env: Any) -> None:
        self._env = env
        attributes = env["XEN_BUILD"].attributes
        if not hasattr(attributes, "xen_kept"):
            path = str(env["XEN_BUILD"].File(_FILE).abspath)
            attributes.xen_kept = Kept(path, env.fs.Top.abspath)
        self.kept: Kept = attributes.xen_kept
        self.kept.read_as(_made_by(env))
        self.contents = self.kept.contents
        self._doubted: set[str] = set()
        # What is true before anything is built.
        self._inputs: dict[str, str | None] = {}
        self._present: dict[str, bool] = {}
        self._listed: dict[str, frozenset[str]] = {}
        self._derived: set[str] | None = None

    def drop_foreign_outputs(self) -> None:
        """Removes the targets that are not what their step made of them."""
        below = os.path.join(self._env["XEN_BUILD"].abspath, "")
        for step, entry in self.kept.steps.items():
            if self._holds_outputs(entry):
                self.kept.held.add(step)
                continue
            for name, signature in entry["outputs"].items():
                path = os.path.abspath(os.path.join(self._env.fs.Top.abspath, name))
                # A record that was copied with its folder may name files elsewhere.
                if path.startswith(below) and self.contents.of(name) not in (None, signature):
                    with contextlib.suppress(OSError):
                        os.unlink(path)
                        self.kept.dropped.add(step)

    def is_settled(self, step: Planned) -> bool:
        """Whether it is sure, by contents, that the step would make again what is there."""
        entry = self.kept.steps.get(step.path)
        settled = (
            entry is not None
            and step.is_plain()
            and entry["absent"] is not None
            and entry["toolchain"] == step.toolchain
            and self._holds_values(entry["values"])
            and self._holds_files(step.path, entry)
            and entry["command"] == step.argv()
        )
        if not settled:
            self._doubted.add(step.path)
        return settled

    def _holds_values(self, recorded: dict[str, str]) -> bool:
        values = self._env["XEN_CONFIG"].values
        return all(values.get(symbol) == value for symbol, value in recorded.items())

    def _holds_files(self, path: str, entry: Entry) -> bool:
        if self._derived is None:
            self._derived = set(_derived(self._env.fs))
        return (
            (path in self.kept.held or self._holds_outputs(entry))
            and all(self._input(name) == content for name, content in entry["inputs"].items())
            and not any(map(self._is_present, entry["absent"]))
        )

    def _holds_outputs(self, entry: Entry) -> bool:
        return all(self.contents.of(name) == content for name, content in entry["outputs"].items())

    def _input(self, name: str) -> str | None:
        if name not in self._inputs:
            assert self._derived is not None
            derived = name in self._derived
            self._inputs[name] = None if derived else self.contents.of(name)
        return self._inputs[name]

    def _is_present(self, name: str) -> bool:
        if name not in self._present:
            assert self._derived is not None
            self._present[name] = name in self._derived or self._is_file(name)
        return self._present[name]

    def _is_file(self, name: str) -> bool:
        """Most are not there: one look into their folder tells of all."""
        path = os.path.join(self._env.fs.Top.abspath, name)
        folder, base = os.path.split(path)
        if folder not in self._listed:
            try:
                self._listed[folder] = frozenset(os.listdir(folder))
            except OSError:
                self._listed[folder] = frozenset()
        return base in self._listed[folder] and os.path.isfile(path)

    def write(self) -> None:
        """Adds what was built in this run, and what of the rest had to be looked at."""
        built = [
            (name, step, step.targets[0].get_state() == executed)
            for name, step in self._env["XEN_STEPS"].items()
            if step.targets[0].get_state() == executed
            or (step.targets[0].get_state() == up_to_date and self._is_news(name))
        ]
        if not built:
            return
        kept = self.kept
        for name, step, is_new in built:
            old = kept.steps.get(name)
            entry = self._entry(step)
            if is_new:
                kept.run = entry["run"] = kept.this_run
                entry["reasons"] = list(explain.reasons(old, entry))
                if name in kept.dropped:
                    entry["reasons"].append("its file was not what had been made, and was removed")
            else:
                entry["reasons"] = old["reasons"] if old else ["what was recorded of it is lost"]
                entry["run"] = old["run"] if old else 0
            kept.steps[name] = entry
        try:
            kept.write()
        except XenToolError as error:
            print(f"xen_tool: note: why will not know of this run: {error}", file=sys.stderr)

    def _is_news(self, name: str) -> bool:
        return name in self._doubted or name not in self.kept.steps

    def _entry(self, step: Step) -> Entry:
        target = step.targets[0]
        toolchain = ""
        inputs: dict[str, str | None] = {}
        recorded: dict[str, str] = {}
        for child in target.children():
            name = str(child)
            kind = getattr(child.attributes, "xen_kind", None)
            if kind == "toolchain":
                toolchain = child.read()
            elif kind == "configuration":
                recorded.update(self._env["XEN_CONFIG"].values)
            elif kind == "symbol":
                symbol, text = name_and_value(child)
                recorded[symbol] = text
            elif kind is None:
                # What SCons knew before the step ran: the file may have been edited meanwhile.
                inputs[name] = child.get_csig()
        paths = [name_of(node) for node in target.ignore or ()]
        if named := getattr(target.attributes, "xen_named", None):
            paths += [each.path for each in named.objects]
        inputs |= {path: self.contents.of(path) for path in paths}
        return {
            "command": step.argv(),
            "toolchain": toolchain,
            "inputs": inputs,
            "absent": self._env["XEN_DEPENDENCIES"].absent(step.sources[0], step.scanned()),
            "values": recorded,
            "outputs": {name_of(t): self.contents.of(name_of(t)) for t in step.targets},
        }


def keep(env: Any, *, owned: bool) -> None:
    """Gives env its record, which is written when SCons ends, if the run owns $O."""
    record = env["XEN_RECORD"] = Record(env)
    # Of a step with several targets SCons asks the first.
    env.Clean(env["XEN_BUILD"].File(".config"), env["XEN_BUILD"].File(_FILE))
    # SCons would trust the times of files that are older than two days.
    SetOption("max_drift", -1)
    looks_only = any(GetOption(option) for option in ("no_exec", "question", "help", "clean"))
    if owned and not looks_only:
        record.drop_foreign_outputs()
        atexit.register(record.write)


def _made_by(env: Any) -> str:
    """What decides how an entry is to be read, beside the step itself."""
    package = Path(__file__).parent.parent
    modules = sorted([*(package / "cpp").glob("*.py"), *(package / "scons").glob("*.py")])
    words = [
        *(identity(str(module)) for module in modules),
        SCons.__version__,
        # A symbol that is new may have been mentioned before.
        *sorted(env["XEN_CONFIG"].values),
    ]
    return str(hash_signature("\n".join(words)))


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
    except (OSError, ValueError):
        record = None
    # A file of somebody else's, or a damaged one, is as good as none.
    try:
        whole = (
            isinstance(record["run"], int)
            and all(len(known[0]) == 4 for known in record["files"].values())
            and all(
                isinstance(step[key], kind)
                for step in record["steps"].values()
                for key, kind in _SHAPE.items()
            )
        )
    except (TypeError, LookupError, AttributeError):
        whole = False
    return dict(record) if whole else {"made_by": None, "run": 0, "files": {}, "steps": {}}


def _derived(fs: Any) -> Iterator[str]:
    """All files that SCons knows how to make."""
    todo = list(fs.Root.values())
    seen = set(todo)
    while todo:
        for node in todo.pop().entries.values():
            if node in seen:
                continue
            seen.add(node)
            if hasattr(node, "entries"):
                todo.append(node)
            elif node.has_builder():
                step = getattr(node.attributes, "xen_step", None)
                yield step.path if step else str(node)
