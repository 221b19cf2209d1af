# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`-j N` bounds what SCons runs and the steps of plans together.

Each task of SCons' holds a slot while it is executed, whatever its action is: a command, or a
Python function, which SCons counts as a job as well.  While a plan is built its task lends
its slot, and each step takes one.  All is one process: no jobserver as GNU make's is needed.
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
    """Slots for which threads wait; who waits for one holds none, so that nobody waits in vain."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._lock = threading.Lock()
        self._waiting: deque[SimpleQueue[bool]] = deque()

    def wait(self) -> bool:
        """Take a slot as soon as one is free; False if refuse() was called meanwhile."""
        with self._lock:
            if self.take():
                return True
            turn: SimpleQueue[bool] = SimpleQueue()
            self._waiting.append(turn)
        return turn.get()

    def give(self, number: int = 1) -> None:
        """Give slots back: who waits longest gets them first."""
        with self._lock:
            while number and self._waiting:
                self._waiting.popleft().put(True)
                number -= 1
            super().give(number)

    def refuse(self) -> None:
        """Let all who wait go without a slot, as nothing more shall start."""
        with self._lock:
            while self._waiting:
                self._waiting.popleft().put(False)

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Within, others can have the slot that the caller holds."""
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
    """The slots of this process, when all SConscripts are read."""
    with _lock:
        if not _slots:
            _slots.append(SharedSlots(int(GetOption("num_jobs"))))
    return _slots[0]


def _bounded(task: Any) -> None:
    if not slots().wait():
        raise BuildError(task.targets[0], errstr="interrupted")
    try:
        _execute(task)
    finally:
        slots().give()


def bound() -> None:
    """Has SCons take part."""
    BuildTask.execute = _bounded
