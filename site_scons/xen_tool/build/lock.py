# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The lock of a build directory: one build at a time.

Two builds at once would write the same objects and the same database.  The file .lock is
locked by flock(2).  The kernel releases the lock when the last process that has the file open
has exited: this process, or a compiler that outlived it and could still write an output.  The
text of the file is the PID of the last builder, and " done" once that has finished: without
it, it is still running or was killed.
"""

from __future__ import annotations

import os
import stat

from ..errors import XenToolError, print_message

FILE = ".lock"
_LONGEST = 30
"""Most bytes of the file that are read."""
_DONE = " done"
_PAUSE = 50
"""Milliseconds between two attempts."""


def acquire(folder: str, *, wait: bool = True, signals: int = -1) -> int:
    """Lock a build directory, which is created if needed; wait while another process builds there.

    signals: a descriptor from which signal numbers can be read, as in spawn.Children; a
    signal ends the wait.
    Return the descriptor of the lock.  Closing it releases the lock; children that write into
    the directory inherit it.  Return -1 if another process builds there and wait is false.
    Raises XenToolError if the directory cannot be written, or a signal arrived.
    """
    lock = _acquire(folder, wait, signals)
    while lock >= 0 and not _is_named(lock, os.path.join(folder, FILE)):
        # The file was removed while this process waited, and others would lock a new one.
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
        # Do not follow a link, or open anything but a file.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        lock = os.open(path, flags, 0o666)
    except OSError as error:
        raise XenToolError(
            f"{folder}: cannot build there: {error.filename}: {error.strerror}; type O=DIRECTORY"
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
        print_message(f"waiting for {who} to finish in {folder}")
        _wait(lock, folder, signals)
    return lock


def _wait(lock: int, folder: str, signals: int) -> None:
    """Wait for a lock by polling: a blocking flock() would be restarted after a signal."""
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
    """Write the PID of this process into the lock file; done: also that it has finished."""
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}{_DONE if done else ''}".encode(), 0)
    except OSError:
        # The disk is full: waiting processes cannot name this one.
        return


def last(folder: str) -> str:
    """Return what the last builder of a directory wrote by sign(); "" if that is unknown."""
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


def has_finished(signed: str) -> bool:
    """Whether the builder that wrote this text has finished; true for ""."""
    return not signed or signed.endswith(_DONE)
