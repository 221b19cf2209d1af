# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The methods that a SConstruct calls after env.XenConfigure(): XenObject, XenImage, XenBoot.

Each adds steps to the plan, and returns the nodes of their outputs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from SCons.Errors import BuildError
from SCons.Node import Node
from SCons.Util import flatten

from ..boot import modes
from ..build.step import COMPILE, LINK, Step
from ..errors import XenToolError
from ..loaders import required
from ..progress import is_terminal
from ..shortcut import watch_messages
from ..toolchain.words import precompiled_headers
from . import flags, tracing
from .errors import one_image, while_building, while_reading
from .graph import compilation_db
from .graph.nodes import Graph
from .graph.step_file import StepFile
from .paths import below_build, node_of, nodes, source_of, target_of
from .postlink import commands as postlink_commands
from .postlink import linked as linker_output
from .postlink import steps as postlink_steps
from .targets import check, test_boot


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
    language = flags.COMPILED.get(suffix) or flags.PRECOMPILED.get(suffix)
    if language is None:
        raise XenToolError(f"{name} is no source that can be compiled: {_SOURCES}")
    graph: Graph = env["XEN_GRAPH"]
    is_header = suffix in flags.PRECOMPILED
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
        words = expanded(env, folder, language)
        inputs = (path, *_precompiled(graph, words, output))
        yield Step(
            "CC", (output,), inputs, COMPILE, words, (path,), env["XEN_CC_GROUP"],
            after=(*prepared(graph), *(() if is_header else graph.precompiled)),
        )  # fmt: skip

    graph.later(steps)
    # A node, so that the file can be named in SConscripts and on the command line.
    graph.node(env, output)
    compilation_db.add(graph, env, output, path)
    return output


def _precompiled(graph: Graph, words: Sequence[str], output: str) -> list[str]:
    """Return the precompiled headers that a command can use, without its own output."""
    if not graph.precompiled:
        return []
    taken = set(map(os.path.normpath, precompiled_headers(words)))
    return [path for path in graph.precompiled if path in taken and path != output]


_SOURCES = f"its name ends in none of {', '.join([*flags.COMPILED, *flags.PRECOMPILED])}"
_VARIABLES = (
    *(
        "XENLAUNCHER",
        "XENCC",
        "XENCCFLAGS",
        "XENFOLDERS",
        "XENSYSTEMFLAGS",
        "CCFLAGS",
        "CFLAGS",
        "CXXFLAGS",
    ),
    *("ASFLAGS", "ASPPFLAGS", "CPPFLAGS", "CPPDEFINES", "CPPPATH"),
)


def expanded(env: Any, folder: Any, language: str) -> list[str]:
    """Return the flags of a compilation; equal flags are one shared object."""
    expanded: dict[tuple[Any, ...], Any] = env["XEN_EXPANDED"]
    values = [env.get(name) for name in _VARIABLES]
    key = (language, folder, *map(id, values))
    if key not in expanded:
        # Keep the values as well: a freed object's id is used again.
        expanded[key] = (flags.compilation(env, language, folder), values)
    words: list[str] = expanded[key][0]
    return words


def prepared(graph: Graph) -> tuple[str, ...]:
    """Return the headers to make before anything is compiled, for the first build."""
    return (*graph.plan.configured, *graph.generated)


@while_reading
def xen_script(env: Any, source: Any) -> list[Any]:
    """env.XenScript(source): preprocess a .lds.S to a linker script."""
    return nodes([env["XEN_GRAPH"].node(env, _script(env, source))])


def _script(env: Any, source: Any) -> str:
    name, path = source_of(env, source)
    output = below_build(env, name.removesuffix(".S"))
    graph: Graph = env["XEN_GRAPH"]
    folder = env.fs.getcwd()

    def steps() -> Iterator[Step]:
        words = flags.script(env, folder)
        yield Step(
            "LDS", (output,), (path,), COMPILE, words, (path,), env["XEN_CC_GROUP"],
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
    XEN_PV nor XEN_PVH, those that the image has notes for.  xen is their release, such as
    "4.17" or "4.17+pv32".  postlink are commands that edit or pack the linker's output before
    the check: lines for the shell, or lists of words, with $SOURCE and $TARGET.
    """
    graph: Graph = env["XEN_GRAPH"]
    image = target_of(env, target)
    requirement = check.requirement_for(env, "XenImage", loaders, xen_release, xen)
    edits = postlink_commands(postlink)
    path, objects = linked(env, script, source)
    for table, expected in graph.tables.items():
        if table in objects and (path, *objects) != expected:
            raise XenToolError(
                f"XenImage: {image} is linked of other objects, or in another order, than its "
                f"table {table} was made for: write [objects, table], and the same script"
            )
    graph.elsewhere.update(
        (flags.path_of(item), item)
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


def linked(env: Any, script: Any, source: Any) -> tuple[str, tuple[str, ...]]:
    """Return the path of a linker script, preprocessed if needed, and those of the objects.

    Raises XenToolError for a source that a linker cannot take.
    """
    (script,) = flatten([script])
    name, path = source_of(env, script)
    if name.endswith(".lds.S"):
        path = _script(env, script)
    return path, tuple(_linked(env, item) for item in flatten([source]))


def link_step(env: Any, folder: Any, output: str, script: str, objects: tuple[str, ...]) -> Step:
    """Return the step that links objects, with the flags and libraries of the environment."""
    words = [*flags.link(env, folder), "-T", script]
    libraries = tuple(flags.libraries(env))
    inputs = (script, *objects, *(name for name in libraries if not name.startswith("-")))
    return Step("LD", (output,), inputs, LINK, words, (*objects, *libraries), env["XEN_LD_GROUP"])


def _linked(env: Any, item: Any) -> str:
    """Return the path of an object or library, or of the object of a source.

    Raises XenToolError for anything else.
    """
    name = flags.path_of(item) if isinstance(item, Node) else str(item)
    suffix = os.path.splitext(name)[1]
    if suffix in flags.COMPILED:
        return _object(env, item)
    if suffix not in flags.OBJECTS:
        raise XenToolError(
            f"XenImage: {name} is neither a source nor an object: its name ends in none of "
            f"{', '.join([*flags.COMPILED, *flags.OBJECTS])}"
        )
    return flags.path_of(node_of(env, item))


@while_reading
def xen_boot(
    env: Any, target: str, image: Sequence[Any], *, mode: str | None = None, **given: Any
) -> list[Any]:
    """env.XenBoot(): add an alias that boots the image under QEMU, in a mode of boot.modes.

    MODE= on the command line wins over mode; the default is the first mode that suits the
    configuration.  given are values for boot.given.WORDS, over which the command line wins too.
    """
    node = one_image(env, "XenBoot", image)
    how = how_to_boot(env, mode, given)

    def action(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        from ..boot.boot import boot
        from ..boot.console import log
        from ..boot.console.console import shower

        # Release the lock: others may build while the guest runs.
        env["XEN_GRAPH"].session.close()
        watch_messages.tell(watch_messages.GUEST)
        said = env["XEN_SETTINGS"]
        folder = log.folder(env["XEN_GRAPH"].plan.folder)
        stem = folder / log.stem(str(source[0]), how["mode"])
        show = shower(dim=is_terminal(sys.stdout), quiet=said.quiet)
        with log.Log(stem.with_name(f"{stem.name}.log"), show) as kept:
            echo, ended = tracing.console(kept.line)
            outcome = boot(
                Path(source[0].abspath),
                **how,
                timeout=said.timeout,
                echo=echo,
                started=log.show_command if said.verbose else None,
                files=stem.with_name(f"{stem.name}.files") if said.verbose else None,
            )
            ended()
        if outcome.failed:
            for line in (*outcome.details, f"the console is in {kept.path}"):
                print(line, file=sys.stderr)
            raise BuildError(errstr=outcome.reason, status=1)
        print(f"{source[0]}: {outcome.reason}")

    step = env.Action(while_building(action), cmdstr=f"  BOOT    {node}")
    alias = env.Alias(target, node, step)
    env.AlwaysBuild(alias)
    test_boot.add(env, target, node, how["mode"], how["given"])
    return list(alias)


def how_to_boot(env: Any, mode: str | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return how an image is started, as boot() takes it."""
    config, said = env["XEN_CONFIG"], env["XEN_SETTINGS"]
    name = said.get("MODE") or mode
    loaders = required.of_configuration(config.arch, config.values)
    return {
        "mode": modes.named(name) if name else modes.suited(loaders, config.arch.bits),
        "cpus": said.cpus,
        "qemu": said.get("QEMU"),
        "xen": said.get("HYPERVISOR"),
        "given": said.for_boot(given),
    }
