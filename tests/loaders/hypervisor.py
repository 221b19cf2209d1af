# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run the real loaders: Xen's two builders of dom0, and QEMU's -kernel.

Each image gets a QEMU machine of its own, which is killed as soon as the verdict is seen:

    xen-pv-dom0, xen-pvh-dom0  Xen's log.  Constructed: Xen prints its log levels, the last lines
                               before dom0 runs.  Refused: Xen dies; the lines before say why.
    qemu-kernel                The image's PVH entry, or a bzImage's real-mode code, ends QEMU with
                               a status that nothing else gives.  Refused: QEMU ends by itself,
                               with another.  Silent: neither; QEMU also starts files that it does
                               not recognize, and then the result is unknown.

Time is counted in instructions (-icount), which makes a boot the same each time, and three times
as fast: Xen waits for the next second of the clock and the like, in loops.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from loaders.containers import REAL_MODE_EXIT_VALUE
from loaders.images import EXIT_PORT, EXIT_VALUE
from xen_tool.debian.hypervisor import find_hypervisor, read_hypervisor

XEN_LOADERS = ("xen-pv-dom0", "xen-pvh-dom0")
LIVE_LOADERS = (*XEN_LOADERS, "qemu-kernel")

MEMORY_MIB = 128

CPU_SECONDS = {"xen-pv-dom0": 60.0, "xen-pvh-dom0": 60.0, "qemu-kernel": 0.5}
"""Processor time in seconds after which an image counts as silent: several times the usual."""

WALL_SECONDS = 120.0
"""Seconds after which a machine is ended, whatever it does."""

_LOOK_EVERY = 100
"""Milliseconds after which the processor time is compared with the limit, if nothing is printed."""

_CRASHES = {-n: n.name for n in (signal.SIGFPE, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)}


class Ending(Enum):
    """The verdict of a live loader, as the module's docstring explains them."""

    CONSTRUCTED = "constructed"
    REFUSED = "refused"
    SILENT = "silent"


@dataclass(frozen=True)
class Answer:
    """The verdict of a loader on an image, the lines that it printed, and the time in seconds."""

    ending: Ending
    lines: tuple[str, ...]
    seconds: float


class Machines:
    """Runs live loaders, at_once at a time."""

    def __init__(self, qemu: str, xen: Path, folder: Path, at_once: int) -> None:
        self._qemu = qemu
        self._folder = folder
        self._pool = ThreadPoolExecutor(at_once)
        (folder / "xen").write_bytes(read_hypervisor(xen))

    def ask(self, loader: str, image: bytes, memory_mib: int = MEMORY_MIB) -> Future[Answer]:
        """Run one of LIVE_LOADERS on an image, as soon as fewer than at_once run."""
        return self._pool.submit(self._answer, loader, image, memory_mib)

    def close(self) -> None:
        """Wait for the machines that run; drop the images that wait."""
        self._pool.shutdown(cancel_futures=True)

    def _answer(self, loader: str, image: bytes, memory_mib: int) -> Answer:
        start = time.monotonic()
        with tempfile.NamedTemporaryFile(dir=self._folder) as file:
            file.write(image)
            file.flush()
            command = self._command(loader, Path(file.name).name, memory_mib)
            ending, lines = _follow(command, self._folder, loader)
        return Answer(ending, tuple(lines), time.monotonic() - start)

    def _command(self, loader: str, image: str, memory_mib: int) -> list[str]:
        return [
            *("prlimit", "--core=0"),
            *("setpriv", "--pdeathsig", "KILL", self._qemu),
            *("-display", "none", "-vga", "none", "-serial", "stdio", "-monitor", "none"),
            *("-nodefaults", "-no-user-config", "-no-reboot", "-m", str(memory_mib)),
            *("-icount", "shift=10,sleep=off"),
            *self._kernel(loader, image),
        ]

    def _kernel(self, loader: str, image: str) -> Sequence[str]:
        if loader == "qemu-kernel":
            return ("-kernel", image, "-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=4")
        options = "console=com1 com1=115200,8n1 bootscrub=0"
        boot = ("-kernel", "xen", "-initrd", image, "-append")
        if loader == "xen-pv-dom0":
            return (*boot, options)
        # Debian's Xen has no shadow paging, so PVH takes nested paging.
        return ("-cpu", "qemu64,+npt", *boot, f"{options} dom0=pvh dom0-iommu=none")


@contextlib.contextmanager
def machines(qemu: str, xen: Path | None = None) -> Iterator[Machines]:
    """Yield Machines for a Xen, by default the newest installed one; one per processor runs."""
    with tempfile.TemporaryDirectory(prefix="xen-tool-loaders-") as folder:
        found = Machines(qemu, xen or find_hypervisor(), Path(folder), os.cpu_count() or 1)
        try:
            yield found
        finally:
            found.close()


def _follow(command: list[str], folder: Path, loader: str) -> tuple[Ending, list[str]]:
    """Run a machine until its verdict; return the verdict and the console's lines."""
    deadline = time.monotonic() + WALL_SECONDS
    log = ""
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout
        output = process.stdout.fileno()
        readable = select.poll()
        readable.register(output, select.POLLIN)
        ending = None
        try:
            while (
                ending is None
                and time.monotonic() < deadline
                and _cpu_seconds(process.pid) <= CPU_SECONDS[loader]
            ):
                if not readable.poll(_LOOK_EVERY):
                    continue
                if not (data := os.read(output, 1 << 16)):
                    ending = _at_the_end(process.wait(), loader)
                log += data.decode("ascii", "replace")
                if loader in XEN_LOADERS:
                    ending = _in_the_log(log) or ending
        finally:
            process.kill()
    lines = log.replace("\r", "").splitlines()
    if ending is Ending.REFUSED and process.returncode in _CRASHES:
        lines.append(f"QEMU died of {_CRASHES[process.returncode]}")
    return ending or Ending.SILENT, lines


def _in_the_log(log: str) -> Ending | None:
    if "(XEN) Std. Loglevel: " in log:
        return Ending.CONSTRUCTED
    return Ending.REFUSED if "(XEN) Reboot in five seconds" in log else None


def _at_the_end(status: int, loader: str) -> Ending:
    # isa-debug-exit ends QEMU with a status of 2 * value + 1.
    ran = [2 * value + 1 for value in (EXIT_VALUE, REAL_MODE_EXIT_VALUE)]
    if loader == "qemu-kernel" and status in ran:
        return Ending.CONSTRUCTED
    # 0: the guest reset the machine, so it ran.
    return Ending.SILENT if status == 0 else Ending.REFUSED


def _cpu_seconds(process: int) -> float:
    """Return the processor time in seconds that a process has used (proc(5))."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
