# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find the files of other builders of SCons that a step needs.

On the first build these are all files that the step could read; later those that it read.
Files that it could read, but that can only be made after it, are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...build.step import Step
from ...toolchain import words
from ..paths import path_of
from ..suffixes import INCLUDED
from .step_file import StepFile

if TYPE_CHECKING:
    from .nodes import Graph


class Others:
    """The files of other builders, for the steps of one graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.known: dict[str, Any] = {}
        """The nodes of all of them by path; empty until files() is called."""
        self._is_known = False
        self._origins: dict[str, set[str]] = {}
        """The result of made_of() for each file."""
        self._before: dict[str, set[str]] = {}
        """The results of _made_before()."""

    def needed_for(self, path: str) -> list[Any]:
        """Return the files of other builders that must be made before a file.

        These are the files that its steps read in their last run; for a step that is dirty
        or has not run, all files in the folders that its command searches.
        """
        derived = self.files()
        if not derived:
            return []
        found: dict[str, Any] = {}
        for step in self._graph.plan.closure([path]):
            certain, possible = self._needs(step)
            for name in certain:
                if step.path not in self._origins[name]:
                    found[name] = derived[name]
            for name in possible:
                if name not in found and step.path not in self._made_before(name):
                    found[name] = derived[name]
        return list(found.values())

    def could_be_needed_for(self, path: str) -> Iterator[Any]:
        """Yield the files of other builders that the steps for a file could read.

        All could be read but those that are made of the outputs of all these steps.
        """
        steps = {step.path for step in self._graph.plan.closure([path]) if step.is_command}
        derived = self.files()
        return (derived[name] for name in derived if not steps <= self._origins[name])

    def _needs(self, step: Step) -> tuple[list[str], list[str]]:
        """Return the paths of files of other builders: those that a step reads, and could read.

        The second list is empty for a step that has run and is not dirty, or is no command.
        """
        judge = self._graph.session.judge
        derived = self.files()
        read = {self._from_top(name) for name in (*judge.inputs(step), *step.after)}
        certain = [name for name in derived if name in read]
        record = self._graph.session.database.get(step.path)
        if record is not None and not judge.is_dirty(step):
            looked = judge.lookups(record)
            searched = {self._from_top(folder) for folder in looked.folders}
            for name in derived:
                folder, base = os.path.split(name)
                if base in looked.names and (folder or os.curdir) in searched:
                    certain.append(name)
            return certain, []
        if not step.is_command:
            return certain, []
        named, possible = self._needs_of_command(step)
        return [*certain, *named], possible

    def _needs_of_command(self, step: Step) -> tuple[list[str], list[str]]:
        """Return the same for a dirty step, by its command and the text of its sources alone."""
        derived = self.files()
        argv = words.flatten(step.argv())
        named = {self._from_top(name) for name in words.names(argv)}
        searched = words.search_folders(argv)
        texts = [text for text in map(self._graph.texts.of, step.inputs) if text.embeds]
        named |= {
            self._from_top(os.path.join(folder, name))
            for text in texts
            for name in text.literal
            for folder in ("", *searched)
        }
        folders = {self._from_top(f) for f in (*searched, *map(os.path.dirname, step.inputs))}
        embeds_any = not all(text.is_literal for text in texts)
        return [name for name in derived if name in named], [
            name
            for name in derived
            if embeds_any or any(_could_name(folder, name) for folder in folders)
        ]

    def _made_before(self, name: str) -> set[str]:
        """Return the paths of the steps that run before a file of another builder is made.

        These are the steps from whose outputs it is made, and in turn those from whose outputs a
        file is made that one of these steps could read.
        """
        if name not in self._before:
            before = set(self._origins[name])
            todo = list(before)
            while todo:
                for names in self._needs(self._graph.plan.steps[todo.pop()]):
                    for other in names:
                        todo += self._origins[other] - before
                        before |= self._origins[other]
            self._before[name] = before
        return self._before[name]

    def _from_top(self, path: str) -> str:
        """Return a path as SCons names its node: relative to the top, unless it is not below it."""
        return os.path.normpath(path).removeprefix(f"{self._graph.top}/")

    def made_of(self, node: Any) -> set[str]:
        """Return the paths of the steps from whose outputs a file is made.

        These are found by what SConscripts and the plan declare, not by what was read.
        """
        seen: set[Any] = set()
        steps: set[str] = set()
        todo = [node]
        while todo:
            each = todo.pop()
            if each in seen:
                continue
            seen.add(each)
            if isinstance(each, StepFile):
                for step in self._graph.plan.closure([path_of(each)]):
                    if step.path not in steps:
                        steps.add(step.path)
                        names = (*step.inputs, *step.after)
                        todo += [self.known[name] for name in names if name in self.known]
            todo += each.sources or ()
            todo += each.depends or ()
            todo += each.prerequisites or ()
        return steps

    def files(self) -> dict[str, Any]:
        """Return the nodes of all files of other builders by path."""
        if not self._is_known:
            self._is_known = True
            self.known = dict(_derived(self._graph.env.fs))
            # SCons drops the sources of a file once it is made.
            self._origins = {name: self.made_of(node) for name, node in self.known.items()}
        return self.known


def _could_name(folder: str, path: str) -> bool:
    """Whether a source could name a file by its path from a searched folder.

    Of files in folders below it, only those with a suffix of headers and the like count.
    """
    prefix = "" if folder == os.curdir else f"{folder}/"
    rest = path.removeprefix(prefix)
    return path.startswith(prefix) and ("/" not in rest or rest.endswith(INCLUDED))


def _derived(fs: Any) -> Iterator[tuple[str, Any]]:
    """Yield path and node of each file that a builder of SCons makes, and no step."""
    todo = list(fs.Root.values())
    seen = set(todo)
    while todo:
        for node in list(todo.pop().entries.values()):
            if node in seen:
                continue
            seen.add(node)
            if hasattr(node, "entries"):
                todo.append(node)
            elif not isinstance(node, StepFile) and node.has_builder():
                yield path_of(node), node
