# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The text of `scons -h`: that of the project, then settings, targets and symbols."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import SCons.Script
from SCons.Script import GetOption

from ..config.configuration import Configuration
from ..config.targets import CHANGING
from .settings import RESERVED
from .targets.config_targets import STANDS_FOR
from .user_errors import while_reading

CONFIG_TARGETS = """\
Targets for the saved configuration, .config:
{targets}
  scons NAME_defconfig NAME.config ...   merges files, and lists values without effect{files}
  scons listconfig [--json]              shows each symbol, its value, and where it was set
  scons why NAME=VALUE                   whether that is possible, and how
  scons why NAME                         what sets it now, and what depends on it
  scons why TARGET=FILE                  why it was last built, or is to be built now
"""

TARGETS = """\
Targets of the tool:
  scons all                              builds the default targets
  scons FILE.o, FILE.i, FILE.s           compiles, preprocesses or translates one source
  scons watch [TARGET ...]               builds, and again at every save, until Ctrl-C
  scons report [IMAGE]                   writes a page about it: $O/report.html
  scons trace [TARGET ...]               builds, and writes what ran when, for Perfetto
  scons compile_commands.json            writes for clangd how each source is compiled
  scons build.ninja                      writes all commands for ninja
  scons test-boot [--json]               boots the image of every target of XenBoot
  scons size [IMAGE] [AGAINST=..]        the sizes of its parts, and their changes
  scons sbom --provenance                writes a statement of in-toto as well, to be signed
  scons reproducible [FILE] [--json]     builds again in another folder, and compares
"""

_SETTINGS = """\
Settings of the tool, with their default values in brackets:
{settings}

Settings of Kconfig, with the values that they have now.  NAME=value holds for
one run; value is 1, 0, y, n, a number or a string.  All others have the value of the
saved configuration: .config, or what $KCONFIG_CONFIG names, or else the defconfig.
{symbols}
"""


_is_added = False
"""Whether a text of the tool is part of SCons' help."""
_default_text = ""
"""The text for projects whose SConscripts do not call XenHelp."""


@while_reading
def xen_help(env: Any, text: str) -> None:
    """env.XenHelp(): let `scons -h` print text, then the settings and targets of the tool."""
    configuration = env["XEN_CONFIG"]
    _remove_default()
    _add_help(env, configuration, text)


def help_by_default(env: Any) -> None:
    """Let `scons -h` explain the tool in projects that do not call XenHelp."""
    global _default_text
    if not GetOption("help") or (_is_added and not _default_text):
        return
    _remove_default()
    before = SCons.Script.help_text or ""
    _add_help(env, env["XEN_CONFIG"], "")
    _default_text = SCons.Script.help_text.removeprefix(before)


def _remove_default() -> None:
    global _default_text
    if _default_text:
        SCons.Script.help_text = SCons.Script.help_text.replace(_default_text, "")
    _default_text = ""


def _add_help(env: Any, configuration: Configuration, text: str) -> None:
    """Add text, if there is one, and then that of the tool to SCons' help."""
    global _is_added
    _is_added = True
    symbols = (
        f"  {f'{name}={configuration.values[name]}':<22} {prompt}"
        for name, prompt in configuration.prompts.items()
    )
    parts = [*([text.strip("\n") + "\n"] if text else []), TARGETS]
    if env.get("XEN_HAS_CONFIG_TARGETS"):
        targets = (f"  scons {name:<15} {does}{_known(name)}" for name, does in CHANGING.items())
        there: list[str] = env["XEN_CONFIG_TARGETS"].files()
        files = f";\n{'':41}there are {', '.join(there)}" if there else ""
        parts.append(CONFIG_TARGETS.format(targets=_lines(targets), files=files))
    settings = (f"  {name + '=':<12} {meaning}" for name, meaning in RESERVED.items())
    parts.append(_SETTINGS.format(settings=_lines(settings), symbols=_lines(symbols)))
    # SCons would expand $NAME as a construction variable.
    env.Help("\n".join(parts).replace("$", "$$"))


def _known(name: str) -> str:
    """Return the end of the line of a target: its other names in make; "" if there are none."""
    others = [other for other, setting in STANDS_FOR.items() if setting == name]
    return f"; make's {', '.join(others)}" if others else ""


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)
