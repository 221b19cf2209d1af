# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a SConstruct calls: env.XenConfigure, then env.XenHead, XenObject, XenImage, XenBoot."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from SCons.Errors import BuildError
from SCons.Script import ARGLIST, GetOption

from .. import toolchain
from ..config.configuration import Configuration, read
from ..config.saved import find, saved_arch
from ..errors import XenToolError
from ..files import shown
from ..head.config import SYMBOLS as HEAD_SYMBOLS
from ..loaders import asked
from ..run import modes
from ..toolchain import Toolchain
from . import builders, check, dry_run, named, record, steps
from .config_targets import ConfigTargets, asks_why, changing
from .errors import one_image, while_building, while_reading
from .owner import own
from .scanner import AUTOCONF, Dependencies
from .settings import Settings, add_json, settings


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
    given = settings(ARGLIST if arguments is None else arguments.items())
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
    tools = toolchain.find(
        path, toolchain=given.get("TOOLCHAIN"), cc=given.get("CC"), ld=given.get("LD")
    )
    directory = build or given.get("O") or f"build/{configuration.arch.name}"
    env["XEN_BUILD"] = _build_directory(env, directory, owned=not asked)
    # SCons makes the folder at once, if it is not there.
    if sconsign and not asked and os.path.isdir(env["XEN_BUILD"].abspath):
        env.SConsignFile(env["XEN_BUILD"].File(".sconsign").abspath.replace("$", "$$"))
    env["XEN_CONFIG"] = configuration
    env["XEN_SETTINGS"] = given
    env["XEN_STEPS"] = steps.Steps()
    _set_commands(env, given, configuration, tools, path)
    _add_configuration_files(env, configuration)
    record.keep(env, owned=not asked)
    dry_run.decide(env)
    return configuration


def _saved_arch(path: Path) -> str | None:
    try:
        arch = saved_arch(path) if find(path) else None
    except XenToolError:
        return None
    return arch.name if arch else None


def _build_directory(env: Any, directory: str, *, owned: bool) -> Any:
    """The node of $O, which this process then owns, if it is to build there."""
    top = env.Dir("#")
    path = Path(top.abspath, directory)
    existing = next(folder for folder in (path, *path.parents) if os.path.lexists(folder))
    if not existing.is_dir():
        raise XenToolError(f"O={directory}: cannot build there: {shown(existing)} is not a folder")
    if path.name.startswith("-"):
        raise XenToolError(f"O={directory}: programs would take it for an option")
    node = env.fs.Dir(directory, top)
    if top == node or top.is_under(node) or _holds_sources(path):
        raise XenToolError(
            f"O={directory}: outputs would land among the sources; name a folder of their own"
        )
    looks_only = any(GetOption(option) for option in ("no_exec", "question", "help"))
    if owned and not looks_only and not hasattr(node.attributes, "xen_owner"):
        # Two environments may share the directory; the lock is the process's.
        node.attributes.xen_owner = own(node.abspath)
    return node


def _holds_sources(folder: Path) -> bool:
    """Whether there is something that no build makes."""
    names = ("SConstruct", "SConscript", "Kconfig*")
    patterns = [f"{below}{name}" for name in names for below in ("", "*/", "*/*/")]
    return any(any(folder.glob(pattern)) for pattern in patterns)


def _set_commands(
    env: Any, given: Settings, configuration: Configuration, tools: Toolchain, path: str
) -> None:
    build = env["XEN_BUILD"]
    env["XENCC"] = list(tools.cc)
    env["XENLD"] = list(tools.ld)
    env["XENCCFLAGS"] = tools.cc_flags(configuration.arch)
    env["XENLDFLAGS"] = tools.ld_flags(configuration.arch)
    # As a system header, autoconf.h stays out of dependency files.
    env["XENSYSTEMFLAGS"] = [
        *("-isystem", build.Dir("include/generated"), "-include", AUTOCONF),
        *("-isystem", tools.include),
    ]
    env["XEN_COMMAND"] = builders.command_signature
    cache = build.Dir(".zig-cache").abspath
    environment = {
        "PATH": path,
        "LC_ALL": "C",
        "ZIG_GLOBAL_CACHE_DIR": cache,
        "ZIG_LOCAL_CACHE_DIR": cache,
    }
    env.Append(BUILDERS=builders.builders(environment, tools.identity))
    env.Append(BUILDERS={"XenChecked": check.builder()})


def _add_configuration_files(env: Any, configuration: Configuration) -> None:
    autoconf = f"include/generated/{AUTOCONF}"
    contents = {
        ".config": f"# Made by xen_tool for this build; edits are lost.\n{configuration.dotconfig}",
        autoconf: configuration.autoconf,
    }
    builders.config_files(env, contents)
    env["XEN_AUTOCONF"] = env["XEN_BUILD"].File(autoconf)
    values = configuration.values.items()
    env["XEN_VALUES"] = {name: steps.symbol_value(env, name, text) for name, text in values}
    env["XEN_DEPENDENCIES"] = Dependencies(env, configuration, env["XEN_VALUES"])


@while_reading
def xen_head(env: Any, target: str = "arch/x86/xen/xen-head.o") -> list[Any]:
    """env.XenHead(): the Xen head object, below $XEN_BUILD; [] when XEN is not set."""
    if not env["XEN_CONFIG"].enabled("XEN"):
        return []
    values = [env["XEN_VALUES"][name] for name in HEAD_SYMBOLS if name in env["XEN_VALUES"]]
    arch = steps.symbol_value(env, steps.ARCH, env["XEN_CONFIG"].arch.name)
    node = env.XenHeadObject(env["XEN_BUILD"].File(target), [arch, *values])
    package = Path(__file__).parent.parent
    modules = [
        package / "abi.py",
        *(package / "elf").glob("*.py"),
        *(package / "head").glob("*.py"),
    ]
    env.Depends(node, sorted(str(module) for module in modules))
    keystone = importlib.util.find_spec("keystone")
    if keystone is not None and keystone.origin is not None:
        identity = toolchain.identity(keystone.origin)
        env.Depends(node, steps.value(env, identity, "toolchain"))
    return list(node)


@while_reading
def xen_image(
    env: Any,
    target: str,
    source: Sequence[Any],
    *,
    script: str,
    loaders: Sequence[str] | None = None,
    xen: str | None = None,
) -> list[Any]:
    """env.XenImage(): links source by a linker script (.lds, or .lds.S, preprocessed).

    In source are objects, and names of .c and .S files, which are compiled for it.

    The image must be taken by loaders (see xen_tool.loaders.names.LOADERS; a list,
    or a string as after LOADERS=; by default those that the configuration asks for)
    of a Xen, such as "4.17" or "4.17+pv32".
    """
    if str(script).endswith(".lds.S"):
        script = env.XenScript(script)
    (linked,) = named.link(env, f"{target}{check.UNCHECKED}", script, env.Flatten(source))
    return [check.checked(env, target, linked, check.question(env, loaders, xen))]


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
