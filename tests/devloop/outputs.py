# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Steps that damage, replace or remove what was built, and the tool's own records of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .kinds import Kind, save
from .tree import BUILD, IMAGE, Tree

_RECORDS_ON_TOP = ".sconsign.dblite"


def kinds() -> list[Kind]:
    """Return all kinds of this module."""
    return [
        Kind("output: junk at the end", 4, _junk),
        Kind("output: truncated", 3, _truncate),
        Kind("output: other bytes, same size and time", 3, _flip),
        Kind("output: removed", 4, _remove),
        Kind("output: an older one put back", 4, _put_back),
        Kind("objects swapped", 4, _swap),
        Kind("the image overwritten", 2, _overwrite_image),
        Kind("the image removed", 2, _remove_image),
        Kind("the generated header removed", 1, _remove_generated),
        Kind("junk in the generated header", 2, _damage_generated, foreign=True),
        Kind("a folder of objects removed", 1, _remove_folder),
        Kind("the build folder removed", 1, _remove_build),
        Kind("the build folder of an earlier build put back", 2, _put_back_build),
        Kind("records removed", 3, _remove_records),
        Kind("junk in records", 3, _damage_records),
        Kind("records of an earlier build put back", 3, _put_back_records),
    ]


def keep(tree: Tree, aside: Path) -> None:
    """After a good build, at times, copy outputs, which _put_back() and others restore later."""
    if tree.chance(0.3):
        path = tree.pick(tree.outputs())
        if tree.exists(path):
            file = tree.top / path
            tree.kept[path] = (file.read_bytes(), file.stat().st_mtime_ns)
    if tree.chance(0.1):
        shutil.rmtree(aside, ignore_errors=True)
        try:
            shutil.copytree(tree.top / "build", aside / "build")
        except shutil.Error:
            # The last compilers of a killed run are still running.
            tree.aside = None
            return
        if tree.exists(_RECORDS_ON_TOP):
            shutil.copy2(tree.top / _RECORDS_ON_TOP, aside)
        tree.aside = aside


def _output(tree: Tree) -> Path | None:
    path = tree.top / tree.pick(tree.outputs())
    return path if path.is_file() else None


def _junk(tree: Tree) -> str | None:
    path = _output(tree)
    if path is None:
        return None
    with path.open("ab") as file:
        file.write(b"junk\n")
    return f"junk at the end of {path.name}"


def _truncate(tree: Tree) -> str | None:
    path = _output(tree)
    if path is None:
        return None
    os.truncate(path, tree.pick([0, path.stat().st_size // 2]))
    return f"truncate {path.name}"


def _flip(tree: Tree) -> str | None:
    path = _output(tree)
    if path is None or path.stat().st_size == 0:
        return None
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    save(path, bytes(data), "same time")
    return f"another last byte in {path.name}, same time"


def _remove(tree: Tree) -> str | None:
    path = _output(tree)
    if path is None:
        return None
    path.unlink()
    return f"remove {path.name}"


def _put_back(tree: Tree) -> str | None:
    if not tree.kept:
        return None
    name = tree.pick(sorted(tree.kept))
    data, mtime = tree.kept[name]
    save(tree.top / name, data, tree.pick(["in place", "renamed"]))
    if tree.chance(0.5):
        os.utime(tree.top / name, ns=(mtime, mtime))
    return f"put an older {name} back"


def _swap(tree: Tree) -> str | None:
    objects = [tree.top / path for path in tree.outputs() if path.endswith(".o")]
    objects = [path for path in objects if path.is_file()]
    if len(objects) < 2:
        return None
    one = tree.pick(objects)
    other = tree.pick([path for path in objects if path != one])
    third = one.with_suffix(".swap")
    one.rename(third)
    other.rename(one)
    third.rename(other)
    return f"swap {one.name} and {other.name}"


def _overwrite_image(tree: Tree) -> str:
    how = tree.pick(["in place", "renamed", "same time"])
    save(tree.top / IMAGE, b"another image", how)
    return f"overwrite the image, {how}"


def _remove_image(tree: Tree) -> str:
    (tree.top / IMAGE).unlink(missing_ok=True)
    return "remove the image"


def _remove_generated(tree: Tree) -> str:
    (tree.top / "gen/version.h").unlink(missing_ok=True)
    return "remove gen/version.h"


def _damage_generated(tree: Tree) -> str | None:
    path = tree.top / "gen/version.h"
    if not path.is_file():
        return None
    save(path, b"junk\n", tree.pick(["in place", "renamed"]))
    return "junk in gen/version.h"


def _remove_folder(tree: Tree) -> str:
    folder = tree.pick(["src", "lib", "drv", "lds", "include"])
    shutil.rmtree(tree.top / BUILD / folder, ignore_errors=True)
    return f"remove {folder} of the build folder"


def _remove_build(tree: Tree) -> str:
    shutil.rmtree(tree.top / "build", ignore_errors=True)
    return "remove the build folder"


def _put_back_build(tree: Tree) -> str | None:
    if tree.aside is None:
        return None
    shutil.rmtree(tree.top / "build", ignore_errors=True)
    shutil.copytree(tree.aside / "build", tree.top / "build")
    if tree.chance(0.5) and (tree.aside / _RECORDS_ON_TOP).exists():
        shutil.copy2(tree.aside / _RECORDS_ON_TOP, tree.top)
        # SCons compares inputs only, so it would take this file for the one that it made then.
        (tree.top / "gen/version.h").unlink(missing_ok=True)
    return "put the build folder of an earlier build back"


def _records(top: Path) -> list[Path]:
    """Return the files in which the tool and SCons record what they built."""
    hidden = (top / BUILD).glob(".*") if (top / BUILD).is_dir() else ()
    found = sorted(path for path in hidden if path.name != ".config" and path.is_file())
    return [path for path in [*found, top / _RECORDS_ON_TOP] if path.exists()]


def _some_records(tree: Tree) -> list[Path]:
    """Return one of the records, or all."""
    found = _records(tree.top)
    return found if tree.chance(0.3) or not found else [tree.pick(found)]


def _names(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths)


def _remove_records(tree: Tree) -> str | None:
    paths = _some_records(tree)
    for path in paths:
        path.unlink()
    return f"remove {_names(paths)}" if paths else None


def _damage_records(tree: Tree) -> str | None:
    paths = _some_records(tree)
    how = tree.pick(["junk", "empty", "half", "a byte"])
    place = tree.random.random()
    for path in paths:
        data = bytearray(path.read_bytes())
        # SCons' database has no checksum.
        if how == "a byte" and data and "sconsign" not in path.name:
            data[int(place * len(data))] ^= 0x15
        elif how == "half":
            data = data[: len(data) // 2]
        else:
            data = bytearray(b"junk" if how == "junk" else b"")
        path.write_bytes(data)
    return f"damage {_names(paths)}: {how}" if paths else None


def _put_back_records(tree: Tree) -> str | None:
    if tree.aside is None:
        return None
    paths = _records(tree.aside)
    paths = paths if tree.chance(0.3) or not paths else [tree.pick(paths)]
    for path in paths:
        target = tree.top / path.relative_to(tree.aside)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return f"put older {_names(paths)} back" if paths else None
