# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The target watch: replace SCons, in this process, by shortcut/watch.py."""

from __future__ import annotations

import os
import sys

from SCons.Script import COMMAND_LINE_TARGETS, GetLaunchDir

from ... import shortcut
from ...errors import XenToolError

WATCH = "watch"
_NAMING = ("-C", "--directory", "-f", "--file", "-I", "--include-dir", "-Y", "--repository")
"""Options with a separate argument, which could be named watch."""


def is_requested() -> bool:
    """Whether watch is among the targets on the command line."""
    return WATCH in map(str, COMMAND_LINE_TARGETS)


def watch(top: str) -> None:
    """Watch a project with the rest of the command line; does not return.

    Raises XenToolError if the target is not on the command line itself.
    """
    words = sys.argv[1:]
    rest = [
        word
        for word, before in zip(words, ["", *words], strict=False)
        if word != WATCH or before in _NAMING
    ]
    if rest == words:
        raise XenToolError(f"{WATCH} is for the command line, not for SCONSFLAGS")
    program = os.path.join(os.path.dirname(shortcut.__file__), "watch.py")
    sys.stdout.flush()
    os.chdir(GetLaunchDir())
    os.execv(sys.executable, [sys.executable, program, top, *rest])
