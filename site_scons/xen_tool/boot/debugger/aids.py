# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Prepare and finish a debugged run for boot(): gdb, a recording or its replay, a dump.

Imported only if one of them is requested.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from ...debian.apt import Say
from ...files import check_replaceable
from ..boot_settings import BootSettings
from ..copies import Copies
from ..modes import Mode
from ..qemu import Machine
from . import core, replay, stub
from .gdb_arguments import GdbSession, session

Debugger = Callable[[GdbSession], contextlib.AbstractContextManager[int]]
"""Start a debugger, and yield a descriptor whose other end closes when the debugger has ended."""


class Aids:
    """The debugging aids of one run."""

    def __init__(
        self, settings: BootSettings, mode: Mode, kernel: str, stack: contextlib.ExitStack
    ) -> None:
        """Prepare the aids of a machine of this mode.

        kernel: the file name of a copy of the image.
        stack: the context that closes the socket and ends the debugger at its end.
        """
        self._settings = settings
        self._mode = mode
        self._kernel = kernel
        self._stack = stack
        self._memory = ""
        self._listener: socket.socket | None = None
        self.by_hand = stub.by_hand(settings.gdb) if settings.gdb else []
        """QEMU's options to wait for gdb, if it does, in the command that `V=1` prints.

        The options of add() would not work there: they name descriptors of this process.
        """

    def add(self, words: Sequence[str], copies: Copies) -> tuple[list[str], list[int]]:
        """Return further options and descriptors for QEMU.

        words and copies: QEMU's command line and files so far.  Raises XenToolError if a file or
        the place for gdb cannot be used.
        """
        settings, options, descriptors = self._settings, [], []
        if settings.dump:
            check_replaceable(settings.dump)
        if file := settings.record or settings.replay:
            booted = replay.identity(words, copies.descriptors)
            options += replay.options(Path(file), self._mode, booted, replays=bool(settings.replay))
        if settings.gdb:
            self._listener = self._stack.enter_context(stub.listening(settings.gdb))
            descriptors.append(self._listener.fileno())
            options += stub.options(descriptors[0])
        if settings.dump:
            self._memory = copies.put([])
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
        """Start the debugger if settings.gdb is set; if there is none, say the command to type.

        symbols: the file of Xen's symbols.
        """
        place, qemu = self._settings.gdb, machine.command[0]
        if not place:
            return
        if self._listener:
            # QEMU alone has it open then, so gdb's connection ends when QEMU does.
            self._listener.close()
        described = session(image, self._kernel, place, self._mode, qemu, symbols)
        if debugger:
            machine.listen_until(self._stack.enter_context(debugger(described)))
        else:
            say(f"the machine waits for gdb; type in another terminal:\n{described.line()}")

    def end(self, machine: Machine, *, failed: bool) -> list[str]:
        """Write the dump of a failed run, and complete a recording; return lines for the user."""
        lines = []
        if self._settings.dump and failed:
            path = Path(self._settings.dump)
            lines = core.dump(machine, path, self._kernel, self._memory, self._mode)
        if self._settings.record:
            machine.finish()
        return lines
