# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Tell SCons what `scons -c` removes.

For an object these are its outputs; for an image, all outputs ever recorded in the build
directory.  Files are removed only if their contents are those that a step made, and never
through a link to another folder.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
from typing import TYPE_CHECKING, Any

from SCons.Script import GetOption

from ...boot.console import log
from ...build.database import FILE as DATABASE
from ...build.lock import FILE as LOCK
from ...functions import CHECK
from ..paths import path_of

if TYPE_CHECKING:
    from .nodes import Graph

SCONSIGN_FILES = (".sconsign.dblite",)
"""Files of SCons' signature database .sconsign in a build directory."""
NINJA_FILES = ("build.ninja.plan", ".ninja_log", ".ninja_deps")
"""Files that building by ninja leaves in a build directory."""
ZIG_CACHE = ".zig-cache"
"""The folder of zig's cache in a build directory."""


def clean(graph: Graph, node: Any) -> None:
    """Tell SCons to remove the outputs of a file's step; for an image, of all recorded steps.

    For an image the files of the build directory itself, such as the database, are removed too.
    """
    database, contents = graph.session.database, graph.session.contents
    step = graph.plan.steps[path_of(node)]
    is_image = step.action == CHECK
    steps = graph.plan.closure([step.path]) if is_image else [step]
    records = database.paths() if is_image else [step.path]
    paths = [name for each in steps for name in each.outputs]
    for record in filter(None, map(database.get, list(records))):
        rows = database.rows(record.outputs)
        paths += [path for path, content in rows if contents.digest(path) == content]
    if is_image:
        paths += [f"{graph.plan.folder}/{name}" for name in (DATABASE, LOCK)]
        if os.path.exists(f"{graph.plan.folder}/{NINJA_FILES[0]}"):
            # build.ninja at the top was written with this plan.
            from ...build.ninja_file import FILE as BUILD_NINJA

            paths.append(BUILD_NINJA)
        if not GetOption("no_exec"):
            atexit.register(_remove_empty, os.path.abspath(graph.plan.folder), graph.top)
    removable = [path for path in dict.fromkeys(paths) if _can_be_removed(path)]
    fs = graph.env.fs
    graph.env.Clean(node, [fs.File(path, fs.Top) for path in removable])


def _can_be_removed(path: str) -> bool:
    """Whether no parent of a file is a link to another folder, or the file does not exist."""
    folder = os.path.dirname(path)
    return os.path.realpath(folder) == os.path.abspath(folder) or not os.path.lexists(path)


def _remove_empty(folder: str, top: str) -> None:
    """Remove the rest of a build directory: signatures, consoles, zig's cache, empty folders.

    Empty parents below the folder of the SConstruct are removed too, up to a link.
    """
    for name in (*SCONSIGN_FILES, *NINJA_FILES):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(folder, name))
    log.clean(folder)
    cache = os.path.join(folder, ZIG_CACHE)
    if not os.path.islink(cache):
        shutil.rmtree(cache, ignore_errors=True)
    for place, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(place)
    with contextlib.suppress(OSError):
        while (folder := os.path.dirname(folder)).startswith(os.path.join(top, "")):
            if os.path.realpath(folder) != folder:
                break
            os.rmdir(folder)
