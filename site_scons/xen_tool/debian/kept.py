# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Keep files and folders in the cache, and check them whenever they are used.

A complete NAME has NAME.sha256 beside it, in the format of sha256sum(1); NAME without it counts as
missing.  NAME.seen has the status of each file when the contents were last checked.  While the
status is the same, contents are not read again; it includes st_ctime, which no user can set.
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
"""The words of /proc/self/uid_map outside of a user namespace."""
_SUFFIXES = ("sha256", "seen")


def keep(new: Path, path: Path) -> None:
    """Move a new file or folder to path, and write the digests of its files, which completes it."""
    sums = _beside(path, "sha256")
    sums.unlink(missing_ok=True)
    new.rename(path)
    lines = [f"{_digest(file)}  {name}\n" for name, file in sorted(_files(path))]
    write_if_changed(sums, "".join(lines))


def forget(folder: Path) -> None:
    """Remove a folder, and what keep() and checked() wrote beside it."""
    for suffix in _SUFFIXES:
        _beside(folder, suffix).unlink(missing_ok=True)
    shutil.rmtree(folder)


def is_kept(path: Path) -> bool:
    """Whether keep() has completed for this path."""
    return os.path.lexists(path) and _beside(path, "sha256").exists()


def checked(path: Path) -> Path:
    """Return path, a file or folder that keep() has completed, after a check of its contents.

    Raises XenToolError if the contents are not those at the time of keep(), or if other users can
    change them.
    """
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
        if seen.read_text(errors="replace") == status:
            return path
    found = {name: _digest(file) for name, file in _files(path)}
    lines = (line.partition("  ") for line in sums.read_text(errors="replace").splitlines())
    wanted = {name: digest for digest, _, name in lines if name}
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            raise XenToolError(
                f"{path} has changed since it was fetched: {name} differs; "
                "remove it, and it is fetched again"
            )
    # Without the status, contents are read every time.
    with contextlib.suppress(XenToolError):
        write_if_changed(seen, status)
    return path


def refuse_what_others_can_write(path: Path) -> None:
    """Raise XenToolError if users other than root and this one can change or replace path.

    All folders above it are examined, and those above the target of a link.
    """
    whole = {path.absolute(), Path(os.path.realpath(path))}
    for each in sorted({part for name in whole for part in (name, *name.parents)}):
        _refuse(each)


def _refuse(path: Path) -> None:
    """Raise XenToolError if other users can write one file or folder, or if it is theirs."""
    try:
        status = path.lstat()
    except OSError as error:
        raise XenToolError(f"{path}: cannot be examined: {error.strerror}") from error
    if status.st_uid not in (0, os.geteuid(), _nobody()):
        raise XenToolError(f"{path} belongs to {_user(status.st_uid)}: what is there is not used")
    mode = status.st_mode
    others = mode & stat.S_IWOTH or (mode & stat.S_IWGRP and not _is_private_group(status.st_gid))
    # In a sticky folder, such as /tmp, users can replace only their own files.
    if others and not stat.S_ISLNK(mode) and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
        raise XenToolError(
            f"{path} can be written by others, so what is there is not used; "
            f"remove that permission: chmod go-w {path}"
        )


def _nobody() -> int:
    """Return the UID that files have whose users are outside of this user namespace.

    Return 0, which is root's, if the namespace has all users, or if the UID is unknown.
    """
    try:
        if Path("/proc/self/uid_map").read_text().split() == _ALL_USERS:
            return 0
        return int(Path("/proc/sys/kernel/overflowuid").read_text())
    except (OSError, ValueError):
        return 0


def _is_private_group(group: int) -> bool:
    """Whether a group is root's, or this user's own, which many systems create for each user.

    It is this user's own if it is the primary group, and has no other member.
    """
    if group == 0:
        return True
    try:
        members = set(grp.getgrgid(group).gr_mem)
        user = pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return group == user.pw_gid and members <= {user.pw_name}


def _user(number: int) -> str:
    """Return the name of the user with a UID, for a message."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _beside(path: Path, suffix: str) -> Path:
    """Return the path of NAME.SUFFIX beside a file or folder NAME."""
    return path.with_name(f"{path.name}.{suffix}")


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name and path of a file, or of all files and links below a folder.

    The name of a file in a folder is its path from that folder.
    """
    if path.is_symlink() or not path.is_dir():
        yield path.name, path
        return
    for folder, folders, names in os.walk(path):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in (*names, *links):
            file = Path(folder, name)
            yield str(file.relative_to(path)), file


def _digest(file: Path) -> str:
    """Return the SHA-256 of a file's content or of a link's target; "no file" for other kinds."""
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
    """Return the text of NAME.seen: a line for each file, which changes if the file does."""
    found = ((name, file.lstat()) for name, file in sorted(_files(path)))
    return "".join(
        f"{name} {s.st_mode} {s.st_size} {s.st_dev} {s.st_ino} {s.st_ctime_ns}\n"
        for name, s in found
    )
