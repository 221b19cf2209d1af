# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""SCons' nodes for the files of a plan.

SCons walks its graph as always.  A file of the plan is a StepFile: the judge of the plan
decides whether it is up to date, and its action runs all dirty steps for it in one run.  So
SCons sees no edges between files of the plan.  The prerequisites of a StepFile are only files
that SCons must make before: files of other builders, and files of the plan for which a
SConscript declares more than their step (Depends, AlwaysBuild, actions).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from SCons.Action import Action
from SCons.Builder import Builder
from SCons.Errors import BuildError, UserError
from SCons.Scanner import Scanner
from SCons.Script import GetOption

from ... import signals
from ...build.discover import Texts
from ...build.executor import StepEnd
from ...build.plan import Plan
from ...build.session import Session
from ...build.slots import Slots
from ...build.step import Step
from ...errors import XenToolError
from ...functions import COMMANDS_FILE, IMPORTS, commands_step, functions
from ...shortcut import audit, watch_messages
from .. import tracing
from ..paths import path_of
from .clean import clean
from .jobs import slots
from .others import Others
from .step_file import StepFile, is_special


class StepError(BuildError):  # type: ignore[misc]
    """The error of a failed step; SCons shows the output of the step, not the target."""

    def __init__(self, failure: StepEnd) -> None:
        self._path = failure.step.path
        status = failure.status if failure.status > 0 else 2
        super().__init__(errstr=failure.reason, status=status, exitstatus=2)

    @property
    def node(self) -> str:
        """The output of the step."""
        return self._path

    @node.setter
    def node(self, target: Any) -> None:
        """Ignore the target that SCons sets."""


class Graph:
    """The plan of one build directory, and its nodes in SCons' graph."""

    def __init__(self, env: Any) -> None:
        self._fs = env.fs
        self.env = env
        self.folder = env["XEN_BUILD"]
        self.plan = Plan(path_of(self.folder))
        self.show = tracing.lines(
            self.plan.folder,
            verbose=env["XEN_SETTINGS"].verbose,
            silent=bool(GetOption("silent")),
            passing=watch_messages.is_watched(),
        )
        self.session = Session(self.plan, functions(self.plan), IMPORTS, self.show)
        self.nodes: dict[str, Any] = {}
        """The nodes of files of the plan, by path."""
        self.elsewhere: dict[str, Any] = {}
        """The nodes of files of other build directories that are linked here, by path."""
        self.precompiled: list[str] = []
        """The paths of the precompiled headers of the plan."""
        self.generated: list[str] = []
        """The paths of headers that steps make, and that any source may include."""
        self.tables: dict[str, tuple[str, ...]] = {}
        """For each table of symbols: the script and the objects with which it can be linked."""
        self._mutex = threading.RLock()
        self._later: list[Callable[[], Iterable[Step]]] = []
        """Functions that return the steps that are not in the plan yet."""
        self.others = Others(self)
        self._shown: set[str] = set()
        """The paths of steps whose commands -n has shown."""
        self.texts = Texts()
        self._builder = Builder(
            action=Action(self._make, self._line),
            target_scanner=Scanner(function=self._scan, name="XenSteps"),
        )

    def node(self, env: Any, path: str) -> Any:
        """Return the node of a file of the plan; env: that of the node, if it is made now.

        Raises XenToolError if the path is that of a folder, or of another builder's file.
        """
        if path not in self.nodes:
            try:
                node = self._fs.File(path, self._fs.Top)
            except TypeError as error:
                raise XenToolError(
                    f"{path}: it, or a folder on the way to it, would be a file and a folder; "
                    "give one of them another name"
                ) from error
            if node.has_builder():
                raise XenToolError(f"{path} is made by another builder already")
            node.__class__ = StepFile
            node.attributes.xen_graph = self
            node.builder_set(self._builder)
            node.env_set(env)
            # The judge looks at existing outputs, and SCons' CacheDir does not know their inputs.
            node.set_precious()
            node.set_nocache()
            self.nodes[path] = node
        return self.nodes[path]

    @property
    def top(self) -> str:
        """The folder of the SConstruct."""
        return str(self._fs.Top.abspath)

    def is_known(self, path: str) -> bool:
        """Whether SCons has a node with a builder for a path from the top."""
        try:
            node = self._fs.Entry(path, self._fs.Top, False)
        except UserError:
            return False
        return bool(node.has_builder())

    def commands(self, path: str) -> Any:
        """Return the node of compile_commands.json at a path, and add the step that writes it."""
        self.ready()
        self.plan.add(commands_step(self.plan, path))
        return self.node(self.env, path)

    def later(self, steps: Callable[[], Iterable[Step]]) -> None:
        """Register a function that returns steps, called when all SConscripts are read."""
        self._later.append(steps)

    def ready(self) -> None:
        """Complete the plan by the steps of later(), when all SConscripts are read.

        Any thread may call this.
        """
        with self._mutex:
            self._add_steps()

    def _add_steps(self) -> None:
        """Add the steps of later() to the plan, and the step that writes all compile commands."""
        if self._later:
            audit.stop()
        while self._later:
            later, self._later = self._later, []
            for steps in later:
                for step in steps():
                    self.plan.add(step)
            path = f"{self.plan.folder}/{COMMANDS_FILE}"
            self.plan.steps.pop(path, None)
            self.plan.add(commands_step(self.plan, path))

    def is_clean(self, node: Any) -> bool:
        """Whether all steps with a name that a file needs are up to date.

        If they are, dirty steps without a name, which are not shown, are run here.
        """
        self.ready()
        if made := [*self.others.known, *self.elsewhere]:
            self.session.changed(made)
        start = tracing.now()
        dirty = self.session.dirty_steps([path_of(node)])
        tracing.judged(path_of(node), start)
        if any(step.name for step in dirty.values()):
            return False
        if dirty and not (GetOption("no_exec") or GetOption("question")):
            self.session.build(list(dirty), slots=Slots(1))
        return True

    def reasons(self, node: Any) -> list[str]:
        """Return a line PATH: REASON for each reason why a step that a file needs is dirty."""
        return [
            f"{step.path}: {reason}"
            for step in self.session.dirty_steps([path_of(node)]).values()
            for reason in self.session.judge.reasons(step, self.texts)
        ]

    def _line(self, target: Sequence[Any], source: Sequence[Any], env: Any) -> str:
        """Return what SCons prints before the action: with -n, the commands not shown yet."""
        if not GetOption("no_exec"):
            return ""
        dirty = self.session.dirty_steps(list(map(path_of, target)))
        dirty = {p: step for p, step in dirty.items() if step.name and p not in self._shown}
        self._shown.update(dirty)
        return "\n".join(map(self.show.line, dirty.values()))

    def _make(self, target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        """Run the dirty steps for a target: the action of a StepFile."""
        paths = [path_of(node) for node in target]
        forced = [path_of(node) for node in target if is_special(node)]
        try:
            with slots().lent():
                result = self.session.build(
                    paths,
                    slots=slots(),
                    keep_going=bool(GetOption("keep_going")),
                    force=forced,
                    made=self.others.files(),
                    signals=signals.descriptor(),
                )
        except XenToolError as error:
            raise UserError(str(error)) from error
        if result.interrupted:
            raise BuildError(node=target, errstr="interrupted", status=2, exitstatus=2)
        if result.failures:
            *others, last = result.failures
            for failure in others:
                print(f"scons: *** [{failure.step.path}] {failure.reason}", file=sys.stderr)
            raise StepError(last)

    def _scan(self, node: Any, env: Any, _path: Any) -> list[Any]:
        """Add the prerequisites of a file; return its inputs with --tree, else [].

        SCons calls this as a scanner.  With -c, clean() is called in place of both.
        """
        try:
            self.ready()
        except XenToolError as error:
            raise UserError(str(error)) from error
        if GetOption("clean"):
            clean(self, node)
            return []
        path = path_of(node)
        special = list(self.special(path))
        for each in special:
            if path_of(each) in self.nodes and path in self.others.made_of(each):
                raise UserError(
                    f"it is made of {each}, which a SConscript makes depend on it: "
                    "leave out one of the two"
                )
        before = [*self.others.needed_for(path), *special]
        if before:
            node.add_prerequisite(before)
        return self._shown_in_tree(path) if GetOption("tree_printers") else []

    def _shown_in_tree(self, path: str) -> list[Any]:
        """Return the nodes of all files that the step of a file reads."""
        step = self.plan.steps[path]
        names = [n for n in self.session.judge.inputs(step) if not n.endswith("/")]
        return [self._fs.File(name, self._fs.Top) for name in dict.fromkeys(names)]

    def special(self, path: str) -> Iterator[Any]:
        """Yield the nodes of files that a file needs and that SCons itself must build.

        These are files for which a SConscript declares more than their step, and files of
        other build directories.
        """
        for step in self.plan.closure([path]):
            yield from (self.elsewhere[name] for name in step.inputs if name in self.elsewhere)
            node = self.nodes.get(step.path)
            if node is None or step.path == path:
                continue
            # Requires() sets an order, but does not affect what is up to date.
            if is_special(node) or node.prerequisites:
                yield node


def graph_of(env: Any) -> Graph:
    """Return the graph of a build directory, which all its environments share."""
    attributes = env["XEN_BUILD"].attributes
    if not hasattr(attributes, "xen_graph"):
        attributes.xen_graph = Graph(env)
    graph: Graph = attributes.xen_graph
    return graph
