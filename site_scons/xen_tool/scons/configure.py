# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""env.XenConfigure(): read the configuration, and prepare an environment to build it.

Sets the construction variables XEN_*, XENCC, XENLD and their flags, and creates the plan of
the build directory, to which the other methods add steps.
"""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from SCons.Script import ARGLIST, GetOption

from .. import signals
from ..build.database import FILE as DATABASE
from ..build.lock import FILE as LOCK
from ..build.plan import Group
from ..config.configuration import Configuration, read
from ..config.language.declared import Declared, kconfig_text
from ..config.saved import find, saved_arch
from ..config.targets import SETCONFIG, ConfigTargets
from ..errors import XenToolError
from ..files import shown
from ..functions import AUTOCONF, configuration_step
from ..modules import modules
from ..process import collect_rarely
from ..shortcut import audit
from ..shortcut.other_values import Described
from ..toolchain import programs
from ..toolchain.programs import Toolchain
from . import flags, usage
from .errors import while_reading
from .graph import jobs, short_names
from .graph.clean import ZIG_CACHE
from .graph.nodes import Graph, graph_of
from .observed import observe
from .settings import RESERVED, add_options, settings
from .targets import watching
from .targets.config_targets import asks_why, changing

_told: set[str] = set()


@while_reading
def xen_configure(
    env: Any,
    kconfig: str | None = None,
    *,
    symbols: Declared | None = None,
    defconfig: str | None = None,
    saved: str | None = None,
    arguments: Mapping[str, str] | None = None,
    arch: str | None = None,
    build: str | None = None,
    sconsign: bool = False,
    variables: Mapping[str, str] | None = None,
) -> Configuration:
    """env.XenConfigure(): read the configuration, and prepare env to build it.

    kconfig (default: kconfig/Kconfig) and defconfig are paths from the top; {arch} in defconfig
    stands for the architecture.  Instead of a Kconfig file, symbols declares symbols and their
    defaults.  saved is the saved configuration (default: .config, or the value of
    $KCONFIG_CONFIG).  arch is the architecture if neither the command line nor the saved
    configuration names one (default: x86_64).  arguments are settings NAME=value (default: those
    of the command line).  build is the build directory (default: $O, or build/<ARCH>).  With
    sconsign, SCons' signature database is there too; a SConstruct has only one.  variables are
    further variables $(NAME) of Kconfig files, besides ARCH, SRCARCH, srctree, CC, LD and AS.

    Returns the configuration, and sets XEN_CONFIG to it, and XEN_BUILD, XENCC, XENCCFLAGS, XENLD
    and XENLDFLAGS.  CPPPATH, CPPDEFINES, CCFLAGS, LINKFLAGS and LIBPATH are left to the user; they
    may be set before or after.
    """
    collect_rarely()
    add_options()
    jobs.bound()
    given = settings(ARGLIST)
    if arguments is not None:
        given = given.with_arguments(arguments)
    top = Path(env.Dir("#").abspath)
    saved_path = top / (saved or os.environ.get("KCONFIG_CONFIG") or ".config")
    asked = changing() if arguments is None else []
    if asked and given.kconfig and SETCONFIG not in asked:
        raise XenToolError(
            f"{next(iter(given.kconfig))}= holds for one run, and {asked[0]} changes the saved "
            f"configuration: leave one of them out, or type `scons {' '.join(asked)} {SETCONFIG} "
            f"{' '.join(f'{name}={value}' for name, value in given.kconfig.items())}`"
        )
    looks_only = any(GetOption(option) for option in ("no_exec", "question", "help", "clean"))
    if watching.asked() and not looks_only:
        watching.watch(str(top))
    if GetOption("interactive"):
        raise XenToolError(
            "--interactive would look at each file once, and not see what is edited later: "
            f"type `scons {watching.WATCH}`, which builds at every save"
        )
    path = env["ENV"].get("PATH", os.defpath)
    with audit.ignored():
        tools = programs.find(
            path,
            toolchain=given.get("TOOLCHAIN"),
            cc=given.get("CC"),
            ld=given.get("LD"),
            cc_launcher=given.get("CC_LAUNCHER"),
            cross=given.get("CROSS_COMPILE"),
            llvm=given.get("LLVM"),
        )
        seen = {**_kconfig_variables(tools, path), **(variables or {})}
    audit.lists(path.split(os.pathsep))
    if symbols is not None and kconfig is not None:
        raise XenToolError(
            "XenConfigure is given a Kconfig file and symbols: leave one of them out"
        )
    file = top / ("SConstruct" if symbols is not None else kconfig or "kconfig/Kconfig")
    text = kconfig_text(symbols) if symbols is not None else None
    name = given.get("ARCH") or (_saved_arch(saved_path) if asked or arch else None) or arch
    configuration = read(
        file,
        text=text,
        srctree=top,
        # The saved configuration to be changed may be damaged; only its architecture is needed.
        saved_config=None if asked else saved_path,
        defconfig=None if asked else defconfig,
        arch=name,
        settings={} if arguments is None and (asked or asks_why()) else given.kconfig,
        variables=seen,
        others=RESERVED,
    )
    env["XEN_CONFIG_TARGETS"] = ConfigTargets(
        kconfig=file,
        text=text,
        srctree=top,
        variables=seen,
        config=saved_path,
        defconfig=defconfig,
        seed=given.get("SEED"),
    )
    _tell(configuration)
    directory = build or given.get("O") or f"build/{configuration.arch.name}"
    with audit.ignored():
        env["XEN_BUILD"] = _build_directory(env, directory, is_typed="O" in given.tool)
    if sconsign and not asked and (not looks_only or os.path.isdir(env["XEN_BUILD"].abspath)):
        # Without the folder SCons would write no signature database.
        try:
            with audit.ignored():
                os.makedirs(env["XEN_BUILD"].abspath, exist_ok=True)
        except OSError as error:
            # Even root cannot create folders everywhere, as in /proc.
            raise XenToolError(
                f"O={directory}: cannot build there: {error.strerror}; type O=DIRECTORY"
            ) from error
        env.SConsignFile(env["XEN_BUILD"].File(".sconsign").abspath.replace("$", "$$"))
    env["XEN_CONFIG"] = observed = observe(
        configuration,
        Described(str(file), str(top), str(saved_path), defconfig or "", name or "", seen),
        is_usual=text is None and arguments is None and not (asked or asks_why()),
    )
    env["XEN_SETTINGS"] = given
    with audit.ignored():
        _set_commands(env, configuration, tools, path)
    _add_configuration(env, configuration)
    usage.say_unasked(env)
    if not (asked or looks_only):
        signals.listen()
        atexit.register(graph_of(env).session.close)
    return observed


def _kconfig_variables(tools: Toolchain, path: str) -> dict[str, str]:
    """Return the variables that Kconfig files of Linux expect from make."""
    variables = {"SRCARCH": "x86", "CC": shlex.join(tools.cc), "LD": shlex.join(tools.ld)}
    assembler = shutil.which("as", path=path)
    return {**variables, "AS": assembler} if assembler else variables


def _tell(configuration: Configuration) -> None:
    """Print warnings and notes, each once even if several environments read the configuration."""
    told = [f"xen_tool: warning: {warning}" for warning in configuration.warnings]
    told += [f"xen_tool: note: {note}" for note in configuration.notes]
    for line in told:
        if line not in _told:
            _told.add(line)
            print(line, file=sys.stderr)


def _saved_arch(path: Path) -> str | None:
    try:
        arch = saved_arch(path) if find(path) else None
    except XenToolError:
        return None
    return arch.name if arch else None


def _build_directory(env: Any, directory: str, *, is_typed: bool) -> Any:
    """Return the node of the build directory.

    is_typed: the user named it on the command line, and may have named a folder of sources.

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
    if top == node or top.is_under(node) or (holds := _source_in(path, is_typed)):
        among = "" if top == node or top.is_under(node) else f": it has {holds}"
        raise XenToolError(
            f"O={directory}: outputs would land among the sources{among}; "
            "name a folder of their own"
        )
    looks_only = any(GetOption(option) for option in ("no_exec", "question", "help", "clean"))
    if not looks_only and not os.access(existing, os.W_OK):
        raise XenToolError(
            f"O={directory}: cannot build there: {shown(existing)} cannot be written; "
            "type O=DIRECTORY"
        )
    return node


def _source_in(folder: Path, is_typed: bool) -> str:
    """Return a file in a folder that no build makes; "" if there is none."""
    names = ["SConstruct", "SConscript", "Kconfig*"]
    if is_typed and not any((folder / name).exists() for name in (DATABASE, LOCK)):
        # Before the first build there are no generated sources.
        names += [f"*{suffix}" for suffix in (*flags.COMPILED, *flags.HEADERS)]
    patterns = (f"{below}{name}" for name in names for below in ("", "*/", "*/*/"))
    found = next((path for pattern in patterns for path in folder.glob(pattern)), None)
    return shown(found) if found else ""


def _set_commands(env: Any, configuration: Configuration, tools: Toolchain, path: str) -> None:
    build = flags.path_of(env["XEN_BUILD"])
    env["XENCC"] = list(tools.cc)
    env["XENLAUNCHER"] = list(tools.launcher.argv)
    env["XENLD"] = list(tools.ld)
    env["XENCCFLAGS"] = tools.cc_flags(configuration.arch)
    env["XENASMFLAGS"] = tools.assembler_code
    env["XENPCHFLAGS"] = tools.precompiling
    env["XENLDFLAGS"] = tools.ld_flags(configuration.arch)
    # Files of a build directory outside the top have absolute paths.
    elsewhere = [build] if os.path.isabs(build) else []
    env["XENFOLDERS"] = tools.folders([env.fs.Top.abspath, *elsewhere])
    env["XENSYSTEMFLAGS"] = ["-include", f"{build}/{AUTOCONF}", "-isystem", tools.include]
    env["XEN_GRAPH"] = graph = graph_of(env)
    env["XEN_EXPANDED"] = {}
    short_names.know(graph)
    plan = graph.plan
    plan.symbols = configuration.values
    plan.configured = frozenset([f"{build}/{AUTOCONF}"])
    # zig keeps a cache, which is put beside the outputs; compilers use TMPDIR.
    cache = os.path.join(env["XEN_BUILD"].abspath, ZIG_CACHE)
    plan.environment = {
        "PATH": path,
        "LC_ALL": "C",
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        "ZIG_GLOBAL_CACHE_DIR": cache,
        "ZIG_LOCAL_CACHE_DIR": cache,
        **tools.launcher.environment,
    }
    if folder := env["XEN_SETTINGS"].get("CACHE"):
        plan.cache = os.path.join(env.fs.Top.abspath, os.path.expanduser(folder))
        plan.cache_limit = env["XEN_SETTINGS"].cache_limit
    # The records depend on these modules, which derive dependencies.
    recording = modules("build/commands.py")
    env["XEN_CC_GROUP"] = plan.group(
        "cc", Group((*tools.cc_files, *recording), tools.gas, tools.launcher.argv)
    )
    env["XEN_LD_GROUP"] = plan.group("ld", Group((*tools.ld_files, *recording)))


def _add_configuration(env: Any, configuration: Configuration) -> None:
    graph: Graph = env["XEN_GRAPH"]
    step = configuration_step(
        graph.plan.folder, configuration.values, configuration.dotconfig, configuration.autoconf
    )
    graph.plan.add(step)
    for output in step.outputs:
        graph.node(env, output)
