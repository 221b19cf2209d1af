# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find what a command line requests: files of plans, and files of other builders they need.

Used by through.py for a reading: shortcut/ can build the files of plans without SCons as long
as neither the sources nor the outputs of other builders change.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import SCons.Node
from SCons.Environment import AliasBuilder
from SCons.Node.Alias import Alias
from SCons.Node.FS import Dir, File, get_default_fs
from SCons.Script import BUILD_TARGETS, COMMAND_LINE_TARGETS, DEFAULT_TARGETS

from ...files import is_in
from ...light import NamedTuple
from ..paths import path_of
from . import short_names
from .nodes import Graph
from .step_file import StepFile, is_special


class Request(NamedTuple):
    """The files that a command line requests."""

    plans: list[tuple[Graph, list[str]]]
    """The graph of each plan, and the paths of its files that are requested or needed."""
    files: list[str]
    """Inputs of other builders, absolute."""
    made: list[str]
    """Outputs of other builders, absolute."""
    others_follow: bool
    """Whether other builders read outputs of a plan, or make files that a step could read."""
    tops: list[list[str]]
    """The name of each target, and the files of plans that it stands for."""
    unknown: str
    """Why the request cannot be built without SCons; "" if it can."""


class _UnknownError(Exception):
    """A request cannot be built without SCons; the message says why."""


def look() -> Request:
    """Return the request; called when all SConscripts are read."""
    try:
        return _look()
    except _UnknownError as why:
        return Request([], [], [], False, [], str(why))


def _look() -> Request:
    """Return the request; raise _UnknownError if it cannot be built without SCons."""
    todo = [node_of(target) for target in BUILD_TARGETS]
    tops = list(dict.fromkeys(node.disambiguate() for node in todo))
    for node in tops:
        if not node.has_builder():
            raise _UnknownError(f"nothing makes {node}")
    found = _Found()
    seen = set(todo)
    while todo:
        children = found.add(todo.pop(0).disambiguate())
        todo += [child for child in children if child not in seen]
        seen.update(children)
    plans = [(graph, list(paths)) for graph, paths in found.targets.items()]
    # Files that no step reads are not checked; a dirty step may come to read them.
    others = (
        node
        for graph, paths in plans
        for path in paths
        for node in graph.others.could_be_needed_for(path)
    )
    follows = found.others_follow or any(node.get_abspath() not in found.made for node in others)
    names = [[str(node), *_files_of(node)] for node in tops]
    return Request(plans, list(found.files), list(found.made), follows, names, "")


class _Found:
    """The files that a walk through SCons' graph has come to; dicts, as ordered sets."""

    def __init__(self) -> None:
        self.targets: dict[Graph, dict[str, None]] = {}
        self.files: dict[str, None] = {}
        self.made: dict[str, None] = {}
        self.others_follow = False
        """Whether another builder makes a file from one that a plan makes."""

    def add(self, node: Any) -> Sequence[Any]:
        """Add a node; return the nodes that must be made before it.

        Raises _UnknownError if only SCons can make it.
        """
        if isinstance(node, StepFile):
            return self._add_of_plan(node)
        if isinstance(node, Alias):
            if node.has_builder() and (node.always_build or _has_action(node)):
                raise _UnknownError(f"{node} has an action")
            return list(node.children())
        if isinstance(node, File):
            return self._add_of_others(node)
        if isinstance(node, SCons.Node.Python.Value):
            return []
        raise _UnknownError(f"{node} is {'a folder' if isinstance(node, Dir) else 'no file'}")

    def _add_of_plan(self, node: StepFile) -> list[Any]:
        graph: Graph = node.attributes.xen_graph
        path = path_of(node)
        graph.ready()
        special = [node] if is_special(node) or node.prerequisites else [*graph.special(path)]
        if special:
            raise _UnknownError(f"a SConscript asks more of {special[0]} than its step")
        self.targets.setdefault(graph, {})[path] = None
        return graph.others.needed_for(path)

    def _add_of_others(self, node: Any) -> list[Any]:
        if node.has_builder() and (node.always_build or node.side_effects):
            raise _UnknownError(f"{node} is always built")
        children = [*node.children(), *(node.prerequisites or ())]
        (self.made if node.has_builder() else self.files)[node.get_abspath()] = None
        if any(isinstance(child, StepFile) for child in children):
            self.others_follow = True
        return children


def _files_of(node: Any) -> list[str]:
    """Return the paths of the files of plans that a target stands for; [] if there are none."""
    if isinstance(node, StepFile):
        return [path_of(node)]
    children = node.children() if isinstance(node, Alias) else []
    return [path for child in children for path in _files_of(child)]


def outputs() -> tuple[list[str], list[str]]:
    """Return the build directories, and outputs outside of them, all absolute."""
    folders = []
    files: dict[str, None] = {}
    for graph in short_names.graphs():
        graph.ready()
        folders.append(graph.folder.abspath)
        others = (node.get_abspath() for node in graph.others.files().values())
        files.update(dict.fromkeys([*others, *map(os.path.abspath, graph.plan.steps)]))
    return folders, [path for path in files if not any(is_in(path, each) for each in folders)]


def _has_action(node: Any) -> bool:
    """Whether a SConscript gave an alias an action."""
    executor = node.get_executor()
    # Without an action, SCons gives an alias a builder of its own that does nothing.
    return node.builder is not AliasBuilder and bool(executor and executor.get_action_list())


def arguments() -> list[str]:
    """Return the arguments of this command line without targets and -C."""
    targets = set(map(str, COMMAND_LINE_TARGETS))
    found: list[str] = []
    words = iter(sys.argv[1:])
    for word in words:
        if word in ("-C", "--directory"):
            next(words, None)
        elif word not in targets and not word.startswith(("-C", "--directory=")):
            found.append(word)
    return found


def requested_besides(target: str) -> list[str]:
    """Return the targets on the command line other than this one."""
    return [str(each) for each in COMMAND_LINE_TARGETS if str(each) != target]


def nodes_besides(target: str, folder: str) -> list[Any]:
    """Return the nodes of the other targets on the command line, else of the default targets.

    Names on the command line are relative to folder.
    """
    names = requested_besides(target)
    return [node_of(name, folder) for name in names] or list(DEFAULT_TARGETS)


def node_of(target: Any, folder: str = "") -> Any:
    """Return the node of a target, which is a node or a name relative to a folder."""
    if isinstance(target, SCons.Node.Node):
        return target
    folder = folder or os.getcwd()
    for lookup in SCons.Node.arg2nodes_lookups:
        node = lookup(target, curdir=folder)
        if node is not None:
            return node
    fs = get_default_fs()
    return fs.Entry(target, fs.Dir(folder), create=1).disambiguate()
