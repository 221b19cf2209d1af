# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Report signals to the runner through a pipe, in whatever thread it runs.

SCons has its own signal handlers, which wait for running actions.  In addition, Python writes
the number of each signal into this pipe (signal.set_wakeup_fd), and the runner that reads it
ends its commands.
"""

from __future__ import annotations

import os

from .build.spawn import INTERRUPTING
from .light import signal

_ends: list[int] = []


def listen() -> None:
    """Open the pipe, if it is not open and the program has not set such a pipe itself.

    Call this in the main thread.
    """
    if _ends:
        return
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    if before != -1:
        signal.set_wakeup_fd(before)
        os.close(reader)
        os.close(writer)
        return
    _ends[:] = [reader, writer]


def handle() -> None:
    """Install handlers that do nothing, so that SIGINT, SIGTERM and SIGHUP do not end this process.

    A signal that is ignored remains ignored.
    """
    for number in INTERRUPTING:
        # Some of them are ignored under nohup and in background jobs.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def descriptor() -> int:
    """Return the descriptor from which signal numbers can be read; -1 if there is none."""
    return _ends[0] if _ends else -1
