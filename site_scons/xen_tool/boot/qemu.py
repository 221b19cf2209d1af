# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find QEMU, and run it as a process that never outlives its starter.

A Machine reads the console, the monitor and the log of resets, and types on the serial port.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import select
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..debian.apt import Say
from ..errors import XenToolError
from .modes import Mode
from .monitor import Monitor

QEMU = "qemu-system-x86_64"
COUNTING = "shift=7,sleep=off"
"""The value of -icount: an instruction takes 128 ns (1 << shift); while all CPUs halt, the clock
jumps to the next timer."""
_FINISH_SECONDS = 10.0
"""Time for QEMU to end after it was told to."""
_PIPE_BYTES = 1 << 20

# A program that has itself killed when this process dies, even by SIGKILL, and then becomes QEMU.
# A preexec_fn could deadlock where threads run, as in SCons.  1 is PR_SET_PDEATHSIG, 9 SIGKILL
# (prctl(2)).
_LAUNCHER = """
import ctypes, os, sys
prctl = getattr(ctypes.CDLL(None), 'prctl', None)
if prctl:
    prctl(1, 9)
if os.getppid() != int(sys.argv[1]):
    sys.exit('the starting process is gone')
try:
    os.execv(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f'{sys.argv[2]}: {error.strerror}')
"""


def find_qemu(command: str | None, say: Say) -> list[str]:
    """Return the command line of QEMU without the options of a machine.

    command: the user's QEMU, with options; None: qemu-system-x86_64.  If that is not in PATH, it is
    fetched, and say is called before.  Raises XenToolError if there is no such program.
    """
    try:
        name, *options = shlex.split(command or QEMU) or [""]
    except ValueError as error:
        raise XenToolError(f"QEMU ({command}) is no command line: {error}") from error
    path = shutil.which(name)
    if path is None and name == QEMU:
        from ..debian import packages

        path = str(packages.emulator(name, say))
    if path is None:
        raise XenToolError(
            f"QEMU ({name}) was not found: name another; if none is named, it is fetched"
        )
    return [str(Path(path).absolute()), *options]


def _machine(mode: Mode, cpus: int) -> list[str]:
    """Return QEMU's options for devices, memory, CPUs and clock of a machine."""
    return [
        *("-display", "none", "-vga", "none", "-serial", "stdio", "-monitor", "none"),
        *("-nodefaults", "-no-user-config", "-no-reboot"),
        *("-device", "isa-debug-exit,iobase=0xf4,iosize=4"),
        *("-m", str(mode.memory), "-smp", str(cpus)),
        *(("-cpu", mode.cpu) if mode.cpu else ()),
        *(("-icount", COUNTING) if mode.counts_instructions else ()),
    ]


class Machine:
    """A running QEMU.

    log: the descriptor from which QEMU's log of CPU resets is read.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        monitor: Monitor,
        log: int,
        command: Sequence[str],
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.command = command
        """The command that starts such a machine by hand, without monitor and log of resets."""
        self.monitor = monitor
        self.triple_fault = False
        """Whether a triple fault has reset a CPU."""
        self.ended = False
        """Whether QEMU has closed the console."""
        self._keyboard = process.stdin
        self._console = process.stdout.fileno()
        self._log = log
        # poll() also accepts descriptors from 1024 on, which select() does not.
        self._poll = select.poll()
        self._listen_until, self._end_by = -1, -1
        for readable in (self._console, monitor.fileno(), log):
            self._poll.register(readable, select.POLLIN)

    def listen_until(self, descriptor: int) -> None:
        """Let listen() return None once this descriptor is readable or its other end is closed."""
        self._listen_until = descriptor
        self._poll.register(descriptor, select.POLLIN)

    def end_by(self, descriptor: int) -> None:
        """Let listen() raise XenToolError once this descriptor is readable; -1 for none."""
        if descriptor >= 0:
            self._end_by = descriptor
            self._poll.register(descriptor, select.POLLIN)

    def listen(self, seconds: float) -> bytes | None:
        """Return the next bytes of the console, and read what the monitor and the log have.

        seconds: the time limit, which may be infinite.  Returns b"" if only the monitor or the log
        had something.  Returns None if nothing came in this time, the console is closed, or
        listen_until() says so.  Raises XenToolError if end_by() says so.
        """
        # Nothing is read after the time limit, even if the guest never stops writing.
        limit = None if math.isinf(seconds) else seconds * 1000
        ready = [number for number, _ in self._poll.poll(limit)] if seconds > 0 else []
        if self._log in ready:
            data = os.read(self._log, 1 << 16)
            self.triple_fault = self.triple_fault or b"Triple fault" in data
            if not data:
                self._poll.unregister(self._log)
        if self._end_by in ready:
            raise XenToolError("interrupted")
        if self._listen_until in ready:
            return None
        if self.monitor.fileno() in ready and self.monitor.read() is None:
            self._poll.unregister(self.monitor)
        if self._console in ready:
            data = os.read(self._console, 1 << 16)
            self.ended = not data
            return data or None
        return b"" if ready else None

    def finish(self) -> None:
        """Tell QEMU to end by itself, so that it completes the files that it writes."""
        self.monitor.quit()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_FINISH_SECONDS)

    def type(self, keys: bytes) -> None:
        """Write to the machine's serial port."""
        with contextlib.suppress(OSError):
            self._keyboard.write(keys)


@contextlib.contextmanager
def running(
    command: Sequence[str],
    mode: Mode,
    cpus: int,
    options: Sequence[str],
    descriptors: Sequence[int],
    by_hand: Sequence[str],
) -> Iterator[Machine]:
    """Run QEMU, and yield its Machine; kill QEMU at the end.

    command: QEMU's program, and the options of the user, which override others.
    options: those for the files that QEMU loads, and for debugging.
    descriptors: those that the options name; QEMU inherits them.
    by_hand: options for Machine.command in place of `options`.
    """
    with contextlib.ExitStack() as stack:
        monitor = Monitor()
        stack.callback(monitor.close)
        log, log_of_qemu = os.pipe()
        stack.callback(os.close, log)
        # QEMU reports a triple fault only in its log of resets.
        logging = ["-d", "cpu_reset", "-D", f"/proc/self/fd/{log_of_qemu}"]
        # A machine that its guest resets or powers off stops, so that its CPUs can be read.
        hidden = [*monitor.options(), *logging, "-no-shutdown"]
        program, *user_options = command
        machine = _machine(mode, cpus)
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]
        try:
            process = subprocess.Popen(
                [*launcher, program, *machine, *hidden, *options, *user_options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                pass_fds=(*descriptors, monitor.qemu_end.fileno(), log_of_qemu),
            )
        finally:
            os.close(log_of_qemu)
            monitor.qemu_end.close()
        stack.enter_context(process)  # closes the pipes, and waits for the end
        stack.callback(process.kill)
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            # If the pipe is full, the serial port loses what a guest writes without polling it.
            fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        yield Machine(process, monitor, log, [program, *machine, *by_hand, *user_options])
