# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run several commands at the same time from one thread, and collect what each prints.

Commands run without a shell, with /dev/null as standard input.  Their output is returned when
they have ended.  Used by the runner and the executor.
"""

from __future__ import annotations

import os
import select

from ..light import NamedTuple, signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PATIENCE = 2000
"""Milliseconds between SIGTERM and SIGKILL."""
_SOON = 100
"""Milliseconds to wait for a signal that has already ended a command."""
INTERRUPTING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that end a build."""
_OF_SIGNALS = {status for number in INTERRUPTING for status in (-number, 128 + number)}
"""Statuses of a command that one of INTERRUPTING has ended, or of a shell that ran such a one."""


class Ended(NamedTuple):
    """A command that has ended."""

    job: object
    status: int
    """Exit status, or the negative number of the signal that ended it."""
    output: bytes
    """Its standard output and error."""


class _Child:
    def __init__(self, job: object, pid: int, pipe: int) -> None:
        self.job = job
        self.pid = pid
        self.pipe = pipe
        self.pidfd = os.pidfd_open(pid)
        self.output: list[bytes] = []
        self.is_silent = False
        """Whether the pipe is closed."""

    def read(self) -> None:
        """Read what is in the pipe."""
        while not self.is_silent:
            try:
                data = os.read(self.pipe, 1 << 16)
            except BlockingIOError:
                return
            self.is_silent = not data
            self.output.append(data)


class Children:
    """The running commands.

    environment: that of every command.  keep: descriptors that commands inherit.
    signals: a descriptor from which the numbers of signals to this process can be read, as
    signal.set_wakeup_fd() writes them; -1 if there is none.
    """

    def __init__(self, environment: Mapping[str, str], keep: Sequence[int], signals: int) -> None:
        self._environment = environment
        self._keep = keep
        self._signals = signals
        self._poll = select.poll()
        if signals >= 0:
            self._poll.register(signals, select.POLLIN)
        self._children: dict[int, _Child] = {}
        self._ended_too: list[Ended] = []
        """Commands that had ended when a signal arrived; stop() returns them."""
        self.interrupted = 0
        """The last of INTERRUPTING that this process received, or 0."""

    def start(self, job: object, argv: Sequence[str]) -> None:
        """Start a command; job is what Ended.job will be.

        Raises OSError if the program does not exist or cannot be started.
        """
        read_end, write_end = os.pipe()
        try:
            os.set_blocking(read_end, False)
            actions = [
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, write_end, 1),
                (os.POSIX_SPAWN_DUP2, write_end, 2),
            ]
            # dup2 onto itself clears close-on-exec in the child.
            actions += [(os.POSIX_SPAWN_DUP2, handle, handle) for handle in self._keep]
            # Python ignores SIGPIPE, and children would inherit that.
            pid = os.posix_spawn(
                argv[0],
                list(argv),
                self._environment,
                file_actions=actions,
                setsigdef=[signal.SIGPIPE],
                setsigmask=[],
            )
        except BaseException:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        child = _Child(job, pid, read_end)
        self._children[child.pipe] = self._children[child.pidfd] = child
        self._poll.register(child.pipe, select.POLLIN)
        self._poll.register(child.pidfd, select.POLLIN)

    def wait(self, also: int = -1) -> list[Ended]:
        """Wait until a command has ended, one of INTERRUPTING arrives, or `also` is readable.

        Return the commands that have ended; [] if a signal has arrived.  also: a descriptor, or -1.
        """
        ended: list[Ended] = []
        if also >= 0:
            self._poll.register(also, select.POLLIN)
        can_read = False
        while not (ended or can_read):
            for handle, _ in self._poll.poll():
                if handle == self._signals:
                    self._take_signals()
                    can_read = can_read or self.interrupted != 0
                    continue
                if handle == also:
                    can_read = True
                    continue
                child = self._children.get(handle)
                if child is None:
                    continue
                if handle == child.pidfd:
                    ended.append(self._end(child))
                else:
                    child.read()
                    if child.is_silent:
                        # It closed its output and is still running: wait for its end.
                        self._poll.unregister(handle)
        if also >= 0:
            self._poll.unregister(also)
        if any(each.status in _OF_SIGNALS for each in ended):
            # Ctrl-C reaches the commands too, and their end may be noticed first.
            self._await_signal()
        if self.interrupted:
            self._ended_too += ended
            return []
        return ended

    def _end(self, child: _Child) -> Ended:
        _, status = os.waitpid(child.pid, 0)
        if not child.is_silent:
            child.read()
            self._poll.unregister(child.pipe)
        self._poll.unregister(child.pidfd)
        for handle in (child.pipe, child.pidfd):
            os.close(handle)
            del self._children[handle]
        return Ended(child.job, os.waitstatus_to_exitcode(status), b"".join(child.output))

    def _take_signals(self) -> None:
        try:
            numbers = os.read(self._signals, 100)
        except BlockingIOError:
            return
        for number in numbers:
            if number in INTERRUPTING:
                self.interrupted = number

    def _await_signal(self) -> None:
        if self._signals >= 0:
            poll = select.poll()
            poll.register(self._signals, select.POLLIN)
            if poll.poll(_SOON):
                self._take_signals()

    def stop(self) -> list[Ended]:
        """End all commands and wait for them; return those that wait() has not returned."""
        children = {child.pid: child for child in self._children.values()}
        # Not the same signal: commands may ignore SIGHUP (nohup) or SIGINT (background jobs).
        for number, patience in ((signal.SIGTERM, _PATIENCE), (signal.SIGKILL, None)):
            waiting = select.poll()
            alive = {child.pidfd for child in children.values() if not _has_ended(child)}
            for child in children.values():
                if child.pidfd in alive:
                    os.kill(child.pid, number)
                    waiting.register(child.pidfd, select.POLLIN)
            while alive and (ready := waiting.poll(patience)):
                for handle, _ in ready:
                    waiting.unregister(handle)
                    alive.discard(handle)
        return [*self._ended_too, *(self._end(child) for child in children.values())]


def _has_ended(child: _Child) -> bool:
    poll = select.poll()
    poll.register(child.pidfd, select.POLLIN)
    return bool(poll.poll(0))
