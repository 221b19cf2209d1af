# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Boots an image in a QEMU machine without KVM, in one of the modes of modes.py.

QEMU's multiboot loader starts the hypervisor; what it is given as -initrd are
Xen's modules, of which the first is dom0's kernel.  The serial port is the console.
"""

from __future__ import annotations

import contextlib
import math
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from ..debian.apt import Say
from ..debian.hypervisor import find_hypervisor, read_hypervisor, version_of
from ..elf import spec
from ..errors import XenToolError
from . import CPUS, modes
from .console import Console, tell
from .held import Held
from .modes import Mode, Place
from .outcome import Evidence, Outcome
from .qemu import Machine, find_qemu, running

MAX_CPUS = 32
"""A guest's vcpu_info of more is not in the shared_info page."""

GRACE_SECONDS = 2.0
"""How long the last lines of a dying Xen or guest are waited for."""

EXIT_SECONDS = 5.0
"""How long QEMU's exit is waited for after the guest's result line."""


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
    name or path, perhaps with options (qemu-system-x86_64), xen a hypervisor's
    path, gzipped or not, or a version of it that Debian has (the newest
    installed one).  echo takes each line of the console as it comes, say a line
    on what is fetched.  QEMU never outlives the call or its process.

    Raises XenToolError if a part is missing or unusable; everything that
    happens after the start is an Outcome.
    """
    mode = mode if isinstance(mode, Mode) else modes.named(mode)
    timeout = mode.timeout if timeout is None else timeout
    if not (math.isfinite(timeout) and timeout > 0):
        raise XenToolError(f"the time limit must be a number of seconds above 0, not {timeout}")
    if not 1 <= cpus <= MAX_CPUS:
        raise XenToolError(f"a machine has 1 to {MAX_CPUS} CPUs, not {cpus}")
    evidence = Evidence()
    console = Console(evidence.see, echo)
    program = find_qemu(qemu)
    with Held() as held:
        options = _lay_out(held, mode, image, cpus, xen, say)
        own_cpus = 1 if mode.place is Place.DOMU else cpus
        start = time.monotonic()
        with running(program, mode, own_cpus, options, held.descriptors) as machine:
            _follow(machine, console, evidence, start + timeout)
            status = machine.process.poll()
    return Outcome(
        passed=evidence.passed(status),
        status=status,
        reason=evidence.reason(status, timeout),
        console=console.lines,
        seconds=time.monotonic() - start,
    )


def _lay_out(
    held: Held, mode: Mode, image: Path, cpus: int, xen: str | None, say: Say
) -> list[str]:
    """Copy what QEMU is to load; return the options that name it."""
    kernel = held.copy(image, "the file of a linked kernel image")
    with open(kernel, "rb") as file:
        if file.read(len(spec.ELFMAG)) != spec.ELFMAG:
            raise XenToolError(f"{image} is not an ELF file: boot takes a linked kernel image")
    if mode.place is Place.KERNEL:
        return ["-kernel", kernel]
    hypervisor = _hypervisor(xen, say)
    options = ["console=com1", "com1=115200,8n1", *mode.xen]
    loaded = held.put([read_hypervisor(hypervisor)])
    if mode.place is Place.DOM0:
        modules = [kernel]
    else:
        from . import domu

        modules = domu.lay_out(held, mode, Path(kernel), cpus, _version(hypervisor), say)
        options += domu.XEN_OPTIONS
    return ["-kernel", loaded, "-append", " ".join(options), "-initrd", ",".join(modules)]


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


def _follow(machine: Machine, console: Console, evidence: Evidence, deadline: float) -> None:
    """Read the console until QEMU has ended or there is no point in waiting on."""
    while not evidence.over:
        data = machine.listen(deadline - time.monotonic())
        if data is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                machine.process.wait(max(0.0, deadline - time.monotonic()))
            break
        console.feed(data)
        if machine.monitor.shutdown:
            machine.monitor.quit()
        if evidence.in_trouble:
            deadline = min(deadline, time.monotonic() + GRACE_SECONDS)
        elif evidence.result:
            deadline = min(deadline, time.monotonic() + EXIT_SECONDS)
    console.close()
