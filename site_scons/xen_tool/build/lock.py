# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""One build at a time in a build directory.

Two at once would write the same objects and the same database.  The file .lock is locked;
the kernel drops the lock when the last process has gone that has it open: this one, or a
compiler that outlived it and could still write an output.  Its text is the number of the
process that was at work last, and a word behind it when that was done: else it is still at
work, or was killed.
"""

from __future__ import annotations

import os
import stat
import sys

from ..errors import XenToolError

FILE = ".lock"
_LONGEST = 30
_DONE = " done"
_PAUSE = 50
"""Milliseconds between two tries."""


def acquire(folder: str, *, wait: bool = True, signals: int = -1) -> int:
    """Make a build directory if need be, and wait until no other process builds there.

    signals: a descriptor from which the numbers of signals can be read, as spawn.Children has
    it; one that comes ends the wait.
    Returns the descriptor that holds the lock: sign() it, close it to let others in, give it
    to children that write there; -1 if another process builds there and it shall not wait.
    Raises XenToolError if that cannot be.
    """
    lock = _acquire(folder, wait, signals)
    while lock >= 0 and not _is_named(lock, os.path.join(folder, FILE)):
        # Somebody has removed it while this process waited, and others lock a new one.
        os.close(lock)
        lock = _acquire(folder, wait, signals)
    return lock


def _is_named(lock: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), os.lstat(path))
    except OSError:
        return False


def _acquire(folder: str, wait: bool, signals: int) -> int:
    import fcntl

    path = os.path.join(folder, FILE)
    try:
        os.makedirs(folder, exist_ok=True)
        # Never through a link, nor into what is no file.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        lock = os.open(path, flags, 0o666)
    except OSError as error:
        raise XenToolError(
            f"{folder}: cannot build there: {error.filename}: {error.strerror}; say O=DIRECTORY"
        ) from error
    if not stat.S_ISREG(os.fstat(lock).st_mode):
        os.close(lock)
        raise XenToolError(f"{folder}: cannot build there: {path} is not a file; remove it")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if not wait:
            os.close(lock)
            return -1
        holder = last(folder).removesuffix(_DONE)
        who = f"process {holder}" if holder else "another process"
        print(f"xen_tool: waiting for {who} to finish in {folder}", file=sys.stderr, flush=True)
        _wait(lock, folder, signals)
    return lock


def _wait(lock: int, folder: str, signals: int) -> None:
    """Wait for a lock, without being deaf to signals: flock() starts over after each."""
    import fcntl
    import select

    poll = select.poll()
    if signals >= 0:
        poll.register(signals, select.POLLIN)
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if poll.poll(_PAUSE):
                os.close(lock)
                raise XenToolError(f"{folder}: interrupted while waiting for its lock") from None


def sign(lock: int, *, done: bool = False) -> None:
    """Write into the lock who is at work now, or has been."""
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}{_DONE if done else ''}".encode(), 0)
    except OSError:
        # A full disk: nobody can be told.
        return


def last(folder: str) -> str:
    """What the process that was at work last in a build directory signed; "" if unknown."""
    try:
        lock = os.open(os.path.join(folder, FILE), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        text = os.read(lock, _LONGEST).decode("ascii", "replace")
    except OSError:
        return ""
    finally:
        os.close(lock)
    return text if text.removesuffix(_DONE).isdecimal() else ""


def was_left(signed: str) -> bool:
    """Whether nobody was at work when that had been signed."""
    return not signed or signed.endswith(_DONE)
