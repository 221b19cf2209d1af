# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The build directory: find it, and refuse places where outputs would mix with sources.

Used by XenConfigure.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..build.database import FILE as DATABASE
from ..build.lock import FILE as LOCK
from ..errors import XenToolError
from ..files import shown
from .paths import safe
from .settings import builds_nothing
from .suffixes import COMPILED, INCLUDED


def build_folder(env: Any, directory: str, *, is_typed: bool) -> Any:
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
    node = env.fs.Dir(safe(directory), top)
    holds_top = top == node or top.is_under(node)
    source = "" if holds_top else _source_in(path, is_typed)
    if holds_top or source:
        among = f": it has {source}" if source else ""
        raise XenToolError(
            f"O={directory}: outputs would land among the sources{among}; "
            "name a folder of their own"
        )
    if not builds_nothing() and not os.access(existing, os.W_OK):
        raise XenToolError(
            f"O={directory}: cannot build there: {shown(existing)} cannot be written; "
            "type O=DIRECTORY"
        )
    return node


def _source_in(folder: Path, is_typed: bool) -> str:
    """Return a file, in a folder or two levels below it, that no build makes; "" if there is none.

    is_typed: as for build_folder(); only then are sources in C and the like searched for.
    """
    names = ["SConstruct", "SConscript", "Kconfig*"]
    if is_typed and not any((folder / name).exists() for name in (DATABASE, LOCK)):
        # Before the first build there are no generated sources.
        names += [f"*{suffix}" for suffix in (*COMPILED, *INCLUDED)]
    patterns = (f"{below}{name}" for name in names for below in ("", "*/", "*/*/"))
    found = next((path for pattern in patterns for path in folder.glob(pattern)), None)
    return shown(found) if found else ""


def keep_signatures(env: Any, build: Any) -> None:
    """Let SCons keep its signature database in the build directory, which is made if needed.

    Does nothing if this run builds nothing, and the directory does not exist.

    Raises XenToolError if the directory cannot be made.
    """
    if builds_nothing() and not os.path.isdir(build.abspath):
        return
    # Without the folder SCons would write no signature database.
    try:
        os.makedirs(build.abspath, exist_ok=True)
    except OSError as error:
        # Even root cannot create folders everywhere, as in /proc.
        raise XenToolError(
            f"O={build}: cannot build there: {error.strerror}; type O=DIRECTORY"
        ) from error
    env.SConsignFile(build.File(".sconsign").abspath.replace("$", "$$"))
