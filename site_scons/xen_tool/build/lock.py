# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""One build at a time in a build directory.

Two at once would write the same objects and the same database.  The file .lock is locked;
the kernel drops the lock when the last process has gone that has it open: this one, or a
compiler that outlived it and could still write an output.
"""

from __future__ import annotations

import fcntl
import os
import stat
import sys

from ..errors import XenToolError

FILE = ".lock"


def acquire(folder: str, *, wait: bool = True) -> int:
    """Make a build directory if need be, and wait until no other process builds there.

    Returns the descriptor that holds the lock: close it to let others in, give it to
    children that write there; -1 if another process builds there and it shall not wait.
    Raises XenToolError if that cannot be.
    """
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
        holder = os.pread(lock, 20, 0)
        who = f"process {holder.decode()}" if holder.isdigit() else "another process"
        print(f"xen_tool: waiting for {who} to finish in {folder}", file=sys.stderr, flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
    except OSError:
        # A full disk: nobody can be told who is at work.
        pass
    return lock
