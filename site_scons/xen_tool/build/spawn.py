# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run commands at the same time, and collect what each prints, in one thread.

Commands get no shell, standard input is /dev/null, and what they print comes whole when
they have ended.  Used by the runner.
"""

from __future__ import annotations

import os
import select

from ..light import NamedTuple, signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PATIENCE = 2000
"""Milliseconds until a command that asks for more time gets none."""
_SOON = 100
"""Milliseconds in which the same signal reaches this process."""
INTERRUPTING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_OF_SIGNALS = {status for number in INTERRUPTING for status in (-number, 128 + number)}
"""How a command ends that got one, also one that a shell had started."""


class Ended(NamedTuple):
    """A command that has ended."""

    job: object
    status: int
    """Of the process; minus the signal that ended it."""
    output: bytes
    """What it wrote to standard output and error."""


class _Child:
    def __init__(self, job: object, pid: int, pipe: int) -> None:
        self.job = job
        self.pid = pid
        self.pipe = pipe
        self.pidfd = os.pidfd_open(pid)
        self.output: list[bytes] = []
        self.is_silent = False
        """Whether no more can come."""

    def read(self) -> None:
        """Take what is in the pipe."""
        while not self.is_silent:
            try:
                data = os.read(self.pipe, 1 << 16)
            except BlockingIOError:
                return
            self.is_silent = not data
            self.output.append(data)


class Children:
    """The commands that run.

    signals: a descriptor from which the numbers of signals can be read that this process
    gets, as signal.set_wakeup_fd() has them; -1 if there is none.
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
        self.interrupted = 0
        """The signal that asks to end; 0 as long as there was none."""

    def __len__(self) -> int:
        return len({child.pid for child in self._children.values()})

    def start(self, job: object, argv: Sequence[str]) -> None:
        """Start a command.

        Raises OSError if there is no such program, or it cannot be started.
        """
        ours, theirs = os.pipe()
        try:
            os.set_blocking(ours, False)
            actions = [
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, theirs, 1),
                (os.POSIX_SPAWN_DUP2, theirs, 2),
            ]
            # Onto itself: it then outlives exec in the child.
            actions += [(os.POSIX_SPAWN_DUP2, handle, handle) for handle in self._keep]
            # A terminal's Ctrl-C may be ignored here, as in a shell's background job.
            pid = os.posix_spawn(
                argv[0],
                list(argv),
                self._environment,
                file_actions=actions,
                setsigdef=[signal.SIGPIPE],
                setsigmask=[],
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        child = _Child(job, pid, ours)
        self._children[child.pipe] = self._children[child.pidfd] = child
        self._poll.register(child.pipe, select.POLLIN)
        self._poll.register(child.pidfd, select.POLLIN)

    def wait(self, also: int = -1) -> list[Ended]:
        """Wait until commands have ended; [] if a signal has come, or also can be read."""
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
                        # It may go on without its output: what counts is that it ends.
                        self._poll.unregister(handle)
        if also >= 0:
            self._poll.unregister(also)
        if any(each.status in _OF_SIGNALS for each in ended):
            # A terminal sends its Ctrl-C to all, and the news of a command may come first.
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
        """End all commands, and wait for them; return also those of which wait() did not tell."""
        children = {child.pid: child for child in self._children.values()}
        # Whatever has come: under nohup they ignore SIGHUP, and Ctrl-C in a background job.
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
