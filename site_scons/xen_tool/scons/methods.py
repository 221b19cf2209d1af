# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a SConstruct calls: env.XenConfigure, then env.XenHead, XenObject, XenImage, XenBoot.

Each registers steps of the plan, and returns their nodes.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from SCons.Errors import BuildError
from SCons.Node import Node
from SCons.Script import ARGLIST, GetOption
from SCons.Util import NodeList, flatten

from .. import signals
from ..build.database import FILE as DATABASE
from ..build.lock import FILE as LOCK
from ..build.plan import Group
from ..build.step import COMPILE, LINK, Step
from ..config.configuration import Configuration, read
from ..config.saved import find, saved_arch
from ..errors import XenToolError
from ..files import shown
from ..functions import CHECK, COMMANDS_FILE, CONFIG, HEAD, UNCHECKED, modules
from ..head.config import SYMBOLS as HEAD_SYMBOLS
from ..loaders import asked
from ..run import modes
from ..shortcut import listen
from ..toolchain import programs
from ..toolchain.programs import Toolchain
from . import check, flags, names
from .config_targets import ConfigTargets, asks_why, changing
from .errors import one_image, while_building, while_reading
from .nodes import Graph, graph_of
from .settings import add_json, settings

AUTOCONF = "include/generated/autoconf.h"
"""Below the build directory: the values of all symbols, for C."""


@while_reading
def xen_configure(
    env: Any,
    kconfig: str = "kconfig/Kconfig",
    *,
    defconfig: str | None = None,
    saved: str | None = None,
    arguments: Mapping[str, str] | None = None,
    build: str | None = None,
    sconsign: bool = False,
) -> Configuration:
    """env.XenConfigure(): reads the configuration, and makes env build it.

    kconfig and defconfig are paths from the top; {arch} in defconfig is the
    architecture.  saved is the saved configuration (.config, or what
    $KCONFIG_CONFIG names).  arguments are NAME=value (those of the command
    line).  build is where outputs go ($O, or build/<ARCH>).  With sconsign,
    SCons keeps its record of signatures there too; it has one for all that a
    SConstruct builds.

    Sets XEN_CONFIG (what is returned), XEN_BUILD, XENCC, XENCCFLAGS, XENLD and
    XENLDFLAGS, and adds the builders.  CPPPATH, CPPDEFINES, CCFLAGS, LINKFLAGS
    and LIBPATH are the user's; they may be set before or after.
    """
    add_json()
    given = settings(ARGLIST)
    if arguments is not None:
        given = given.with_arguments(arguments)
    top = Path(env.Dir("#").abspath)
    saved_path = top / (saved or os.environ.get("KCONFIG_CONFIG") or ".config")
    asked = changing() if arguments is None else []
    if asked and given.kconfig:
        raise XenToolError(
            f"{next(iter(given.kconfig))}= holds for one run, and {asked[0]} changes the saved "
            "configuration: leave one of them out"
        )
    configuration = read(
        top / kconfig,
        srctree=top,
        # What is being changed may be damaged; only its architecture counts.
        saved_config=None if asked else saved_path,
        defconfig=None if asked else defconfig,
        arch=given.get("ARCH") or (_saved_arch(saved_path) if asked else None),
        settings={} if arguments is None and asks_why() else given.kconfig,
    )
    env["XEN_CONFIG_TARGETS"] = ConfigTargets(
        kconfig=top / kconfig,
        srctree=top,
        config=saved_path,
        defconfig=defconfig,
        seed=given.get("SEED"),
    )
    for note in configuration.notes:
        print(f"xen_tool: note: {note}", file=sys.stderr)
    path = env["ENV"].get("PATH", os.defpath)
    with listen.ignored():
        tools = programs.find(
            path, toolchain=given.get("TOOLCHAIN"), cc=given.get("CC"), ld=given.get("LD")
        )
    listen.lists(path.split(os.pathsep))
    directory = build or given.get("O") or f"build/{configuration.arch.name}"
    with listen.ignored():
        env["XEN_BUILD"] = _build_directory(env, directory)
    looks_only = any(GetOption(option) for option in ("no_exec", "question", "help", "clean"))
    if sconsign and not asked and (not looks_only or os.path.isdir(env["XEN_BUILD"].abspath)):
        # SCons writes its file there, or nowhere.
        with listen.ignored():
            os.makedirs(env["XEN_BUILD"].abspath, exist_ok=True)
        env.SConsignFile(env["XEN_BUILD"].File(".sconsign").abspath.replace("$", "$$"))
    env["XEN_CONFIG"] = configuration
    env["XEN_SETTINGS"] = given
    with listen.ignored():
        _set_commands(env, configuration, tools, path)
    _add_configuration(env)
    if not (asked or looks_only):
        signals.listen()
        atexit.register(graph_of(env).session.close)
    return configuration


def _saved_arch(path: Path) -> str | None:
    try:
        arch = saved_arch(path) if find(path) else None
    except XenToolError:
        return None
    return arch.name if arch else None


def _build_directory(env: Any, directory: str) -> Any:
    """The node of $O.

    Raises XenToolError if nothing can be built there.
    """
    top = env.Dir("#")
    path = Path(top.abspath, directory)
    existing = next(folder for folder in (path, *path.parents) if os.path.lexists(folder))
    if not existing.is_dir():
        raise XenToolError(f"O={directory}: cannot build there: {shown(existing)} is not a folder")
    if path.name.startswith("-"):
        raise XenToolError(f"O={directory}: programs would take it for an option")
    node = env.fs.Dir(flags.safe(directory), top)
    if top == node or top.is_under(node) or (holds := _source_in(path)):
        among = "" if top == node or top.is_under(node) else f": it has {holds}"
        raise XenToolError(
            f"O={directory}: outputs would land among the sources{among}; "
            "name a folder of their own"
        )
    looks_only = any(GetOption(option) for option in ("no_exec", "question", "help", "clean"))
    if not looks_only and not os.access(existing, os.W_OK):
        raise XenToolError(
            f"O={directory}: cannot build there: {shown(existing)} cannot be written; "
            "say O=DIRECTORY"
        )
    return node


def _source_in(folder: Path) -> str:
    """A file in a folder that no build makes; "" if there is none."""
    names = ["SConstruct", "SConscript", "Kconfig*"]
    if not any((folder / name).exists() for name in (DATABASE, LOCK)):
        # Where nothing was built yet there are no generated ones.
        names += [f"*{suffix}" for suffix in (*flags.COMPILED, *flags.HEADERS)]
    patterns = (f"{below}{name}" for name in names for below in ("", "*/", "*/*/"))
    found = next((path for pattern in patterns for path in folder.glob(pattern)), None)
    return shown(found) if found else ""


def _set_commands(env: Any, configuration: Configuration, tools: Toolchain, path: str) -> None:
    build = flags.path_of(env["XEN_BUILD"])
    env["XENCC"] = list(tools.cc)
    env["XENLD"] = list(tools.ld)
    env["XENCCFLAGS"] = tools.cc_flags(configuration.arch)
    env["XENLDFLAGS"] = tools.ld_flags(configuration.arch)
    env["XENSYSTEMFLAGS"] = ["-include", f"{build}/{AUTOCONF}", "-isystem", tools.include]
    env["XEN_GRAPH"] = graph = graph_of(env)
    env["XEN_EXPANDED"] = {}
    names.know(graph)
    plan = graph.plan
    plan.symbols = configuration.values
    plan.configured = frozenset([f"{build}/{AUTOCONF}"])
    # Of zig the cache is beside the outputs; TMPDIR is where compilers keep their own files.
    cache = os.path.join(env["XEN_BUILD"].abspath, ".zig-cache")
    plan.environment = {
        "PATH": path,
        "LC_ALL": "C",
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        "ZIG_GLOBAL_CACHE_DIR": cache,
        "ZIG_LOCAL_CACHE_DIR": cache,
    }
    # What they found out when a step ran counts as long as they are the same.
    recording = modules("build/commands.py")
    env["XEN_CC_GROUP"] = plan.group("cc", Group((*tools.cc_files, *recording), gas=tools.gas))
    env["XEN_LD_GROUP"] = plan.group("ld", Group((*tools.ld_files, *recording)))


def _add_configuration(env: Any) -> None:
    configuration: Configuration = env["XEN_CONFIG"]
    graph: Graph = env["XEN_GRAPH"]
    note = "# Made by xen_tool for this build; edits are lost.\n"
    outputs = tuple(f"{graph.plan.folder}/{name}" for name in (".config", AUTOCONF))
    texts = (f"{note}{configuration.dotconfig}", configuration.autoconf)
    graph.plan.add(
        Step("CONFIG", outputs, (), CONFIG, files=texts, symbols=tuple(configuration.values))
    )
    for output in outputs:
        graph.node(env, output)


@while_reading
def xen_head(env: Any, target: str = "arch/x86/xen/xen-head.o") -> list[Any]:
    """env.XenHead(): the Xen head object, below $XEN_BUILD; [] when XEN is not set."""
    configuration: Configuration = env["XEN_CONFIG"]
    graph: Graph = env["XEN_GRAPH"]
    if not configuration.enabled("XEN"):
        return []
    symbols = tuple(name for name in HEAD_SYMBOLS if name in configuration.values)
    values = (f"{name}={configuration.values[name]}" for name in symbols)
    files = modules("head/emit.py", "head/config.py")
    keystone = importlib.util.find_spec("keystone")
    if keystone is not None and keystone.origin is not None:
        files = (*files, keystone.origin)
    path = _target(env, target)
    graph.plan.add(
        Step(
            "HEAD",
            (path,),
            (),
            HEAD,
            files=(configuration.arch.name, *values),
            group=graph.plan.group("head", Group(files)),
            symbols=symbols,
        )
    )
    return _nodes([graph.node(env, path)])


@while_reading
def xen_object(env: Any, target: Any = None, source: Any = None, **overrides: Any) -> list[Any]:
    """env.XenObject(source), or (target, source): compiles sources, each to an object.

    overrides are construction variables for these compilations.
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
    return _nodes([env["XEN_GRAPH"].node(env, path) for path in objects])


def _nodes(nodes: list[Any]) -> list[Any]:
    """A list as SCons' builders return it."""
    found: list[Any] = NodeList(nodes)
    return found


def _object(env: Any, source: Any, target: Any = None) -> str:
    """Registers the step that compiles a source; returns the object's path."""
    name, path = _source(env, source)
    if "\n" in name:
        raise XenToolError(f"{name!r}: no depfile can carry a name with a line break; rename it")
    language = flags.COMPILED.get(os.path.splitext(path)[1])
    if language is None:
        raise XenToolError(f"{name} is no source that can be compiled: {_SOURCES}")
    if target is None:
        output = _below_build(env, f"{os.path.splitext(name)[0]}.o")
    else:
        output = _target(env, target)
        output += "" if os.path.splitext(output)[1] else ".o"
    graph: Graph = env["XEN_GRAPH"]
    folder = env.fs.getcwd()

    def steps() -> Iterator[Step]:
        words = _expanded(env, folder, language)
        yield Step(
            "CC", (output,), (path,), COMPILE, words, (path,), env["XEN_CC_GROUP"],
            after=_configured(graph),
        )  # fmt: skip

    graph.later(steps)
    # So that whoever names the file, here or on the command line, finds how it is made.
    graph.node(env, output)
    graph.databases.add(env, output, path)
    return output


_SOURCES = f"its name ends in none of {', '.join(flags.COMPILED)}"
_VARIABLES = (
    *("XENCC", "XENCCFLAGS", "XENSYSTEMFLAGS", "CCFLAGS", "CFLAGS", "CXXFLAGS", "ASFLAGS"),
    *("ASPPFLAGS", "CPPFLAGS", "CPPDEFINES", "CPPPATH"),
)


def _expanded(env: Any, folder: Any, language: str) -> list[str]:
    """The words of compilations, the same object for all that are alike."""
    expanded: dict[tuple[Any, ...], Any] = env["XEN_EXPANDED"]
    values = [env.get(name) for name in _VARIABLES]
    key = (language, folder, *map(id, values))
    if key not in expanded:
        # The values are kept, too: another object would get the id of one that is gone.
        expanded[key] = (flags.compilation(env, language, folder), values)
    words: list[str] = expanded[key][0]
    return words


def _configured(graph: Graph) -> tuple[str, ...]:
    return tuple(graph.plan.configured)


def _source(env: Any, source: Any) -> tuple[str, str]:
    """The name of a source from the top, as an object's is made of it, and the file itself.

    In a variant directory the name is there, and the file where the sources are.
    """
    fs = env.fs
    here = fs.getcwd()
    if isinstance(source, str) and "$" not in source and here.srcnode() is here:
        name = source[1:].lstrip("/") if source.startswith("#") else _joined(here, source)
        if source and not fs.Top.getRepositories():
            name = flags.safe(os.path.normpath(name))
            return name, name
    node = _node(env, source)
    file = node.srcnode() if not node.is_derived() else node
    return flags.path_of(node), flags.path_of(file.rfile())


def _joined(folder: Any, name: str) -> str:
    here = folder.get_path(folder.fs.Top)
    return os.path.join("" if here == os.curdir else here, name)


def _node(env: Any, item: Any) -> Any:
    if isinstance(item, Node):
        return item
    if not isinstance(item, (str, os.PathLike)) or not str(item):
        raise XenToolError(f"{item!r} is no file")
    return env.File(str(item))


def _target(env: Any, target: Any) -> str:
    """The path of a target in $XEN_BUILD; beside the sources a folder may have its name."""
    if isinstance(target, Node):
        return _below_build(env, flags.path_of(target))
    name = str(env.subst(target))
    if not name:
        raise XenToolError(f"{target!r} is no name of a file")
    here = env.fs.getcwd()
    path = name[1:].lstrip("/") if name.startswith("#") else _joined(here, name)
    return _below_build(env, flags.safe(os.path.normpath(path)))


def _below_build(env: Any, path: str) -> str:
    """The path of the same name in $XEN_BUILD, which it may be below already."""
    build = env["XEN_GRAPH"].plan.folder
    if path.startswith(f"{build}/"):
        return path
    top = env.fs.Top.abspath
    outside = os.path.abspath(os.path.join(top, path))
    if not outside.startswith(os.path.join(top, "")):
        return f"{build}{outside}"
    return f"{build}/{os.path.relpath(outside, top)}"


@while_reading
def xen_script(env: Any, source: Any) -> list[Any]:
    """env.XenScript(source): preprocesses a .lds.S to a linker script."""
    return _nodes([env["XEN_GRAPH"].node(env, _script(env, source))])


def _script(env: Any, source: Any) -> str:
    name, path = _source(env, source)
    output = _below_build(env, name.removesuffix(".S"))
    graph: Graph = env["XEN_GRAPH"]
    folder = env.fs.getcwd()

    def steps() -> Iterator[Step]:
        words = flags.script(env, folder)
        yield Step(
            "LDS", (output,), (path,), COMPILE, words, (path,), env["XEN_CC_GROUP"],
            after=_configured(graph),
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
    xen: str | None = None,
) -> list[Any]:
    """env.XenImage(): links source by a linker script (.lds, or .lds.S, preprocessed).

    In source are objects, libraries, and names or nodes of sources, which are compiled for it.

    The image must be taken by loaders (see xen_tool.loaders.names.LOADERS; a list,
    or a string as after LOADERS=; by default those that the configuration asks for)
    of a Xen, such as "4.17" or "4.17+pv32".
    """
    graph: Graph = env["XEN_GRAPH"]
    image = _target(env, target)
    asks = check.question(env, loaders, xen)
    (script,) = flatten([script])
    name, path = _source(env, script)
    if name.endswith(".lds.S"):
        path = _script(env, script)
    objects = tuple(_linked(env, item) for item in flatten([source]))
    folder = env.fs.getcwd()

    def steps() -> Iterator[Step]:
        words = [*flags.link(env, folder), "-T", path]
        libraries = tuple(flags.libraries(env))
        inputs = (path, *objects, *(name for name in libraries if not name.startswith("-")))
        linked = f"{image}{UNCHECKED}"
        yield Step(
            "LD", (linked,), inputs, LINK, words, (*objects, *libraries), env["XEN_LD_GROUP"]
        )
        files = modules("report/report.py", "report/text.py")
        yield Step(
            "CHECK",
            (image,),
            (linked,),
            CHECK,
            files=asks.words(),
            group=graph.plan.group("check", Group(files)),
            symbols=(),
            after=(f"{graph.plan.folder}/{COMMANDS_FILE}",),
        )

    graph.later(steps)
    node = graph.node(env, image)
    node.attributes.xen_question = asks
    if not node.is_under(env.fs.Top):
        # SCons by itself builds what is below the top.
        env.Default(node)
    return _nodes([node])


def _linked(env: Any, item: Any) -> str:
    """The path of what is linked: an object or library, or the object of a source.

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
    return flags.path_of(_node(env, item))


@while_reading
def xen_boot(env: Any, target: str, image: Sequence[Any], *, mode: str | None = None) -> list[Any]:
    """env.XenBoot(): an alias that starts the image under QEMU, in a mode of run.modes.

    MODE= on the command line is heard before mode; without either it is the first
    that suits the configuration.
    """
    node = one_image(env, "XenBoot", image)
    config = env["XEN_CONFIG"]
    name = env["XEN_SETTINGS"].get("MODE") or mode
    loaders = asked.of_configuration(config.arch, config.values)
    how = modes.named(name) if name else modes.suited(loaders, config.arch.bits)

    def action(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        from ..report.text import refusal
        from ..run.boot import boot
        from ..run.console import show

        given = env["XEN_SETTINGS"]
        # Others may build while the guest runs.
        env["XEN_GRAPH"].session.close()
        outcome = boot(
            Path(source[0].abspath),
            mode=how,
            timeout=given.timeout,
            cpus=given.cpus,
            qemu=given.get("QEMU"),
            xen=given.get("HYPERVISOR"),
            echo=show,
        )
        if not outcome.passed:
            for line in refusal(str(source[0]), how.modelled, how.loader):
                print(line, file=sys.stderr)
            raise BuildError(errstr=outcome.reason, status=1)
        print(f"{source[0]}: {outcome.reason}")

    step = env.Action(while_building(action), cmdstr=f"  BOOT    {node}")
    alias = env.Alias(target, node, step)
    env.AlwaysBuild(alias)
    return list(alias)
