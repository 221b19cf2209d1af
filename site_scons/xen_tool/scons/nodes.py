# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""SCons' nodes of what the plan makes, and the files of other builders that it reads.

SCons walks its graph as always.  A file of the plan is a StepFile: whether it is up to
date the plan's judge answers, and its action builds all that is due for it, in one run.
So SCons sees no edges between the plan's own files; a StepFile has as prerequisites only
what others must make before: files of other builders, and files of the plan of which a
SConscript asks more than their step.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from SCons.Action import Action
from SCons.Builder import Builder
from SCons.Errors import BuildError, UserError
from SCons.Node import executed
from SCons.Node.FS import File
from SCons.Scanner import Scanner
from SCons.Script import GetOption

from .. import signals
from ..build.database import FILE as DATABASE
from ..build.discover import Texts
from ..build.lock import FILE as LOCK
from ..build.plan import Plan
from ..build.runner import Failure
from ..build.session import Session
from ..build.slots import Slots
from ..build.step import Step
from ..errors import XenToolError
from ..functions import CHECK, COMMANDS_FILE, IMPORTS, commands_step, functions
from ..progress import Lines
from ..shortcut import listen
from ..toolchain import words
from .flags import path_of
from .jobs import slots

_INCLUDED = (".h", ".hh", ".hpp", ".hxx", ".inc", ".inl", ".def", ".lds", ".ld")
"""How names end of what is included from a folder below one that is searched."""


SCONSIGN_FILES = (".sconsign.dblite",)
"""What SCons makes of the name .sconsign in a build directory."""
ZIG_CACHE = ".zig-cache"


class StepFile(File):  # type: ignore[misc]
    """A file that a step of a plan makes."""

    __slots__ = ()

    def is_up_to_date(self) -> bool:
        """Whether nothing is due; what a SConscript asks besides is for SCons to judge."""
        graph: Graph = self.attributes.xen_graph
        return graph.is_clean(self) and (not is_special(self) or bool(super().is_up_to_date()))

    def get_csig(self) -> str:
        """The signature for what depends on it: another one if -n says that it would be made."""
        if GetOption("no_exec") and self.get_state() == executed:
            return "made"
        return str(super().get_csig())

    def explain(self) -> str:
        """What --debug=explain says."""
        graph: Graph = self.attributes.xen_graph
        return "".join(f"{line}\n" for line in graph.reasons(self))


class StepError(BuildError):  # type: ignore[misc]
    """A step that failed: SCons shows it, and not the target for which it ran."""

    def __init__(self, failure: Failure) -> None:
        self._path = failure.step.path
        status = failure.status if failure.status > 0 else 2
        super().__init__(errstr=failure.reason, status=status, exitstatus=2)

    @property
    def node(self) -> str:
        """The step's output."""
        return self._path

    @node.setter
    def node(self, target: Any) -> None:
        """SCons tells the target."""


class Graph:
    """The plan of one build directory, and its nodes."""

    def __init__(self, env: Any) -> None:
        self._fs = env.fs
        self.env = env
        self.folder = env["XEN_BUILD"]
        self.plan = Plan(path_of(self.folder))
        self.show = Lines(verbose=env["XEN_SETTINGS"].verbose, silent=bool(GetOption("silent")))
        self.session = Session(self.plan, functions(self.plan), IMPORTS, self.show)
        self.nodes: dict[str, Any] = {}
        self.precompiled: list[str] = []
        """The precompiled headers among the nodes."""
        self._mutex = threading.RLock()
        self._later: list[Callable[[], Iterable[Step]]] = []
        self._derived: dict[str, Any] | None = None
        self._origins: dict[str, set[str]] = {}
        self._shown: set[str] = set()
        self.texts = Texts()
        self._builder = Builder(
            action=Action(self._make, self._line),
            target_scanner=Scanner(function=self._scan, name="XenSteps"),
        )

    def node(self, env: Any, path: str) -> Any:
        """The node of a file of the plan."""
        if path not in self.nodes:
            node = self._fs.File(path, self._fs.Top)
            if node.has_builder():
                raise XenToolError(f"{path} is made by another builder already")
            node.__class__ = StepFile
            node.attributes.xen_graph = self
            node.builder_set(self._builder)
            node.env_set(env)
            # The judge looks at what is there, and SCons' cache knows nothing of inputs.
            node.set_precious()
            node.set_nocache()
            self.nodes[path] = node
        return self.nodes[path]

    @property
    def top(self) -> str:
        """The folder of the SConstruct."""
        return str(self._fs.Top.abspath)

    def is_known(self, path: str) -> bool:
        """Whether SCons has a node of a path from the top that can be made."""
        try:
            node = self._fs.Entry(path, self._fs.Top, False)
        except UserError:
            return False
        return bool(node.has_builder())

    def commands(self, path: str) -> Any:
        """The node of a file that says how each source is compiled."""
        self.ready()
        self.plan.add(commands_step(self.plan, path))
        return self.node(self.env, path)

    def later(self, steps: Callable[[], Iterable[Step]]) -> None:
        """Registers what makes steps when all SConscripts are read."""
        self._later.append(steps)

    def ready(self) -> None:
        """Has all steps in the plan; SCons' threads ask for it, and actions beside them."""
        with self._mutex:
            self._add_steps()

    def _add_steps(self) -> None:
        if self._later:
            listen.stop()
        while self._later:
            later, self._later = self._later, []
            for steps in later:
                for step in steps():
                    self.plan.add(step)
            path = f"{self.plan.folder}/{COMMANDS_FILE}"
            self.plan.steps.pop(path, None)
            self.plan.add(commands_step(self.plan, path))

    def is_clean(self, node: Any) -> bool:
        """Whether nothing is due for a file of the plan."""
        self.ready()
        if self._derived:
            self.session.changed(self._derived)
        due = self.session.due([path_of(node)])
        if any(step.name for step in due.values()):
            return False
        # What has no name is written on the side, and says nothing of the target.
        if due and not (GetOption("no_exec") or GetOption("question")):
            self.session.build(list(due), slots=Slots(1))
        return True

    def reasons(self, node: Any) -> list[str]:
        """Why steps are due for a file."""
        return [
            f"{step.path}: {reason}"
            for step in self.session.due([path_of(node)]).values()
            for reason in self.session.judge.reasons(step, self.texts)
        ]

    def _line(self, target: Sequence[Any], source: Sequence[Any], env: Any) -> str:
        """What SCons prints before the action: under -n all that it would do."""
        if not GetOption("no_exec"):
            return ""
        due = self.session.due(list(map(path_of, target)))
        due = {p: step for p, step in due.items() if step.name and p not in self._shown}
        self._shown.update(due)
        return "\n".join(map(self.show.line, due.values()))

    def _make(self, target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        """The action: builds all that is due for a target."""
        paths = [path_of(node) for node in target]
        forced = [path_of(node) for node in target if is_special(node)]
        try:
            with slots().lent():
                result = self.session.build(
                    paths,
                    slots=slots(),
                    keep_going=bool(GetOption("keep_going")),
                    force=forced,
                    made=self.derived(),
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

    # What SCons must have made before.

    def _scan(self, node: Any, env: Any, _path: Any) -> list[Any]:
        """The nodes that a file depends on in SCons' graph; prerequisites are added to it."""
        try:
            self.ready()
        except XenToolError as error:
            raise UserError(str(error)) from error
        if GetOption("clean"):
            self._clean(node)
            return []
        path = path_of(node)
        before = [*self.others_for(path), *self.special(path)]
        if before:
            node.add_prerequisite(before)
        return self._shown_in_tree(path) if GetOption("tree_printers") else []

    def _shown_in_tree(self, path: str) -> list[Any]:
        step = self.plan.steps[path]
        names = [n for n in self.session.judge.inputs(step) if not n.endswith("/")]
        return [self._fs.File(name, self._fs.Top) for name in dict.fromkeys(names)]

    def special(self, path: str) -> Iterator[Any]:
        """The files on the way to one of which a SConscript asks more than their step."""
        for step in self.plan.closure([path]):
            node = self.nodes.get(step.path)
            if node is None or step.path == path:
                continue
            # Requires() is for SCons to see to, but says nothing of what is up to date.
            if is_special(node) or node.prerequisites:
                yield node

    def others_for(self, path: str) -> list[Any]:
        """The files of other builders that must be there before a file is looked at.

        Those that its steps read when they ran; of a step that did not, or is dirty, all in
        the folders that its command searches.
        """
        derived = self.derived()
        if not derived:
            return []
        found: dict[str, Any] = {}
        for step in self.plan.closure([path]):
            for name in self._wanted(step, derived):
                if name not in found and step.path not in self._origins[name]:
                    found[name] = derived[name]
        return list(found.values())

    def _wanted(self, step: Step, derived: dict[str, Any]) -> Iterator[str]:
        judge = self.session.judge
        yield from (name for name in judge.inputs(step) if name in derived)
        yield from (name for name in step.after if name in derived)
        record = self.session.database.get(step.path)
        if record is not None and not judge.is_dirty(step):
            looked = judge.lookups(record)
            for name in derived:
                folder, _, base = name.rpartition("/")
                if base in looked.names and f"{folder or '.'}/" in looked.folders:
                    yield name
        elif step.is_command:
            argv = words.flatten(step.argv())
            named = set(words.names(argv))
            folders = {*words.search_folders(argv), *map(os.path.dirname, step.inputs)}
            embeds = any(self.texts.of(name).embeds for name in step.inputs)
            for name in derived:
                if name in named or embeds or any(_could_name(f, name) for f in folders):
                    yield name

    def _made_of(self, node: Any, derived: dict[str, Any]) -> set[str]:
        """The steps that a file of another builder comes from, also through other such files."""
        seen: set[Any] = set()
        steps: set[str] = set()
        todo = [node]
        while todo:
            each = todo.pop()
            if each in seen:
                continue
            seen.add(each)
            if isinstance(each, StepFile):
                for step in self.plan.closure([path_of(each)]):
                    if step.path not in steps:
                        steps.add(step.path)
                        names = (*step.inputs, *step.after)
                        todo += [derived[name] for name in names if name in derived]
            todo += each.sources or ()
            todo += each.depends or ()
            todo += each.prerequisites or ()
        return steps

    def derived(self) -> dict[str, Any]:
        """All files that other builders make, by their paths."""
        if self._derived is None:
            found = self._derived = dict(_derived(self._fs))
            # SCons forgets of a file that is made what it was made of.
            self._origins = {name: self._made_of(node, found) for name, node in found.items()}
        return self._derived

    # What -c removes.

    def _clean(self, node: Any) -> None:
        """Has SCons remove what a step made; of an image all that was ever made here."""
        database = self.session.database
        step = self.plan.steps[path_of(node)]
        is_image = step.action == CHECK
        steps = self.plan.closure([step.path]) if is_image else [step]
        records = database.paths() if is_image else [step.path]
        paths = [name for each in steps for name in each.outputs]
        for record in filter(None, map(database.get, list(records))):
            rows = database.rows(record.outputs)
            paths += [path for path, content in rows if self._is_ours(path, content)]
        if is_image:
            paths += [f"{self.plan.folder}/{name}" for name in (DATABASE, LOCK)]
            if not GetOption("no_exec"):
                atexit.register(_remove_empty, os.path.abspath(self.plan.folder), self.top)
        there = [path for path in dict.fromkeys(paths) if self._lies_there(path)]
        self.env.Clean(node, [self._fs.File(path, self._fs.Top) for path in there])

    def _is_ours(self, path: str, digest: str) -> bool:
        return self.session.contents.digest(path) == digest

    def _lies_there(self, path: str) -> bool:
        """Whether no folder on the way to a file is a link that leads elsewhere."""
        folder = os.path.dirname(path)
        return os.path.realpath(folder) == os.path.abspath(folder) or not os.path.lexists(path)


def graph_of(env: Any) -> Graph:
    """The graph of an environment's build directory, shared by all that build there."""
    attributes = env["XEN_BUILD"].attributes
    if not hasattr(attributes, "xen_graph"):
        attributes.xen_graph = Graph(env)
    graph: Graph = attributes.xen_graph
    return graph


def is_special(node: Any) -> bool:
    """Whether a SConscript asks more of a node than its step."""
    if node.depends or node.always_build or node.ignore or node.side_effects:
        return True
    executor = node.get_executor(create=0) if hasattr(node, "executor") else None
    return bool(executor and (executor.pre_actions or executor.post_actions))


def _remove_empty(folder: str, top: str) -> None:
    """Remove what is left of a build directory: SCons' record, zig's cache, empty folders.

    Those on the way to it go too, below the folder of the SConstruct, up to a link.
    """
    for name in SCONSIGN_FILES:
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(folder, name))
    cache = os.path.join(folder, ZIG_CACHE)
    if not os.path.islink(cache):
        shutil.rmtree(cache, ignore_errors=True)
    for place, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(place)
    with contextlib.suppress(OSError):
        while (folder := os.path.dirname(folder)).startswith(os.path.join(top, "")):
            if os.path.realpath(folder) != folder:
                break
            os.rmdir(folder)


def _could_name(folder: str, path: str) -> bool:
    """Whether a source that is told to look in a folder could well include a file."""
    folder = folder.removeprefix("./").rstrip("/")
    prefix = "" if folder in ("", ".") else f"{folder}/"
    rest = path.removeprefix(prefix)
    return path.startswith(prefix) and ("/" not in rest or rest.endswith(_INCLUDED))


def _derived(fs: Any) -> Iterator[tuple[str, Any]]:
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
