# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Targets as people type them: `vmlinux`, `arch/x86/xen/printk.o`, `printk.i`, `all`.

SCons asks find() for each target on the command line, when all SConscripts are read.  A
name means a file below the build directory if it is none itself; the .i and .s of a source
that is compiled are its preprocessed text and its assembler code.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import SCons.Node
from SCons.Node.Alias import default_ans
from SCons.Script import COMMAND_LINE_TARGETS, DEFAULT_TARGETS

from ...build.step import COMPILE
from ...functions import COMMANDS_FILE
from ...shortcut import listen
from .nodes import Graph

REPRODUCIBLE = "reproducible"
"""The target that builds twice, and compares."""
NINJA = "build.ninja"
"""The target that writes the plans for ninja."""
_SAME = {".i": "-E", ".s": "-S"}
"""What a compiler is told, in the place of -c, to make such a file."""
_graphs: list[Graph] = []


def listens() -> None:
    """Has what is read from now on noticed, if a target has to know it."""
    if NINJA in map(str, COMMAND_LINE_TARGETS):
        listen.start()


def know(graph: Graph) -> None:
    """Has the files of a graph found by their names."""
    if not _graphs:
        SCons.Node.arg2nodes_lookups.append(find)
    if graph not in _graphs:
        _graphs.append(graph)


def graphs() -> Sequence[Graph]:
    """The graphs whose files are found by their names."""
    return _graphs


def find(name: str, **where: Any) -> Any:
    """The node of a target on the command line; None if SCons is to look for it."""
    if "curdir" not in where:
        # A name in a SConscript.
        return None
    graph = _graphs[0]
    top = graph.top
    path = os.path.relpath(os.path.join(where["curdir"], name.removeprefix("#")), top)
    if name == "all":
        return _all(graph)
    if name == REPRODUCIBLE:
        from ..targets import reproducible

        return reproducible.target(_graphs, where["curdir"])
    if name == NINJA and not graph.is_known(path):
        from ..targets import ninja

        return ninja.target(_graphs)
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
    """All that is built if nothing is named."""
    (alias,) = graph.env.Alias("all", list(DEFAULT_TARGETS) or ".")
    return alias


def _made_instead(graph: Graph, path: str) -> Any:
    """The node of a file that is made of a source in the place of its object."""
    stem, suffix = os.path.splitext(path)
    step = graph.plan.steps.get(f"{stem}.o")
    if suffix not in _SAME or step is None or step.action != COMPILE:
        return None
    # Of assembler there is only one thing that comes before the object.
    is_assembler = not step.inputs[0].endswith((".c", ".cc", ".cpp", ".cxx", ".C"))
    word = "-E" if is_assembler else _SAME[suffix]
    flags = tuple(word if flag == "-c" else flag for flag in step.flags)
    graph.plan.add(
        step._replace(name="CPP" if word == "-E" else "ASM", outputs=(path,), flags=flags)
    )
    return graph.node(graph.env, path)


def _unknown(name: str) -> None:
    """Says what could be meant, if something could."""
    known = list(_short_names())
    suffix = os.path.splitext(name)[1]
    if suffix in _SAME:
        known = [f"{each[:-2]}{suffix}" if each.endswith(".o") else each for each in known]
    if near := nearest(name, known):
        print(f"scons: *** there is no target {name}; do you mean {near}?", file=sys.stderr)
        raise SystemExit(2)


def nearest(name: str, known: Sequence[str]) -> str:
    """The names that could be meant by one, as `A or B`; empty if there are none."""
    close = difflib.get_close_matches(name, known, 3)
    if not close:
        short = {os.path.basename(path): path for path in known}
        close = [short[n] for n in difflib.get_close_matches(os.path.basename(name), short, 3)]
    return " or ".join(close)


def _short_names() -> Iterator[str]:
    for graph in _graphs:
        for path in graph.plan.steps:
            yield path.removeprefix(f"{graph.plan.folder}/")
    yield from map(str, default_ans)
