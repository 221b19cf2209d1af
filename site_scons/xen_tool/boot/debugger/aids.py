# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What boot() does for a run that is debugged: gdb, a recording or its replay, a dump.

Imported only when one of them is asked for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from ...debian.apt import Say
from ..given import Given
from ..held import Held
from ..modes import Mode
from ..qemu import Machine
from . import core, replay, stub
from .session import Session, session

Debugger = Callable[[Session], contextlib.AbstractContextManager[int]]
"""Starts a debugger, and gives a descriptor that is hung up when it has ended."""


class Aids:
    """Those of one run."""

    def __init__(self, given: Given, mode: Mode, kernel: str, stack: contextlib.ExitStack) -> None:
        """Of a machine of this mode with kernel, a copy of the image; the stack ends them."""
        self._given = given
        self._mode = mode
        self._kernel = kernel
        self._stack = stack
        self._memory = ""

    def add(self, words: Sequence[str], held: Held) -> tuple[list[str], list[int]]:
        """Return more options and descriptors for QEMU, which gets these words and files besides.

        Raises XenToolError if an aid cannot be had.
        """
        given, options, descriptors = self._given, [], []
        if file := given.record or given.replay:
            booted = replay.identity(words, held.descriptors)
            options += replay.options(Path(file), self._mode, booted, replays=bool(given.replay))
        if given.gdb:
            descriptors.append(self._stack.enter_context(stub.listening(given.gdb)))
            options += stub.options(descriptors[0])
        if given.dump:
            self._memory = held.put([])
            options += core.options(self._memory, self._mode)
        return options, descriptors

    def start(
        self,
        machine: Machine,
        image: str,
        symbols: Path | None,
        debugger: Debugger | None,
        say: Say,
    ) -> None:
        """Have a debugger come, or say how; symbols are Xen's."""
        if not self._given.gdb:
            return
        told = session(image, self._kernel, self._given.gdb, self._mode, symbols)
        if debugger:
            machine.listen_until(self._stack.enter_context(debugger(told)))
        else:
            say(f"the machine waits for gdb; type in another terminal:\n{told.line()}")

    def end(self, machine: Machine, *, failed: bool) -> list[str]:
        """Keep what is to be kept of a run; returns lines that say so."""
        lines = []
        if self._given.dump and failed:
            path = Path(self._given.dump)
            lines = core.dump(machine, path, self._kernel, self._memory, self._mode)
        if self._given.record:
            machine.finish()
        return lines
