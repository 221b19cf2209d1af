# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Our compilations in a project's own env.CompilationDatabase(), which SCons' tool writes."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any

from SCons.Node.Python import Value

if TYPE_CHECKING:
    from .nodes import Graph

_MODULE = "SCons.Tool.compilation_db"
_ENTRIES = "__COMPILATION_DB_ENTRIES"
_OF_NODES = "compilation_db_entry_action"
"""What the module has where the entries are nodes, before SCons 4.9."""


class _Command:
    """Stands for the action of which the tool asks the command."""

    def __init__(self, graph: Graph, path: str) -> None:
        self._graph = graph
        self._path = path

    def strfunction(self, *_arguments: Any) -> str:
        """The command, when all is read."""
        self._graph.ready()
        return shlex.join(self._graph.plan.steps[self._path].argv())


class _Node(Value):  # type: ignore[misc]
    """An entry as SCons before 4.9 has it."""

    def __init__(self, command: _Command, node: Any, source: Any) -> None:
        super().__init__(str(node))
        self._entry = command, node, source
        self.Decider(lambda *_: True)

    def read(self) -> dict[str, Any]:
        """What is written of it."""
        command, node, source = self._entry
        return {
            "directory": node.fs.Top.abspath,
            "command": command.strfunction(),
            "file": source,
            "output": node,
        }


class CompilationDatabases:
    """The objects of a graph, told to SCons' tool if it is used."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._untold: list[tuple[Any, Any, Any]] = []

    def add(self, env: Any, node: Any, source: Any) -> None:
        """An object is to be told of."""
        self._untold.append((env, node, source))
        self.tell()

    def tell(self) -> None:
        """Tells of all, as soon as a project has the tool."""
        entries = getattr(sys.modules.get(_MODULE), _ENTRIES, None)
        if entries is None:
            return
        fs = self._graph.env.fs
        for env, path, source in self._untold:
            nodes = (fs.File(name, fs.Top) for name in (path, source))
            command = _Command(self._graph, path)
            if hasattr(sys.modules[_MODULE], _OF_NODES):
                entries.append(_Node(command, *nodes))
            else:
                entries.append((*nodes, env, command))
        self._untold.clear()
