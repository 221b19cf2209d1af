# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Boot an image with gdb in the foreground of the terminal.

gdb gets its own process group, which is the terminal's foreground group, as a shell does it: Ctrl-C
reaches gdb only, and ends neither QEMU nor this process.  gdb dies with this process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ...errors import XenToolError
from ..boot import boot
from ..boot_settings import BootSettings
from ..modes import Mode
from ..result.outcome import Outcome
from .gdb_arguments import GdbSession
from .stub import where

GDB = "gdb"

# A program that becomes gdb, as in qemu.py, after it has put itself into the foreground.
_LAUNCHER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]):
    sys.exit('the starting process is gone')
if os.isatty(0):
    os.setpgid(0, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
os.execv(sys.argv[2], sys.argv[2:])
"""


def debug(
    image: Path,
    *,
    mode: Mode,
    cpus: int | None,
    qemu: str | None,
    xen: str | None,
    settings: BootSettings,
    until: int = -1,
    echo: Callable[[str], None],
) -> tuple[Outcome, int]:
    """Boot an image with gdb on the terminal, stopped at its entry; the arguments are boot()'s.

    Returns the outcome of the run, and gdb's exit status.  Raises XenToolError as boot() does, and
    if there is no gdb.
    """
    program = find_gdb()
    ended: list[int] = []
    with tempfile.TemporaryDirectory(prefix="xen-tool-gdb-") as folder:

        @contextlib.contextmanager
        def started(session: GdbSession) -> Iterator[int]:
            words = session.words(run=True, options=settings.gdb_words)
            # gdb removes the folder when it is connected, so a run that is killed leaves none.
            remove = f"python import shutil; shutil.rmtree({folder!r}, ignore_errors=True)"
            at = words.index(f"target remote {session.where.target}") + 1
            words[at:at] = ["-ex", remove]
            with _running([program, *words]) as (process, end):
                yield end
                ended.append(process.wait())

        outcome = boot(
            image,
            mode=mode,
            cpus=cpus,
            qemu=qemu,
            xen=xen,
            settings=settings._replace(gdb=where(f"{folder}/gdb")),
            until=until,
            echo=echo,
            debugger=started,
        )
    return outcome, ended[0]


def find_gdb() -> str:
    """Return the path of gdb.

    Raises XenToolError, with what to install, if there is none.
    """
    path = shutil.which(GDB)
    if path is None:
        raise XenToolError(
            "there is no gdb in PATH: install it (on Debian: apt-get install gdb), or type GDB=1 "
            "with boot, and attach another debugger"
        )
    return path


@contextlib.contextmanager
def _running(command: Sequence[str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a command in the foreground, and kill it at the end of the context.

    Yields the process, and a descriptor whose other end closes when the process has ended.
    """
    end, of_gdb = os.pipe()
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, end)
        stack.enter_context(_terminal_kept())
        try:
            process = subprocess.Popen([*launcher, *command], pass_fds=(of_gdb,))
        finally:
            os.close(of_gdb)
        stack.enter_context(process)
        stack.callback(process.kill)
        yield process, end


@contextlib.contextmanager
def _terminal_kept() -> Iterator[None]:
    """Restore the terminal's foreground group at the end."""
    try:
        before = os.tcgetpgrp(0)
    except OSError:
        before = None
    try:
        yield
    finally:
        if before is not None:
            old = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
            with contextlib.suppress(OSError):
                os.tcsetpgrp(0, before)
            signal.pthread_sigmask(signal.SIG_SETMASK, old)
