# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The target build.ninja: writes the plans as a build.ninja at the top.

ninja has SCons write the file again when something changes that SCons read for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from SCons.Script import DEFAULT_TARGETS, GetOption

from ...build import stored
from ...build.ninja_file import FILE, Manifest, text
from ...build.step import Step
from ...files import write_if_changed
from ...shortcut import audit, one_step
from ..graph.clean import NINJA_FILES
from ..graph.nodes import Graph
from ..graph.request import arguments
from ..graph.step_file import StepFile
from ..paths import path_of
from ..user_errors import while_building

_SCONSTRUCTS = ("SConstruct", "Sconstruct", "sconstruct", "SConstruct.py", "sconstruct.py")
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/usr/")


def target(graphs: Sequence[Graph], _folder: str) -> Any:
    """Return the node of build.ninja at the top."""
    env = graphs[0].env

    def action(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        _write(graphs)

    command = env.Action(while_building(action), cmdstr=f"  NINJA   {FILE}")
    (node,) = env.Command(f"#{FILE}", [], command)
    env.AlwaysBuild(node)
    env.Precious(node)
    return node


def _write(graphs: Sequence[Graph]) -> None:
    """Write build.ninja, and beside each plan's outputs the plan, which one_step.py reads."""
    for graph in graphs:
        graph.ready()
    plans = {f"{graph.plan.folder}/{NINJA_FILES[0]}": graph.plan for graph in graphs}
    owners = {id(step): graph for graph in graphs for step in graph.plan.steps.values()}

    def before(step: Step) -> dict[str, Any]:
        """Return the nodes of the files of other builders that a step needs, by path."""
        nodes = owners[id(step)].others.needed_for(step.path) if step.is_command else []
        return {path: node for node in nodes if (path := path_of(node)) != FILE}

    steps = [step for plan in plans.values() for step in plan.steps.values()]
    others = {path: node for step in steps for path, node in before(step).items()}
    written = text(
        Manifest(
            plans=plans,
            defaults=[path_of(node) for node in DEFAULT_TARGETS if isinstance(node, StepFile)],
            others={path: list(_inputs(node)) for path, node in others.items()},
            before=before,
            read=lambda step: owners[id(step)].session.judge.inputs(step),
            scons=[sys.executable, "-m", "SCons", *dict.fromkeys(["-Q", "-s", *arguments()])],
            made_of=list(_made_of(graphs)),
            one_step=[sys.executable, one_step.__file__],
        )
    )
    for file, plan in plans.items():
        os.makedirs(plan.folder, exist_ok=True)
        stored.write(file, plan)
    write_if_changed(FILE, written)
    for file in (*plans, FILE):
        # ninja expects them to be newer than their sources.
        os.utime(file)


def _inputs(node: Any) -> Iterator[str]:
    """Yield the existing sources of a file of another builder."""
    for child in node.all_children():
        if not isinstance(child, StepFile) and os.path.isfile(child.get_abspath()):
            yield path_of(child)


def _made_of(graphs: Sequence[Graph]) -> Iterator[str]:
    """Yield the files that the plans were made from: SConscripts, what they read, modules.

    Files of the system, of Python and of the build directories are left out.
    """
    top = os.path.join(graphs[0].top, "")
    modules = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    names = GetOption("file") or [name for name in _SCONSTRUCTS if os.path.isfile(name)][:1]
    folders = tuple(os.path.join(top, graph.plan.folder, "") for graph in graphs)
    others = (*folders, *_SYSTEM, os.path.join(sys.prefix, ""), os.path.join(sys.base_prefix, ""))
    read = [*names, *audit.opened(), *filter(None, modules)]
    for path in dict.fromkeys(map(os.path.abspath, read)):
        if os.path.isfile(path) and not path.startswith(others):
            yield path.removeprefix(top)
