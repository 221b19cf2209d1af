# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Tell the runner of signals, whoever handles them, and in whatever thread it runs.

SCons has handlers of its own, which let running actions end.  Python can write the numbers
of signals into a pipe as well; the runner ends its commands by it.
"""

from __future__ import annotations

import os

from .build.spawn import INTERRUPTING
from .light import signal

_ends: list[int] = []


def listen() -> None:
    """Begin, in the main thread; whoever has the pipe already keeps it."""
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
    """Have the signals that ask to end do no more than that."""
    for number in INTERRUPTING:
        # nohup and shells' background jobs have some of them ignored.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def descriptor() -> int:
    """Where the numbers of signals can be read; -1 if they cannot."""
    return _ends[0] if _ends else -1
