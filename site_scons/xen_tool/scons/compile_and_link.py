# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""env.XenObject(), env.XenScript() and env.XenImage(): compile sources, and link an image.

Each adds steps to the plan, and returns the nodes of their outputs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from SCons.Node import Node
from SCons.Util import flatten

from ..build.step import COMPILE, LINK, Step
from ..errors import XenToolError
from ..toolchain import words
from . import command_lines
from .graph import compilation_db
from .graph.nodes import Graph
from .graph.step_file import StepFile
from .paths import below_build, node_of, nodes, path_of, source_of, target_of
from .postlink import linker_output, postlink_commands, postlink_steps
from .suffixes import COMPILED, OBJECTS, PRECOMPILED
from .targets import check
from .user_errors import while_reading


@while_reading
def xen_object(env: Any, target: Any = None, source: Any = None, **overrides: Any) -> list[Any]:
    """env.XenObject(source), or (target, source): compile sources, each to an object.

    A header is precompiled, to a file of its name and .gch.  overrides are construction
    variables for these compilations.
    """
    if source is None:
        target, source = None, target
    sources = flatten([source])
    targets = flatten([target]) if target is not None else [None] * len(sources)
    if len(targets) != len(sources):
        raise XenToolError(f"XenObject: {len(targets)} targets of {len(sources)} sources")
    if overrides:
        env = env.Override(overrides)
    objects = [_object(env, *pair) for pair in zip(sources, targets, strict=True)]
    return nodes([env["XEN_GRAPH"].node(env, path) for path in objects])


def _object(env: Any, source: Any, target: Any = None) -> str:
    """Add the step that compiles a source; return the path of the object."""
    name, path = source_of(env, source)
    if "\n" in name:
        raise XenToolError(f"{name!r}: no depfile can carry a name with a line break; rename it")
    suffix = os.path.splitext(path)[1]
    language = COMPILED.get(suffix) or PRECOMPILED.get(suffix)
    if language is None:
        raise XenToolError(f"{name} is no source that can be compiled: {_NO_SOURCE}")
    graph: Graph = env["XEN_GRAPH"]
    is_header = suffix in PRECOMPILED
    if is_header:
        output = below_build(env, f"{name}.gch") if target is None else target_of(env, target)
        graph.precompiled.append(output)
    elif target is None:
        output = below_build(env, f"{os.path.splitext(name)[0]}.o")
    else:
        output = target_of(env, target)
        output += "" if os.path.splitext(output)[1] else ".o"
    folder = env.fs.getcwd()

    def steps() -> Iterator[Step]:
        argv = expanded(env, folder, language)
        inputs = (path, *_precompiled(graph, argv, output))
        yield Step(
            "CC", (output,), inputs, COMPILE, argv, (path,), env["XEN_CC_GROUP"],
            after=(*prepared(graph), *(() if is_header else graph.precompiled)),
        )  # fmt: skip

    graph.later(steps)
    # A node, so that the file can be named in SConscripts and on the command line.
    graph.node(env, output)
    compilation_db.add(graph, env, output, path)
    return output


def _precompiled(graph: Graph, argv: Sequence[str], output: str) -> list[str]:
    """Return the precompiled headers that a command can use, other than the one that it makes."""
    if not graph.precompiled:
        return []
    usable = set(map(os.path.normpath, words.precompiled_headers(argv)))
    return [path for path in graph.precompiled if path in usable and path != output]


_NO_SOURCE = f"its name ends in none of {', '.join([*COMPILED, *PRECOMPILED])}"
_VARIABLES = (
    "XENLAUNCHER",
    "XENCC",
    "XENCCFLAGS",
    "XENFOLDERS",
    "XENSYSTEMFLAGS",
    "CCFLAGS",
    "CFLAGS",
    "CXXFLAGS",
    "ASFLAGS",
    "ASPPFLAGS",
    "CPPFLAGS",
    "CPPDEFINES",
    "CPPPATH",
)
"""The construction variables that command_lines.compilation() reads."""


def expanded(env: Any, folder: Any, language: str) -> list[str]:
    """Return the flags of a compilation; folder and language as for command_lines.compilation().

    The list is shared by all compilations whose variables have the same objects as values.
    """
    expanded: dict[tuple[Any, ...], Any] = env["XEN_EXPANDED"]
    values = [env.get(name) for name in _VARIABLES]
    key = (language, folder, *map(id, values))
    if key not in expanded:
        # Keep the values as well: a freed object's id is used again.
        expanded[key] = (command_lines.compilation(env, language, folder), values)
    argv: list[str] = expanded[key][0]
    return argv


def prepared(graph: Graph) -> tuple[str, ...]:
    """Return the headers to make before anything is compiled.

    Until a source was compiled once, it is not known which of them it includes.
    """
    return (*graph.plan.configured, *graph.generated)


@while_reading
def xen_script(env: Any, source: Any) -> list[Any]:
    """env.XenScript(source): preprocess a .lds.S to a linker script."""
    return nodes([env["XEN_GRAPH"].node(env, _script(env, source))])


def _script(env: Any, source: Any) -> str:
    """Add the step that preprocesses a linker script; return the path of its output."""
    name, path = source_of(env, source)
    output = below_build(env, name.removesuffix(".S"))
    graph: Graph = env["XEN_GRAPH"]
    folder = env.fs.getcwd()

    def steps() -> Iterator[Step]:
        argv = command_lines.script(env, folder)
        yield Step(
            "LDS", (output,), (path,), COMPILE, argv, (path,), env["XEN_CC_GROUP"],
            after=prepared(graph),
        )  # fmt: skip

    graph.later(steps)
    return output


@while_reading
def xen_image(
    env: Any,
    target: str,
    source: Any,
    *,
    script: Any,
    loaders: Sequence[str] | None = None,
    xen_release: str | None = None,
    xen: str | None = None,
    postlink: Sequence[Any] = (),
) -> list[Any]:
    """env.XenImage(): link source by a linker script (.lds, or .lds.S, which is preprocessed).

    source has objects, libraries, and sources, which are compiled for the image.

    loaders must accept the image: a list of names (xen_tool.loaders.names.ALL), or a string
    as for LOADERS=.  The default are the loaders of the configuration, or, if that has neither
    XEN_PV nor XEN_PVH, those that the image has notes for.  xen_release is theirs, such as
    "4.17" or "4.17+pv32".  postlink are commands that edit or pack the linker's output before
    the check: lines for the shell, or lists of words, with $SOURCE and $TARGET.
    """
    graph: Graph = env["XEN_GRAPH"]
    image = target_of(env, target)
    requirement = check.requirement_for(env, "XenImage", loaders, xen_release, xen)
    edits = postlink_commands(postlink)
    path, objects = script_and_objects(env, script, source)
    for table, expected in graph.tables.items():
        if table in objects and (path, *objects) != expected:
            raise XenToolError(
                f"XenImage: {image} is linked of other objects, or in another order, than its "
                f"table {table} was made for: write [objects, table], and the same script"
            )
    graph.elsewhere.update(
        (path_of(item), item)
        for item in flatten([source])
        if isinstance(item, StepFile) and item.attributes.xen_graph is not graph
    )
    folder = env.fs.getcwd()

    def steps() -> Iterator[Step]:
        yield link_step(env, folder, linker_output(image, edits), path, objects)
        yield from postlink_steps(env, graph.plan, image, edits)
        yield check.step(graph, image, requirement)

    graph.later(steps)
    return nodes([check.image(env, image, requirement)])


def script_and_objects(env: Any, script: Any, source: Any) -> tuple[str, tuple[str, ...]]:
    """Return the path of a linker script, and the paths of the objects and libraries to link.

    Adds the steps that preprocess the script and compile sources, where these are given.

    Raises XenToolError for a source that a linker cannot take.
    """
    (script,) = flatten([script])
    name, path = source_of(env, script)
    if name.endswith(".lds.S"):
        path = _script(env, script)
    return path, tuple(_object_or_library(env, item) for item in flatten([source]))


def link_step(env: Any, folder: Any, output: str, script: str, objects: tuple[str, ...]) -> Step:
    """Return the step that links objects, with the flags and libraries of the environment.

    folder: that of the SConscript.  script and objects: their paths.
    """
    argv = [*command_lines.link(env, folder), "-T", script]
    libraries = tuple(command_lines.libraries(env))
    inputs = (script, *objects, *(name for name in libraries if not name.startswith("-")))
    # Files that flags name and this build makes, such as a second script behind -T.
    made = tuple(name for name in words.names(argv) if name in env["XEN_GRAPH"].nodes)
    return Step(
        "LD",
        (output,),
        inputs,
        LINK,
        argv,
        (*objects, *libraries),
        env["XEN_LD_GROUP"],
        after=made,
    )


def _object_or_library(env: Any, item: Any) -> str:
    """Return the path of an object or library, or of the object that a source is compiled to.

    Raises XenToolError for anything else.
    """
    name = path_of(item) if isinstance(item, Node) else str(item)
    suffix = os.path.splitext(name)[1]
    if suffix in COMPILED:
        return _object(env, item)
    if suffix not in OBJECTS:
        raise XenToolError(
            f"XenImage: {name} is neither a source nor an object: its name ends in none of "
            f"{', '.join([*COMPILED, *OBJECTS])}"
        )
    return path_of(node_of(env, item))
