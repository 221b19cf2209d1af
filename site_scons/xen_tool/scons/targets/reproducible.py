# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The target reproducible: builds the requested targets again in a copy, and compares.

The tree is copied without outputs.  SCons builds the copy with the same arguments, in a folder
of another name, at another time, and with another time zone, locale, user name, umask and
number of jobs.  Each file that a step or another builder makes must be the same.  --json
prints

    {"schema": 1, "targets": [PATH], "files": NUMBER, "differences": [{"file": PATH,
        "section": TEXT or null, "symbol": TEXT or null, "line": NUMBER or null,
        "offset": NUMBER, "here": TEXT, "there": TEXT}]}
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from SCons.Errors import BuildError
from SCons.Node.FS import File
from SCons.Script import GetLaunchDir, GetOption

from ...build import tree
from ...errors import XenToolError
from ...report.bitwise import ByteDifference, difference
from ..graph.nodes import Graph
from ..graph.request import arguments, nodes_besides, requested_besides
from ..graph.short_names import REPRODUCIBLE
from ..graph.step_file import StepFile
from ..paths import path_of
from ..settings import print_json, wants_json
from ..user_errors import while_building, while_reading

_SCHEMA = 1
_COPY = "the-same-tree-in-another-folder"
_BUILD = "build"
_JOBS, _OTHER_JOBS = 1, 2
_ENVIRONMENT = {"TZ": "UTC+11:30", "USER": "another", "LOGNAME": "another"}
_MASK, _OTHER_MASK = 0o022, 0o077


@while_reading
def target(graphs: Sequence[Graph], folder: str) -> Any:
    """Return the node of the target; other requested names are relative to folder."""
    env = graphs[0].env
    targets: list[Any] = []
    made: dict[str, None] = {}

    def action(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        _prove(graphs, [str(each) for each in targets], list(made))

    (alias,) = env.Alias(REPRODUCIBLE, [], env.Action(while_building(action), cmdstr=None))
    env.AlwaysBuild(alias)
    targets += dict.fromkeys(nodes_besides(REPRODUCIBLE, folder) or [env.Dir("#")])
    env.Depends(alias, targets)
    # SCons drops the sources of a file once it is made.
    _find_made(targets, made)
    if not made:
        raise XenToolError(f"{REPRODUCIBLE}: nothing is made for {' '.join(map(str, targets))}")
    return alias


def _find_made(nodes: Iterable[Any], made: dict[str, None]) -> None:
    """Add to made the paths of all files that are made for nodes; a file comes after its inputs."""
    todo = [(node, False) for node in reversed(list(nodes))]
    seen = set()
    while todo:
        each, children_done = todo.pop()
        node = each.disambiguate()
        if children_done:
            made.update(dict.fromkeys(_outputs(node)))
        elif node not in seen:
            seen.add(node)
            todo.append((node, True))
            todo += [(child, False) for child in reversed(_children(node))]


def _outputs(node: Any) -> list[str]:
    """Return the paths of the files that are made for a node, without those for its children."""
    if isinstance(node, StepFile):
        steps = node.attributes.xen_graph.plan.closure([path_of(node)])
        return [output for step in steps if step.name for output in step.outputs]
    return [path_of(node)] if isinstance(node, File) and node.has_builder() else []


def _children(node: Any) -> list[Any]:
    """Return the nodes that SCons makes before a node."""
    if isinstance(node, StepFile):
        graph: Graph = node.attributes.xen_graph
        graph.ready()
        return [*graph.others.needed_for(path_of(node)), *graph.special(path_of(node))]
    return [*node.all_children(), *(node.prerequisites or ())]


def _prove(graphs: Sequence[Graph], targets: Sequence[str], made: Sequence[str]) -> None:
    """Build the copy and compare.

    Raises XenToolError or BuildError if something differs, or the copy cannot be built.
    """
    with tempfile.TemporaryDirectory(prefix="xen_tool-") as folder:
        place = _Elsewhere(graphs, folder)
        paths = {path: place.of(path) for path in made}
        place.copy()
        place.build()
        found = {}
        for path, other in paths.items():
            if (differs := _compare(path, other)) is not None:
                found[path] = differs
    if wants_json():
        rows = [{"file": path, **differs._asdict()} for path, differs in found.items()]
        document = {"schema": _SCHEMA, "targets": targets, "files": len(made)}
        print_json({**document, "differences": rows})
    elif not found:
        objects = [path for path in made if path.endswith(".o") and path not in targets]
        others = f" and {len(objects)} object{'s'[: len(objects) - 1]}" if objects else ""
        are = "are" if objects or len(targets) > 1 else "is"
        # A folder stands for all files that are made below it.
        what = f"all {len(made)} files" if targets == ["."] else f"{', '.join(targets)}{others}"
        print(f"{REPRODUCIBLE}: {what} {are} the same")
    if found:
        path, differs = next(iter(found.items()))
        more = f"\n  and {len(found) - 1} more of {len(made)} files" if len(found) > 1 else ""
        raise BuildError(
            errstr=f"{path} differs when it is built again: {differs.place}\n"
            f"  here:  {differs.here}\n  there: {differs.there}{more}",
            status=1,
        )


def _compare(path: str, other: str) -> ByteDifference | None:
    """Return the first difference between two files, or None.

    Raises XenToolError if one of them cannot be read.
    """
    contents = []
    for name in (path, other):
        try:
            with open(name, "rb") as file:
                contents.append(file.read())
        except OSError as error:
            where = "here" if name == path else "there"
            raise XenToolError(
                f"{path} is made, and cannot be read {where}: {error.strerror}"
            ) from error
    return difference(*contents)


class _Elsewhere:
    """A copy of the project's tree in a folder."""

    def __init__(self, graphs: Sequence[Graph], folder: str) -> None:
        self._graphs = graphs
        self._top = graphs[0].top
        typed = (g.plan.folder for g in graphs if g.env["XEN_SETTINGS"].get("O"))
        self._build = next(typed, "")
        """The build directory that O= names; "" if O= is not given."""
        # The path of the temporary folder may have links.
        self._copy = os.path.join(os.path.realpath(folder), _COPY)
        self._other_build = os.path.join(os.path.realpath(folder), _BUILD)

    def of(self, path: str) -> str:
        """Return where the copy has a file; path: from the top, or absolute below O=.

        Raises XenToolError for another file, which a build of the copy would write, too.
        """
        if not os.path.isabs(path):
            return os.path.join(self._copy, path)
        if self._build and path.startswith(f"{self._build}/"):
            return self._other_build + path.removeprefix(self._build)
        raise XenToolError(
            f"{REPRODUCIBLE}: {path} lies outside of {self._top}, and a copy of the tree would "
            "write it, too: make it within the tree"
        )

    def copy(self) -> None:
        """Copy the tree.

        Raises XenToolError if it cannot be copied.
        """
        made = {graph.plan.folder for graph in self._graphs}
        made |= {path for graph in self._graphs for path in graph.others.files()}
        if not GetOption("silent"):
            print(f"  COPY    {self._copy}", flush=True)
        try:
            tree.copy(self._top, self._copy, made)
        except XenToolError as error:
            raise XenToolError(f"{REPRODUCIBLE}: {error}") from error

    def build(self) -> None:
        """Build the copy.

        Raises BuildError if SCons fails.
        """
        jobs = _JOBS if int(GetOption("num_jobs")) != _JOBS else _OTHER_JOBS
        mask = os.umask(_MASK)
        os.umask(mask)
        locale = os.environ.get("LC_ALL") or os.environ.get("LANG") or "C"
        run = subprocess.run(
            [
                *(sys.executable, "-m", "SCons", *self._arguments()),
                # Do not take files from a cache.
                *("-Q", "-s", f"-j{jobs}", "--cache-disable"),
            ],
            cwd=self._launched(),
            env={
                **os.environ,
                **_ENVIRONMENT,
                "LC_ALL": "C.UTF-8" if locale == "C" else "C",
                "GIT_OPTIONAL_LOCKS": "0",
            },
            umask=_OTHER_MASK if mask != _OTHER_MASK else _MASK,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if run.returncode:
            sys.stderr.write(run.stdout.decode("utf-8", "backslashreplace"))
            raise BuildError(
                errstr="a copy of the tree in another folder cannot be built, as is shown above",
                status=1,
            )

    def _launched(self) -> str:
        """Return the folder of the copy in which SCons starts, which matters for -u."""
        start = os.path.relpath(GetLaunchDir(), self._top)
        return os.path.join(self._copy, "" if start.startswith(os.pardir) else start)

    def _arguments(self) -> Iterator[str]:
        """Yield the arguments of this run, for the copy."""
        is_elsewhere = os.path.isabs(self._build)
        for word in [*arguments(), *requested_besides(REPRODUCIBLE)]:
            if word.startswith("O="):
                yield f"O={self._other_build if is_elsewhere else self._build}"
            elif is_elsewhere and word.startswith(f"{self._build}/"):
                yield self._other_build + word.removeprefix(self._build)
            else:
                inside = os.path.join(self._top, "")
                yield word.replace(inside, os.path.join(self._copy, ""))
