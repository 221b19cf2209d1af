# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The closing line of a build: what was built, where, and how to boot it."""

from __future__ import annotations

import atexit
import os
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from SCons.Node import executed, up_to_date
from SCons.Script import ARGLIST, COMMAND_LINE_TARGETS, GetBuildFailures, GetOption

from ..config.configuration import Configuration
from ..shortcut.other_values import HINT
from .settings import OF_OTHER_TARGETS, builds_nothing
from .user_errors import one_image, while_reading

_lines: list[Callable[[], str]] = []
"""For each env.XenSummary(): a function that returns its line."""


def closing_lines() -> str:
    """Return the closing lines of this run, each with a newline; call it when all is built."""
    return "".join(line() for line in _lines)


@while_reading
def xen_summary(env: Any, image: Sequence[Any]) -> None:
    """env.XenSummary(): print a line at the end of a run that leaves the image up to date."""
    configuration, node = env["XEN_CONFIG"], one_image(env, "XenSummary", image)
    if not _lines:
        atexit.register(lambda: print(closing_lines(), end=""))
    _lines.append(lambda: _line(configuration, node))


def _line(configuration: Configuration, image: Any) -> str:
    """Return the line of an image; "" if the run built nothing, failed, is silent, or boots it."""
    if (
        builds_nothing()
        or GetOption("silent")
        or GetBuildFailures()
        or image.get_state() not in (executed, up_to_date)
    ):
        return ""
    # `scons boot` needs no hint on how to boot.
    if any(str(target).partition("-")[0] in ("boot", "gdb") for target in COMMAND_LINE_TARGETS):
        return ""
    return f"{image}: {_describe(configuration)}\n"


def _describe(configuration: Configuration) -> str:
    """Return what was built, and the command that boots it if Xen can start it."""
    kind = f"{configuration.arch.bits}-bit"
    if not configuration.enabled("XEN"):
        return f"a {kind} image without Xen (XEN=n); no Xen loader accepts it"
    guests = [guest for guest in ("PV", "PVH") if configuration.enabled(f"XEN_{guest}")]
    if not guests:
        return (
            f"a {kind} image with Xen's notes but no Xen entry (no XEN_PV, no XEN_PVH); "
            "a Xen loader would start its halting stub"
        )
    scons = os.environ.get("XEN_TOOL_COMMAND", "scons")
    settings = (f"{name}={value}" for name, value in ARGLIST if name not in OF_OTHER_TARGETS)
    words = [scons, "boot", *settings]
    return f"a {kind} Xen {' and '.join(guests)} kernel; {HINT}{shlex.join(words)}"
