# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The target `why`: explains symbols and files.

NAME=VALUE: how a symbol can get a value.  NAME: what sets a symbol now.  TARGET=FILE: why a
file was built.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ...build import story
from ...build.record import FAILED, Record
from ...build.shared_fields import DamagedError
from ...build.step import Step
from ...build.story import Story
from ...config.explain.smallest_settings import about, why
from ...errors import XenToolError
from ..graph import short_names
from ..graph.nodes import Graph
from ..settings import Settings, print_json, wants_json

if TYPE_CHECKING:
    from ...config.targets import ConfigTargets


def answer(env: Any, names: Sequence[str]) -> None:
    """Print the answers as text, or as JSON (schema: build/story.py).

    names: the symbols of `why NAME`; NAME=VALUE and TARGET=FILE are among the settings.

    Raises XenToolError if there is no question, or for an unknown file or symbol.
    """
    typed: Settings = env["XEN_SETTINGS"]
    targets: ConfigTargets = env["XEN_CONFIG_TARGETS"]
    wanted = typed.get("TARGET")
    symbols = {
        f"{name}={text}": why(targets.load, env["XEN_CONFIG"].arch, name, text)
        for name, text in typed.kconfig.items()
    }
    for name in names:
        symbols[name] = about(targets.load, env["XEN_CONFIG"].arch, name)
    if not wanted and not symbols:
        raise XenToolError(
            "why needs a question: type `scons why XEN_PV=y`, `scons why XEN_PV` or "
            "`scons why TARGET=FILE`"
        )
    file = _file(env, wanted) if wanted else None
    if wants_json():
        document = {"schema": story.SCHEMA, **(file.as_json() if file else {})}
        print_json({**document, "symbols": symbols} if symbols else document)
        return
    lines = [
        *(file.as_text() if file else ()),
        *(line for each in symbols.values() for line in each),
    ]
    print("\n".join(lines))


class _File(NamedTuple):
    """The answer for a file: why it was built, and why it is to be built now."""

    path: str
    is_made: bool
    """Whether a step makes it."""
    next_build: Story | None
    """Why it is to be built now; None if it is up to date."""
    last_build: Story | None
    """Why it was built; None if no build of it that succeeded is recorded."""
    last_run: bool
    """Whether it was built in the last run."""

    def as_json(self) -> dict[str, object]:
        """Return the answer as JSON."""
        return {
            "target": self.path,
            "due": self.next_build and self.next_build.as_json(),
            "built": self.last_build and self.last_build.as_json(),
            "last_run": self.last_run,
        }

    def as_text(self) -> Iterator[str]:
        """Yield the answer as lines of text."""
        if not self.is_made:
            yield f"{self.path} is not made by this build; this is why it was built before"
        elif self.last_build and not self.last_run:
            yield f"{self.path} was up to date in the last run; this is why it was built before"
        if self.last_build:
            yield f"{self.path} was built, because"
            yield from story.as_text(self.path, self.last_build)
        if self.next_build:
            what = "not up to date now" if self.last_build else "to be built"
            yield f"{self.path} is {what}, because"
            yield from story.as_text(self.path, self.next_build)


def _file(env: Any, name: str) -> _File:
    """Return the answer for a file, whose name may be short."""
    graph, records, path = _found(env, name)
    database, judge = graph.session.database, graph.session.judge
    step, record = graph.plan.steps.get(path), records.get(path)
    if record and record.dirty == FAILED:
        record = None
    dirty = [s for s in graph.session.dirty_steps([path]).values() if _matters(graph, s, path)]
    if step not in dirty:
        # Another step on the way is dirty, whose output this file does not read.
        dirty = []
    outputs = [output for each in dirty for output in each.outputs]
    reasons = {each.path: judge.reasons(each, graph.texts) for each in dirty}
    return _File(
        path=step.path if step else path,
        is_made=step is not None,
        next_build=story.story(reasons, outputs) if dirty else None,
        last_build=story.of_last_build(database, records, path) if record else None,
        last_run=record is not None and record.run == str(database.run),
    )


def _matters(graph: Graph, step: Step, path: str) -> bool:
    """Whether to mention a step: not those that only write configuration files."""
    return bool(step.name) and (
        path in step.outputs or graph.plan.configured.isdisjoint(step.outputs)
    )


def _found(env: Any, name: str) -> tuple[Graph, Mapping[str, Record], str]:
    """Return the graph, the records and the path of a file, whose name may be short.

    Raises XenToolError if no file, or more than one, has the name.
    """
    default: Graph = env["XEN_GRAPH"]
    graphs = sorted(short_names.graphs(), key=lambda graph: graph is not default)
    recorded = {graph: _recorded(graph) for graph in graphs}
    files = {
        path: graph for graph in reversed(graphs) for path in (*graph.plan.steps, *recorded[graph])
    }
    path = os.path.relpath(os.path.join(default.top, name), default.top)
    places = [path, *(f"{graph.plan.folder}/{path}" for graph in graphs)]
    found = [place for place in places if place in files][:1]
    found = found or sorted(each for each in files if each.endswith(f"/{path}"))
    if not found:
        raise XenToolError(f"TARGET={name}: {_why_not(default, path, list(files))}")
    if len(found) > 1:
        raise XenToolError(f"TARGET={name}: which of {', '.join(found)}?")
    graph = files[found[0]]
    return graph, recorded[graph], found[0]


def _recorded(graph: Graph) -> Mapping[str, Record]:
    """Return the records of a graph's steps by path; {} if the database is damaged."""
    graph.ready()
    try:
        return story.recorded(graph.session.database)
    except DamagedError:
        return {}


def _why_not(graph: Graph, path: str, files: Sequence[str]) -> str:
    """Return why a path is none of the files of steps, as the end of a message."""
    if path in graph.others.files():
        return f"another builder makes it; type `scons --debug=explain {path}`"
    if os.path.lexists(os.path.join(graph.top, path)):
        return "this is a source: no step makes it"
    return f"no step makes it{short_names.nearest(path, files)}"
