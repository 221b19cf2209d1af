# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Add our compile commands to a project's env.CompilationDatabase() of SCons' own tool."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from SCons.Node.Python import Value
from SCons.Tool import compilation_db

if TYPE_CHECKING:
    from .nodes import Graph

_ENTRIES: list[Any] = compilation_db.__COMPILATION_DB_ENTRIES
_ARE_NODES = hasattr(compilation_db, "compilation_db_entry_action")
"""Whether entries are nodes, as before SCons 4.9."""


class _Command:
    """Stands in for the action from which SCons' tool takes the command."""

    def __init__(self, graph: Graph, path: str) -> None:
        self._graph = graph
        self._path = path

    def strfunction(self, *_arguments: Any) -> str:
        """Return the command; called when all SConscripts are read."""
        self._graph.ready()
        return shlex.join(self._graph.plan.steps[self._path].argv())


class _Source:
    """Stands in for the node of a source, which is created on first use."""

    def __init__(self, graph: Graph, path: str) -> None:
        self._graph = graph
        self._path = path

    def __getattr__(self, name: str) -> Any:
        fs = self._graph.env.fs
        return getattr(fs.File(self._path, fs.Top), name)


class _Node(Value):  # type: ignore[misc]
    """An entry for SCons before 4.9, whose entries are nodes."""

    def __init__(self, command: _Command, node: Any, source: _Source) -> None:
        super().__init__(str(node))
        self._entry = command, node, source
        self.Decider(lambda *_: True)

    def read(self) -> dict[str, Any]:
        """Return the entry as it is written."""
        command, node, source = self._entry
        return {
            "directory": node.fs.Top.abspath,
            "command": command.strfunction(),
            "file": source,
            "output": node,
        }


def add(graph: Graph, env: Any, path: str, source: str) -> None:
    """Add the command of an object, whether the project uses the tool or not."""
    command, node, of = _Command(graph, path), graph.node(env, path), _Source(graph, source)
    _ENTRIES.append(_Node(command, node, of) if _ARE_NODES else (node, of, env, command))
