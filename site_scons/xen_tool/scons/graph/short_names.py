# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find targets by short names: `vmlinux`, `arch/x86/xen/printk.o`, `printk.i`, `all`.

SCons calls find() for each target on the command line, when all SConscripts are read.  A name
that is not a file itself means a file below the build directory.  The .i and .s of a compiled
source are its preprocessed text and its assembler code.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import SCons.Node
from SCons.Node.Alias import default_ans
from SCons.Script import COMMAND_LINE_TARGETS, DEFAULT_TARGETS

from ...build.step import COMPILE
from ...errors import suggestion
from ...functions import COMMANDS_FILE
from ...shortcut import audit
from .. import tracing
from ..suffixes import COMPILED
from .nodes import Graph

REPRODUCIBLE = "reproducible"
"""The target that builds twice and compares."""
SIZE = "size"
"""The target that prints the sizes of the parts of an image."""
REPORT = "report"
"""The target that writes a page about an image."""
NINJA = "build.ninja"
"""The target that writes the plans for ninja."""
TARGETS = {
    REPRODUCIBLE: "..targets.reproducible",
    SIZE: "..targets.size",
    REPORT: "..targets.report",
    tracing.TRACE: "..tracing",
    NINJA: "..targets.ninja",
}
"""The module of each target that is found here; its target(graphs, folder) returns the node."""
_STEPS = {".i": "CPP", ".s": "ASM"}
"""The name of the step that makes a file of this suffix from a source."""
_graphs: list[Graph] = []
"""The graphs whose files find() finds; the first is of the first env.XenConfigure()."""


def record_reading() -> None:
    """Start recording which files SConscripts read, if the target build.ninja is requested."""
    if NINJA in map(str, COMMAND_LINE_TARGETS):
        audit.start()


def add(graph: Graph) -> None:
    """Let find() find the files of a graph."""
    if not _graphs:
        SCons.Node.arg2nodes_lookups.append(find)
    if graph not in _graphs:
        _graphs.append(graph)


def graphs() -> Sequence[Graph]:
    """Return the graphs that find() searches."""
    return _graphs


def find(name: str, **where: Any) -> Any:
    """Return the node of a target on the command line; None if SCons shall find it.

    where: curdir, the folder that the name is relative to, if it is from the command line.
    """
    if "curdir" not in where:
        # A name in a SConscript, not on the command line.
        return None
    graph = _graphs[0]
    top = graph.top
    path = os.path.relpath(os.path.join(where["curdir"], name.removeprefix("#")), top)
    if name == "all":
        return _all(graph)
    if name in TARGETS and not graph.is_known(path):
        return import_module(TARGETS[name], __package__).target(_graphs, where["curdir"])
    if name == COMMANDS_FILE and not graph.is_known(path):
        return graph.commands(path)
    if graph.is_known(path) or os.path.lexists(os.path.join(top, path)):
        return None
    for each in _graphs:
        for place in (path, f"{each.plan.folder}/{path}"):
            each.ready()
            if place in each.plan.steps:
                return each.node(each.env, place)
            if (made := _made_instead(each, place)) is not None:
                return made
    return _unknown(name)


def _all(graph: Graph) -> Any:
    """Return the node of the target all, which stands for the default targets."""
    (alias,) = graph.env.Alias("all", list(DEFAULT_TARGETS) or ".")
    return alias


def _made_instead(graph: Graph, path: str) -> Any:
    """Return the node of a .i or .s file of a compiled source, and add its step; else None."""
    stem, suffix = os.path.splitext(path)
    step = graph.plan.steps.get(f"{stem}.o")
    if suffix not in _STEPS or step is None or step.action != COMPILE:
        return None
    # The .s of an assembler source is its preprocessed text, too.
    is_assembler = COMPILED.get(os.path.splitext(step.inputs[0])[1]) == "assembler"
    name = "CPP" if is_assembler else _STEPS[suffix]
    words = ["-E"] if name == "CPP" else graph.env["XENASMFLAGS"]
    # The last word of the flags is -c.
    flags = (*step.flags[:-1], *words)
    graph.plan.add(step._replace(name=name, outputs=(path,), flags=flags))
    return graph.node(graph.env, path)


def _unknown(name: str) -> None:
    """End the run with a message that names similar targets, if there are any."""
    known = list(_short_names())
    suffix = os.path.splitext(name)[1]
    if suffix in _STEPS:
        known = [f"{each[:-2]}{suffix}" if each.endswith(".o") else each for each in known]
    if near := nearest(name, known):
        print(f"scons: *** there is no target {name}{near}", file=sys.stderr)
        raise SystemExit(2)


def nearest(name: str, known: Sequence[str]) -> str:
    """Return the end of a message: targets of similar names; "" if there are none."""
    close = difflib.get_close_matches(name, known, 3)
    if not close:
        short = {os.path.basename(path): path for path in known}
        close = [short[n] for n in difflib.get_close_matches(os.path.basename(name), short, 3)]
    return suggestion(close)


def _short_names() -> Iterator[str]:
    """Yield the paths of files of plans below their build directory, and the names of aliases."""
    for graph in _graphs:
        for path in graph.plan.steps:
            yield path.removeprefix(f"{graph.plan.folder}/")
    yield from map(str, default_ans)
