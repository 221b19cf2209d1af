# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""One build at a time in a build directory.

Two at once would both write objects and the same record of signatures.
$O/.lock is locked from the first look at the directory to the end of the
process; the kernel drops the lock of one that dies.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from typing import TextIO

from ..errors import XenToolError


def own(directory: str) -> TextIO:
    """Waits until no other process builds in directory; owns it while the result is open.

    Raises XenToolError if the directory cannot be written.
    """
    path = os.path.join(directory, ".lock")
    try:
        os.makedirs(directory, exist_ok=True)
        if not os.access(directory, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        lock = open(path, "a+", encoding="ascii")  # noqa: SIM115 - open is what owning means
    except OSError as error:
        raise XenToolError(
            f"{directory}: cannot build there: {error.strerror}; say O=DIRECTORY"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        print(
            f"xen_tool: waiting for process {lock.read() or '?'} to finish in {directory}",
            file=sys.stderr,
        )
        fcntl.flock(lock, fcntl.LOCK_EX)
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
