# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Steps that change the contents of files: edits of every sort, touches and reverts."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable

from . import texts
from .kinds import Kind, save, shown
from .tree import Snapshot, Tree

_MANNERS = {
    "edit": 2.0,
    "edit, same size and time": 0.7,
    "replace by an older file": 0.7,
    "edit, time in the future": 0.3,
    "touch": 0.3,
}
_SORTS = {
    "source": 5.0,
    "header": 6.0,
    "linker script": 1.0,
    "INCLUDE'd script": 1.0,
    ".incbin data": 2.0,
    ".include'd file": 1.0,
    "generator's source": 1.0,
    "response file": 1.0,
    "flags": 1.0,
    "SConstruct": 0.6,
    "Kconfig": 0.6,
    ".config": 1.0,
}
_STAND_IN_SORTS = {"compiler's header": 0.6, "compiler program": 1.0}
_SIMPLE = ("source", "header", ".incbin data", "linker script", "INCLUDE'd script")
"""Sorts of files that compilers and linkers read, and SCons does not."""


def kinds(*, real: bool) -> list[Kind]:
    """Return all kinds of this module; real: without those that edit the compilers."""
    sorts = _SORTS if real else {**_SORTS, **_STAND_IN_SORTS}
    found = []
    for manner, weight in _MANNERS.items():
        for sort, share in sorts.items():
            act = functools.partial(_change, manner=manner, sort=sort)
            simple = manner == "edit" and sort in _SIMPLE
            found.append(Kind(f"{manner}: {sort}", weight * share, act, simple))
    found += [Kind("rewrite: source", 12, functools.partial(_rewrite, sort="source"))]
    found += [Kind("rewrite: header", 12, functools.partial(_rewrite, sort="header"))]
    for whole, weight in ((False, 12), (True, 5)):
        for old in (False, True):
            act = functools.partial(_revert, whole=whole, old=old)
            what = "everything" if whole else "a file"
            name = f"revert {what}, {'old' if old else 'new'} time"
            found.append(Kind(name, weight, act))
    return found


def change(tree: Tree, sort: str) -> tuple[str, bytes] | None:
    """Return a random file of a sort, and new contents of its size; None if there is no file."""
    files = tree.of_sort(sort)
    if not files:
        return None
    path = tree.pick(files)
    text = path.read_text(encoding="latin-1")
    return str(path), texts.edited(text, tree.random).encode("latin-1")


def simple_change(tree: Tree) -> tuple[str, bytes]:
    """Return what change() does, for a random sort of _SIMPLE."""
    changed = None
    while changed is None:
        changed = change(tree, tree.pick(_SIMPLE))
    return changed


def _change(tree: Tree, manner: str, sort: str) -> str | None:
    if sort == ".config" and not tree.exists(".config"):
        tree.write(".config", f"CONFIG_COUNT={texts.number(tree.random)}\n")
        return "write .config"
    files = tree.of_sort(sort)
    if not files:
        return None
    path = tree.pick(files)
    text = path.read_text(encoding="latin-1")
    if manner == "touch":
        os.utime(path)
        return f"touch {shown(tree, path)}"
    how = {
        "edit": tree.pick(["in place", "renamed"]),
        "edit, same size and time": tree.pick(["same time", "same time, renamed"]),
        "replace by an older file": "older",
        "edit, time in the future": "newer",
    }[manner]
    save(path, texts.edited(text, tree.random).encode("latin-1"), how)
    return f"edit {shown(tree, path)}, {how}"


def _rewrite(tree: Tree, sort: str) -> str | None:
    paths = [shown(tree, path) for path in tree.of_sort(sort)]
    if not paths:
        return None
    path = tree.pick(paths)
    tree.write(path, tree.new_text(path))
    return f"rewrite {path}"


def restore(tree: Tree, then: Snapshot, paths: Iterable[str], *, old: bool) -> None:
    """Give files the contents that they have in a snapshot; with old, the times as well."""
    for path in paths:
        file = tree.top / path
        if path not in then:
            file.unlink(missing_ok=True)
            continue
        data, mtime = then[path]
        save(file, data, "renamed" if len(data) % 2 else "in place")
        if old:
            os.utime(file, ns=(mtime, mtime))


def differences(then: Snapshot, now: Snapshot) -> list[str]:
    """Return the files whose contents differ in two snapshots, or that only one of them has."""
    none = (b"", 0)
    paths = sorted({*then, *now})
    return [
        p for p in paths if (p in then, then.get(p, none)[0]) != (p in now, now.get(p, none)[0])
    ]


def _revert(tree: Tree, *, whole: bool, old: bool) -> str | None:
    if not tree.history:
        return None
    then, now = tree.pick(tree.history), tree.snapshot()
    paths = differences(then, now)
    if not whole:
        paths = [path for path in paths if path in then and path in now]
        paths = [tree.pick(paths)] if paths else []
    if not paths:
        return None
    restore(tree, then, paths, old=old)
    return f"revert {', '.join(paths)}, {'old' if old else 'new'} time"
