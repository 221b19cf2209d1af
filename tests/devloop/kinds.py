# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The kinds of steps: a name for the table, a weight, and a function."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .tree import Tree

HOUR_NS = 3_600_000_000_000


@dataclass(frozen=True)
class Kind:
    """A kind of step that is done while no build runs."""

    name: str
    weight: float
    act: Callable[[Tree], str | None]
    """Changes the tree; returns what it did, in words, or None if there was nothing to change."""
    simple: bool = False
    """Whether it edits one file that a compiler or linker reads, so that a build has work to do."""
    foreign: bool = False
    """Whether it is about an output of SCons' own builders, whose contents SCons does not check."""


def save(path: Path, data: bytes, how: str = "in place") -> None:
    """Write a file as editors, cp -p, mv, rsync -t and touch -r do.

    how is "in place" or "renamed"; or about the time of the last change "newer" (in place),
    "older" (renamed), "same time" (in place) or "same time, renamed".
    """
    status = path.stat() if path.exists() else None
    renamed = how in ("renamed", "older", "same time, renamed")
    target = path.with_name(f"{path.name}.new") if renamed else path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    if status is not None and target is not path:
        shutil.copymode(path, target)
    if how == "older":
        before = status.st_mtime_ns if status else time.time_ns()
        os.utime(target, ns=(before - HOUR_NS, before - HOUR_NS))
    if target is not path:
        target.replace(path)
    if how.startswith("same time") and status is not None:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    if how == "newer":
        later = time.time_ns() + HOUR_NS
        os.utime(path, ns=(later, later))


def shown(tree: Tree, path: Path) -> str:
    """Return a path as the log shows it: relative to the tree."""
    return os.path.relpath(path, tree.top)
