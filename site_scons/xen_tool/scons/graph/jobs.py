# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Make `-j N` the limit for SCons' tasks and build steps together.

Each task of SCons takes a slot while it is executed, whether its action is a command or a
Python function.  The task that builds a plan lends its slot to the steps meanwhile.  All this
happens in one process, so no jobserver like that of GNU make is needed.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

from SCons.Errors import BuildError
from SCons.Script import BuildTask, GetOption

from ...build.slots import Slots


class SharedSlots(Slots):
    """Slots that threads can wait for; a waiting thread has no slot, so there is no deadlock."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._lock = threading.Lock()
        self._waiting: deque[SimpleQueue[bool]] = deque()

    def wait(self) -> bool:
        """Wait for a slot and take it; return False if refuse() was called meanwhile."""
        with self._lock:
            if self.take():
                return True
            turn: SimpleQueue[bool] = SimpleQueue()
            self._waiting.append(turn)
        return turn.get()

    def give(self, number: int = 1) -> None:
        """Give slots back; the longest waiting threads get them first."""
        with self._lock:
            while number and self._waiting:
                self._waiting.popleft().put(True)
                number -= 1
            super().give(number)

    def refuse(self) -> None:
        """Let no more jobs start; waiting threads return without a slot."""
        with self._lock:
            while self._waiting:
                self._waiting.popleft().put(False)

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Lend the slot of the caller to others within this context."""
        self.give()
        try:
            yield
        finally:
            while not self.wait():
                pass


_slots: list[SharedSlots] = []
_lock = threading.Lock()
_execute = BuildTask.execute


def slots() -> SharedSlots:
    """Return the slots of this process, -j of them; call it when all SConscripts are read."""
    with _lock:
        if not _slots:
            _slots.append(SharedSlots(int(GetOption("num_jobs"))))
    return _slots[0]


def _bounded(task: Any) -> None:
    """Execute a task of SCons while it has a slot; raise BuildError if no more jobs may start."""
    if not slots().wait():
        raise BuildError(task.targets[0], errstr="interrupted")
    try:
        _execute(task)
    finally:
        slots().give()


def bound() -> None:
    """Make each task of SCons take a slot while it is executed."""
    BuildTask.execute = _bounded
