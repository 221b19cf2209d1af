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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from SCons.Script import ARGLIST, GetOption

from .. import signals
from ..build.plan import Group
from ..config.configuration import Configuration, read
from ..config.language.declared import Declared, kconfig_text
from ..config.saved import find, saved_arch
from ..config.targets import SETCONFIG, ConfigTargets
from ..errors import XenToolError, print_message
from ..functions import AUTOCONF, configuration_step
from ..modules import modules
from ..process import collect_rarely
from ..shortcut import audit
from ..shortcut.other_values import Described
from ..toolchain import flags, programs
from ..toolchain.programs import Toolchain
from . import usage
from .build_folder import build_folder, keep_signatures
from .graph import jobs, short_names
from .graph.clean import ZIG_CACHE
from .graph.nodes import Graph, graph_of
from .observed import observe
from .paths import path_of
from .settings import RESERVED, Settings, add_options, builds_nothing, settings
from .targets import watching
from .targets.config_targets import asks_why, changing
from .user_errors import while_reading

_printed: set[tuple[str, str]] = set()
"""The remarks that were printed, each with its kind: warning or note."""


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
    _prepare_scons()
    typed = settings(ARGLIST)
    if arguments is not None:
        typed = typed.with_arguments(arguments)
    top = Path(env.Dir("#").abspath)
    changes = changing() if arguments is None else []
    _check_changes(changes, typed.kconfig)
    _watch(top)
    path = env["ENV"].get("PATH", os.defpath)
    with audit.ignored():
        tools = _find_tools(typed, path)
        seen = {**_kconfig_variables(tools, path), **(variables or {})}
    audit.lists(path.split(os.pathsep))
    file, text = _kconfig(top, kconfig, symbols)
    saved_path = top / (saved or os.environ.get("KCONFIG_CONFIG") or ".config")
    name = typed.get("ARCH") or (_saved_arch(saved_path) if changes or arch else None) or arch
    # With setconfig and why, NAME=value is the argument of the target, not a setting.
    of_target = arguments is None and bool(changes or asks_why())
    configuration = read(
        file,
        text=text,
        srctree=top,
        # The saved configuration to be changed may be damaged; only its architecture is needed.
        saved_config=None if changes else saved_path,
        defconfig=None if changes else defconfig,
        arch=name,
        settings={} if of_target else typed.kconfig,
        variables=seen,
        others=RESERVED,
    )
    _print_remarks(configuration)
    env["XEN_SETTINGS"] = typed
    env["XEN_CONFIG_TARGETS"] = ConfigTargets(
        kconfig=file,
        text=text,
        srctree=top,
        variables=seen,
        config=saved_path,
        defconfig=defconfig,
        seed=typed.get("SEED"),
    )
    env["XEN_CONFIG"] = observed = observe(
        configuration,
        Described(str(file), str(top), str(saved_path), defconfig or "", name or "", seen),
        is_usual=text is None and arguments is None and not of_target,
    )
    directory = build or typed.get("O") or f"build/{configuration.arch.name}"
    with audit.ignored():
        env["XEN_BUILD"] = build_folder(env, directory, is_typed="O" in typed.tool)
        if sconsign and not changes:
            keep_signatures(env, env["XEN_BUILD"])
        _set_commands(env, configuration, tools)
        _set_plan(env, configuration, tools, path)
    _add_configuration(env, configuration)
    usage.help_by_default(env)
    if not (changes or builds_nothing()):
        signals.listen()
        atexit.register(graph_of(env).session.close)
    return observed


def _prepare_scons() -> None:
    """Set what concerns the whole run of SCons."""
    collect_rarely()
    if hasattr(sys.stdout, "reconfigure"):
        # A prompt or value may have characters that the terminal's encoding does not have.
        sys.stdout.reconfigure(errors="backslashreplace")
    add_options()
    jobs.bound()


def _check_changes(changes: Sequence[str], symbols: Mapping[str, str]) -> None:
    """Raise XenToolError if NAME=value is given to targets that change the configuration."""
    if changes and symbols and SETCONFIG not in changes:
        values = " ".join(f"{name}={value}" for name, value in symbols.items())
        raise XenToolError(
            f"{next(iter(symbols))}= holds for one run, and {changes[0]} changes the saved "
            f"configuration: leave one of them out, or type `scons {' '.join(changes)} {SETCONFIG} "
            f"{values}`"
        )


def _watch(top: Path) -> None:
    """Watch the project, and do not return, if the target watch is requested.

    Raises XenToolError for --interactive.
    """
    if watching.is_requested() and not builds_nothing():
        watching.watch(str(top))
    if GetOption("interactive"):
        raise XenToolError(
            "--interactive would look at each file once, and not see what is edited later: "
            f"type `scons {watching.WATCH}`, which builds at every save"
        )


def _find_tools(typed: Settings, path: str) -> Toolchain:
    return programs.find(
        path,
        toolchain=typed.get("TOOLCHAIN"),
        cc=typed.get("CC"),
        ld=typed.get("LD"),
        cc_launcher=typed.get("CC_LAUNCHER"),
        cross=typed.get("CROSS_COMPILE"),
        llvm=typed.get("LLVM"),
    )


def _kconfig(top: Path, kconfig: str | None, symbols: Declared | None) -> tuple[Path, str | None]:
    """Return the Kconfig file, and its text if a SConstruct declares the symbols."""
    if symbols is None:
        return top / (kconfig or "kconfig/Kconfig"), None
    if kconfig is not None:
        raise XenToolError(
            "XenConfigure is given a Kconfig file and symbols: leave one of them out"
        )
    return top / "SConstruct", kconfig_text(symbols)


def _kconfig_variables(tools: Toolchain, path: str) -> dict[str, str]:
    """Return the variables that Kconfig files of Linux expect from make."""
    variables = {"SRCARCH": "x86", "CC": shlex.join(tools.cc), "LD": shlex.join(tools.ld)}
    assembler = shutil.which("as", path=path)
    return {**variables, "AS": assembler} if assembler else variables


def _print_remarks(configuration: Configuration) -> None:
    """Print warnings and notes, each once even if several environments read the configuration."""
    remarks = [(warning, "warning") for warning in configuration.warnings]
    remarks += [(note, "note") for note in configuration.notes]
    for remark in remarks:
        if remark not in _printed:
            _printed.add(remark)
            print_message(*remark)


def _saved_arch(path: Path) -> str | None:
    """Return the architecture of the saved configuration; None if unknown, or it is damaged."""
    try:
        arch = saved_arch(path) if find(path) else None
    except XenToolError:
        return None
    return arch.name if arch else None


def _set_commands(env: Any, configuration: Configuration, tools: Toolchain) -> None:
    """Set the construction variables from which command lines are built."""
    build = path_of(env["XEN_BUILD"])
    env["XENCC"] = list(tools.cc)
    env["XENLAUNCHER"] = list(tools.launcher.argv)
    env["XENLD"] = list(tools.ld)
    env["XENCCFLAGS"] = flags.cc_flags(tools.name, configuration.arch)
    env["XENASMFLAGS"] = flags.assembler_code(tools.name)
    env["XENPCHFLAGS"] = flags.precompiling(tools.name)
    env["XENLDFLAGS"] = flags.ld_flags(configuration.arch)
    # Files of a build directory outside the top have absolute paths.
    elsewhere = [build] if os.path.isabs(build) else []
    env["XENFOLDERS"] = tools.folders([env.fs.Top.abspath, *elsewhere])
    env["XENSYSTEMFLAGS"] = ["-include", f"{build}/{AUTOCONF}", "-isystem", tools.include]
    env["XEN_EXPANDED"] = {}


def _set_plan(env: Any, configuration: Configuration, tools: Toolchain, path: str) -> None:
    """Set what all steps of the plan depend on: symbols, environment, programs and CACHE=."""
    env["XEN_GRAPH"] = graph = graph_of(env)
    short_names.add(graph)
    plan = graph.plan
    plan.symbols = configuration.values
    plan.configured = frozenset([f"{plan.folder}/{AUTOCONF}"])
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
    """Add the step that writes the configuration."""
    graph: Graph = env["XEN_GRAPH"]
    step = configuration_step(
        graph.plan.folder, configuration.values, configuration.dotconfig, configuration.autoconf
    )
    graph.plan.add(step)
    for output in step.outputs:
        graph.node(env, output)
