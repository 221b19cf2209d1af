# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Files and folders in the cache, which are looked at again whenever they are used.

Beside NAME, once it is whole, lies NAME.sha256, as of sha256sum(1); NAME without it is not there.
NAME.seen says when the contents were last read: while each file has the status that it had then,
whose time of change nobody can set, they are not read again.
"""

from __future__ import annotations

import contextlib
import grp
import hashlib
import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import XenToolError
from ..files import write_if_changed

_ALL_USERS = ["0", "0", "4294967295"]
_SUFFIXES = ("sha256", "seen")


def keep(new: Path, path: Path) -> None:
    """Give what was made at new its place, and write down what it is."""
    sums = _beside(path, "sha256")
    sums.unlink(missing_ok=True)
    new.rename(path)
    lines = [f"{_digest(file)}  {name}\n" for name, file in sorted(_files(path))]
    write_if_changed(sums, "".join(lines))


def forget(folder: Path) -> None:
    """Remove a folder that was kept."""
    for suffix in _SUFFIXES:
        _beside(folder, suffix).unlink(missing_ok=True)
    shutil.rmtree(folder)


def is_kept(path: Path) -> bool:
    """Return whether keep() was done with it."""
    return os.path.lexists(path) and _beside(path, "sha256").exists()


def checked(path: Path) -> Path:
    """Return path; raise XenToolError if it is not what was kept, or others could change it."""
    refuse_what_others_can_write(path)
    sums, seen = (_beside(path, suffix) for suffix in _SUFFIXES)
    for file in (sums, seen):
        if file.exists():
            refuse_what_others_can_write(file)
    for folder, _, _ in os.walk(path):
        _refuse(Path(folder))
    for _, file in _files(path):
        _refuse(file)
    status = _status(path)
    with contextlib.suppress(OSError):
        if seen.read_text() == status:
            return path
    found = {name: _digest(file) for name, file in _files(path)}
    lines = (line.rstrip("\n").split("  ", 1) for line in sums.read_text().splitlines())
    wanted = {name: digest for digest, name in lines}
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            raise XenToolError(
                f"{path} is not what was kept there: {name} is another; "
                "remove it, and it is fetched again"
            )
    # Without a right to write it is read every time.
    with contextlib.suppress(XenToolError):
        write_if_changed(seen, status)
    return path


def refuse_what_others_can_write(path: Path) -> None:
    """Raise XenToolError if others than root and this user can change it, or put another there."""
    whole = {path.absolute(), Path(os.path.realpath(path))}
    for each in sorted({part for name in whole for part in (name, *name.parents)}):
        _refuse(each)


def _refuse(path: Path) -> None:
    try:
        status = path.lstat()
    except OSError as error:
        raise XenToolError(f"{path}: cannot be looked at: {error.strerror}") from error
    if status.st_uid not in (0, os.geteuid(), _nobody()):
        raise XenToolError(f"{path} belongs to {_user(status.st_uid)}: what is there is not used")
    mode = status.st_mode
    others = mode & stat.S_IWOTH or (mode & stat.S_IWGRP and not _is_own_group(status.st_gid))
    # In a sticky folder, such as /tmp, others cannot replace what is not theirs.
    if others and not stat.S_ISLNK(mode) and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
        raise XenToolError(
            f"{path} can be written by others, so what is there is not used; "
            f"take that from them (chmod go-w {path})"
        )


def _nobody() -> int:
    """The owner of what belongs to users outside of this user namespace, if it is one."""
    try:
        if Path("/proc/self/uid_map").read_text().split() == _ALL_USERS:
            return 0
        return int(Path("/proc/sys/kernel/overflowuid").read_text())
    except (OSError, ValueError):
        return 0


def _is_own_group(group: int) -> bool:
    """Whether nobody else is in it, as in those that many systems give each user."""
    if group == 0:
        return True
    try:
        members = set(grp.getgrgid(group).gr_mem)
        own = pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return group == own.pw_gid and members <= {own.pw_name}


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}.{suffix}")


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """A file, or all that is below a folder and is none, with its name from there on."""
    if path.is_symlink() or not path.is_dir():
        yield path.name, path
        return
    for folder, folders, names in os.walk(path):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in (*names, *links):
            file = Path(folder, name)
            yield str(file.relative_to(path)), file


def _digest(file: Path) -> str:
    """Of a file's content; of a link's target; of neither, which nothing here is, a word."""
    mode = file.lstat().st_mode
    if stat.S_ISLNK(mode):
        return hashlib.sha256(os.readlink(file).encode(errors="surrogateescape")).hexdigest()
    if not stat.S_ISREG(mode):
        return "no file"
    sums = hashlib.sha256()
    with file.open("rb") as content:
        while piece := content.read(1 << 20):
            sums.update(piece)
    return sums.hexdigest()


def _status(path: Path) -> str:
    found = ((name, file.lstat()) for name, file in sorted(_files(path)))
    return "".join(
        f"{name} {s.st_mode} {s.st_size} {s.st_dev} {s.st_ino} {s.st_ctime_ns}\n"
        for name, s in found
    )
