# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The commands after a link, such as objcopy, strip and gzip: XenImage(postlink=...).

Each is a step of the plan whose input is the output of the one before it.  The output of the last
one is checked, and gets the name of the image.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from SCons.Util import is_String

from ..build.plan import Group, Plan
from ..build.step import COMMAND, Step
from ..errors import XenToolError
from ..functions import UNCHECKED
from ..modules import modules

_SHELL = "/bin/sh"
_SOURCE, _TARGET = "SOURCE", "TARGET"
# The positional parameters of the shell: $1 is the output, $2 the input.
_PLACES = {_SOURCE: '"$2"', _TARGET: '"$1"'}
_PLACE = re.compile(r"\$(?:(SOURCE|TARGET)\b|\{(SOURCE|TARGET)\})")


def postlink_commands(value: Any) -> tuple[str, ...]:
    """Return the commands of an argument postlink= as scripts for the shell.

    Each is a line for the shell, or a list of words.

    Raises XenToolError if it is neither, or lacks $SOURCE or $TARGET.
    """
    if not isinstance(value, (list, tuple)):
        raise XenToolError(
            f"XenImage(postlink=): {value!r} is no list; write ['strip -o $TARGET $SOURCE']"
        )
    return tuple(map(_command, value))


def linker_output(image: str, postlink: Sequence[str]) -> str:
    """Return the path of the linker's output for an image."""
    return f"{image}.linked" if postlink else f"{image}{UNCHECKED}"


def postlink_steps(env: Any, plan: Plan, image: str, postlink: Sequence[str]) -> Iterator[Step]:
    """Yield the steps from the linker's output to the unchecked image."""
    recording = modules("build/commands.py")
    source = linker_output(image, postlink)
    for number, command in enumerate(postlink, 1):
        output = f"{image}{UNCHECKED}" if number == len(postlink) else f"{image}.post{number}"
        script = _expanded(env, command)
        group = plan.group("post", Group((*_programs(plan, script), *recording)))
        words = (_SHELL, "-ec", script)
        yield Step("POST", (output,), (source,), COMMAND, words, (source,), group, symbols=())
        source = output


def _command(value: Any) -> str:
    """Return a command as a script; errors as for postlink_commands()."""
    if is_String(value):
        command = str(value)
    elif isinstance(value, (list, tuple)) and value and all(map(is_String, value)):
        command = " ".join(w if _PLACE.fullmatch(w) else shlex.quote(w) for w in map(str, value))
    else:
        raise XenToolError(
            f"XenImage(postlink=): {value!r} is neither a command nor a list of its words"
        )
    named = {one or other for one, other in _PLACE.findall(command)}
    for name in (_SOURCE, _TARGET):
        if name not in named:
            raise XenToolError(
                f"XenImage(postlink=): {command}: it names no ${name}; what comes of $SOURCE "
                "has to be written to $TARGET, as by objcopy $SOURCE $TARGET"
            )
    return command


def _expanded(env: Any, command: str) -> str:
    """Return the script with the values of construction variables."""
    parts = _PLACE.split(command)
    # Text alternates with the two groups of _PLACE, one of which matched.
    found = str(env.subst(parts[0], raw=1))
    for one, other, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        found += _PLACES[one or other] + str(env.subst(text, raw=1))
    return found


def _programs(plan: Plan, script: str) -> tuple[str, ...]:
    """Return the paths of the shell and of the first program of a script, such as strip.

    The image depends on their contents.

    Raises XenToolError if a quote in the script is not closed.
    """
    try:
        word = next(iter(shlex.split(script)), "")
    except ValueError as error:
        raise XenToolError(f"XenImage(postlink=): {script}: {error}") from error
    found = shutil.which(word, path=plan.environment.get("PATH"))
    return (_SHELL, os.path.abspath(found)) if found else (_SHELL,)
