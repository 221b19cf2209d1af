# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Targets that change or print the saved configuration, like those of make in Linux.

They run like any target, after the SConscripts were read.  As SConscripts depend on the
configuration, a target that changes it needs a run without other targets.  config/targets.py says
what each of them does, and a new one is added there alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from SCons.Script import COMMAND_LINE_TARGETS

from ...config.configuration import Configuration
from ...config.explain.listing import listing
from ...config.targets import CHANGING, SETCONFIG, ConfigTargets, is_file
from ...errors import XenToolError
from ..settings import Settings, print_json, wants_json
from ..user_errors import while_building, while_reading
from . import why

STANDS_FOR = {
    "nconfig": "menuconfig",
    "config": "oldconfig",
    "xconfig": "guiconfig",
    "gconfig": "guiconfig",
}
"""Targets of make in Linux, and the names of their counterparts here."""

LIST = "listconfig"
WHY = "why"
"""The target that explains; NAME=VALUE is then a question, not a setting."""

_SYMBOL = r"[A-Z0-9_]+"


def changing() -> list[str]:
    """Return the targets on the command line that change the saved configuration.

    Raises XenToolError if there are other targets as well.
    """
    names = [str(target) for target in COMMAND_LINE_TARGETS]
    found = [name for name in names if name in CHANGING or is_file(name)]
    others = [name for name in names if name not in found]
    if found == [SETCONFIG] and others and re.fullmatch(_SYMBOL, others[0]):
        raise XenToolError(
            f"{SETCONFIG} needs a value for {others[0]}: type `scons {SETCONFIG} {others[0]}=VALUE`"
        )
    if found and others:
        raise XenToolError(
            f"{found[0]} changes the configuration that {others[0]} is built from: "
            f"run `scons {' '.join(found)}` first"
        )
    return found


def is_of_configuration() -> bool:
    """Whether only targets that change, print or explain the configuration are requested."""
    names = [str(target) for target in COMMAND_LINE_TARGETS]
    return bool(names) and (WHY in names or LIST in names or bool(changing()))


def asks_why() -> bool:
    """Whether NAME=VALUE on the command line is a question for why."""
    return WHY in map(str, COMMAND_LINE_TARGETS)


@while_reading
def xen_config_targets(env: Any) -> None:
    """env.XenConfigTargets(): add menuconfig, defconfig, setconfig, listconfig and others."""
    targets: ConfigTargets = env["XEN_CONFIG_TARGETS"]
    configuration: Configuration = env["XEN_CONFIG"]
    names = changing() or sorted(CHANGING)

    def change(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        typed: Settings = env["XEN_SETTINGS"]
        targets.run(
            names, configuration.arch.name, typed_arch=typed.get("ARCH"), settings=typed.kconfig
        )

    # The action of the first target does the work of all, in the order of the command line.
    _alias(env, names[0], change, f"  KCONFIG {' '.join(changing())}")
    for name in names[1:]:
        env.Alias(name, names[0])
    env["XEN_HAS_CONFIG_TARGETS"] = True

    def show(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        if wants_json():
            kconf = targets.load(configuration.arch)[0]
            print_json(listing(configuration, kconf))
        else:
            print(_as_table(configuration))

    _alias(env, LIST, show, None)

    def point(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        name = str(target[0])
        raise XenToolError(f"{name} is make's: type `scons {STANDS_FOR[name]}`")

    for name in STANDS_FOR:
        _alias(env, name, point, None)

    def tell(target: Sequence[Any], source: Sequence[Any], env: Any) -> None:
        why.answer(env, _symbols_asked_of())

    _alias(env, WHY, tell, None)
    for name in _symbols_asked_of():
        # SCons would search for a file of this name.
        _alias(env, name, lambda *_a, **_k: None, None)
    from ..usage import help_by_default

    help_by_default(env)


def _symbols_asked_of() -> list[str]:
    """Return each NAME of `why NAME ...`; names of symbols are in capitals."""
    names = [str(target) for target in COMMAND_LINE_TARGETS] if asks_why() else []
    return [name for name in names if re.fullmatch(_SYMBOL, name)]


def _alias(env: Any, name: str, function: Callable[..., None], label: str | None) -> None:
    """Add a target that calls a function; label: what SCons prints before, or None."""
    action = env.Action(while_building(function), cmdstr=label)
    env.AlwaysBuild(env.Alias(name, [], action))


def _as_table(configuration: Configuration) -> str:
    """Return a line NAME VALUE ORIGIN for each symbol, in columns."""
    rows = [(n, v or "-", configuration.origins[n]) for n, v in configuration.values.items()]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{n:<{widths[0]}}  {v:<{widths[1]}}  {origin}" for n, v, origin in rows)
