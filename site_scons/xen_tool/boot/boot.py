# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Boots an image in a QEMU machine without KVM, in one of the modes of modes.py.

QEMU's multiboot loader starts the hypervisor; what it is given as -initrd are
Xen's modules, of which the first is dom0's kernel.  The serial port is the console.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ..debian.apt import Say
from ..debian.hypervisor import find_hypervisor, read_hypervisor, version_of
from ..elf import spec
from ..errors import XenToolError
from . import CPUS, modes
from .console import Console, tell
from .modes import Mode, Place
from .outcome import Evidence, Outcome

QEMU = "qemu-system-x86_64"

MAX_CPUS = 32
"""A guest's vcpu_info of more is not in the shared_info page."""

GRACE_SECONDS = 2.0
"""How long the last lines of a dying Xen or guest are waited for."""

EXIT_SECONDS = 5.0
"""How long QEMU's exit is waited for after the guest's result line."""

# Makes QEMU die with the process that started it, even by SIGKILL.  A small
# program between the two, because a preexec_fn may deadlock where threads run,
# as in SCons.  1 is PR_SET_PDEATHSIG, 9 SIGKILL (prctl(2)).
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


def boot(
    image: Path,
    *,
    mode: str | Mode = modes.MODES[0],
    timeout: float | None = None,
    cpus: int = CPUS,
    qemu: str | None = None,
    xen: str | None = None,
    echo: Callable[[str], None] | None = None,
    say: Say = tell,
) -> Outcome:
    """Runs the image until it reports, dies, or timeout seconds are over.

    mode is a row of modes.MODES, its name or its alias (PV dom0); it has a
    timeout of its own.  cpus is how many the guest gets.  qemu is a program's
    name or path (qemu-system-x86_64), xen a hypervisor's path, gzipped or not,
    or a version of it that Debian has (the newest installed one).  echo takes
    each line of the console as it comes, say a line on what is fetched.  QEMU
    never outlives the call or its process.

    Raises XenToolError if a part is missing or unusable; everything that
    happens after the start is an Outcome.
    """
    mode = mode if isinstance(mode, Mode) else modes.named(mode)
    timeout = mode.timeout if timeout is None else timeout
    if not (math.isfinite(timeout) and timeout > 0):
        raise XenToolError(f"the time limit must be a number of seconds above 0, not {timeout}")
    if not 1 <= cpus <= MAX_CPUS:
        raise XenToolError(f"a machine has 1 to {MAX_CPUS} CPUs, not {cpus}")
    _check_image(image)
    program = _find_qemu(qemu or QEMU)

    evidence = Evidence()
    console = Console(evidence.see, echo)
    # QEMU reads commas and blanks in file names as syntax: names without any.
    with tempfile.TemporaryDirectory(prefix="xen-tool-boot-") as folder:
        options = _lay_out(Path(folder), mode, image, cpus, xen, say)
        start = time.monotonic()
        with _running(
            [program, *_machine(mode, 1 if mode.place is Place.DOMU else cpus), *options], folder
        ) as process:
            _follow(process, console, evidence, start + timeout)
            status = process.poll()
    return Outcome(
        passed=evidence.passed(status),
        status=status,
        reason=evidence.reason(status, timeout),
        console=console.lines,
        seconds=time.monotonic() - start,
    )


def _check_image(image: Path) -> None:
    try:
        with image.open("rb") as file:
            magic = file.read(len(spec.ELFMAG))
    except OSError as error:
        raise XenToolError(f"the image {image} cannot be read: {error.strerror}") from error
    if magic != spec.ELFMAG:
        raise XenToolError(f"{image} is not an ELF file: boot takes a linked kernel image")


def _find_qemu(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise XenToolError(
            f"QEMU ({name}) was not found: install it with `apt-get install qemu-system-x86` "
            "(Debian), or run `./sconsw test`, which fetches it"
        )
    return str(Path(path).absolute())


def _machine(mode: Mode, cpus: int) -> list[str]:
    return [
        *("-display", "none", "-vga", "none", "-serial", "stdio", "-monitor", "none"),
        *("-nodefaults", "-no-user-config", "-no-reboot"),
        *("-device", "isa-debug-exit,iobase=0xf4,iosize=4"),
        *("-m", str(mode.memory), "-smp", str(cpus)),
        *(("-cpu", mode.cpu) if mode.cpu else ()),
        # 128 ns for each instruction; a halt lasts no longer than it takes to wind the clock on.
        *(("-icount", "shift=7,sleep=off") if mode.counts_instructions else ()),
    ]


def _lay_out(
    folder: Path, mode: Mode, image: Path, cpus: int, xen: str | None, say: Say
) -> list[str]:
    """Puts what QEMU is to load into folder; returns the options that name it."""
    image = image.resolve()
    if mode.place is Place.KERNEL:
        (folder / "image").symlink_to(image)
        return ["-kernel", "image"]
    hypervisor = _hypervisor(xen, say)
    (folder / "xen").write_bytes(read_hypervisor(hypervisor))
    options = ["console=com1", "com1=115200,8n1", *mode.xen]
    if mode.place is Place.DOM0:
        (folder / "image").symlink_to(image)
        modules = ["image"]
    else:
        from . import domu

        modules = domu.lay_out(folder, mode, image, cpus, _version(hypervisor), say)
        options += domu.XEN_OPTIONS
    return ["-kernel", "xen", "-append", " ".join(options), "-initrd", ",".join(modules)]


def _hypervisor(xen: str | None, say: Say) -> Path:
    if xen is None:
        return find_hypervisor()
    if re.fullmatch(r"[0-9]+\.[0-9]+", xen, re.ASCII):
        from ..debian import releases

        return releases.hypervisor(xen, say)
    return Path(xen)


def _version(hypervisor: Path) -> str:
    if version := version_of(hypervisor):
        return version
    raise XenToolError(
        f"the name of {hypervisor} does not say its version, which a domU's toolstack must have: "
        "call it xen-VERSION-amd64.gz, or name a version, such as 4.17"
    )


@contextlib.contextmanager
def _running(command: list[str], folder: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _follow(
    process: subprocess.Popen[bytes], console: Console, evidence: Evidence, deadline: float
) -> None:
    """Reads the console until QEMU has ended or there is no point in waiting on."""
    assert process.stdout is not None
    output = process.stdout.fileno()
    readable = select.poll()  # unlike select(), not limited to descriptors below 1024
    readable.register(output, select.POLLIN)
    while not evidence.over:
        left = deadline - time.monotonic()
        if left <= 0 or not readable.poll(left * 1000):
            break
        data = os.read(output, 1 << 16)
        if not data:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            break
        console.feed(data)
        if evidence.in_trouble:
            deadline = min(deadline, time.monotonic() + GRACE_SECONDS)
        elif evidence.result:
            deadline = min(deadline, time.monotonic() + EXIT_SECONDS)
    console.close()
