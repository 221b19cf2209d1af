# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Boots an image in a QEMU machine without KVM, in one of the modes of modes.py.

QEMU's multiboot loader starts the hypervisor; what it is given as -initrd are
Xen's modules, of which the first is dom0's kernel.  The serial port is the console.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..debian.apt import Say
from ..debian.hypervisor import read_hypervisor, version_of
from ..errors import XenToolError
from ..image.container import open_kernel
from ..loaders.model.releases import Xen
from . import CPUS, modes
from .console.console import Console, tell
from .console.dump import Where
from .console.source import read
from .given import NOTHING, Given
from .held import Held
from .modes import Mode, Place
from .qemu import Machine, find_qemu, running
from .result.evidence import Evidence
from .result.outcome import End, Judge, Outcome
from .result.protocols import Reader, Result
from .symbols import Symbols

if TYPE_CHECKING:
    from .debugger.aids import Aids, Debugger

MAX_CPUS = 32
"""A guest's vcpu_info of more is not in the shared_info page."""

GRACE_SECONDS = 2.0
"""How long the last lines of a dying Xen or guest are waited for."""

ANSWER_SECONDS = 1.0
"""How long Xen is listened to when it is asked where the CPUs are."""

ASKS = 3
"""How often it is asked, while neither the guest runs nor nobody."""

TO_XEN, DUMP_REGISTERS = b"\x01\x01\x01", b"d"
"""CTRL-a three times switches the serial input from dom0 to Xen, which has keys."""

EXIT_SECONDS = 5.0
"""How long QEMU's exit is waited for after the guest's result line."""


class _Loaded(NamedTuple):
    image: str
    """The name of its copy."""
    options: list[str]
    version: str | None
    """Of Xen; None: that is not known, or there is none."""
    mode: Mode
    """With the memory that the machine gets."""
    xen_symbols: Path | None = None


def boot(
    image: Path,
    *,
    mode: str | Mode = modes.MODES[0],
    timeout: float | None = None,
    cpus: int = CPUS,
    qemu: str | None = None,
    xen: str | None = None,
    given: Given = NOTHING,
    echo: Callable[[str], None] | None = None,
    say: Say = tell,
    debugger: Debugger | None = None,
    started: Callable[[Machine], None] | None = None,
    files: Path | None = None,
) -> Outcome:
    """Runs the image until it reports, dies, or timeout seconds are over.

    mode is a row of modes.MODES, its name or its alias (PV dom0); it has a
    timeout of its own.  cpus is how many the guest gets.  qemu is a program's
    name or path, perhaps with options (qemu-system-x86_64), xen a hypervisor's
    path, gzipped or not, or a version of it that Debian has (the newest
    installed one), given what they and the guest get besides.  echo takes each
    line of the console as it comes, say a line on what is fetched, started the
    machine when it runs.  With given.gdb the machine waits for gdb, and has no time
    limit; debugger starts one, or else say gets the line to type.  files is a folder
    to keep what QEMU loads in, without which it is in memory.  QEMU never outlives
    the call or its process.

    Raises XenToolError if a part is missing or unusable; everything that
    happens after the start is an Outcome.
    """
    mode = mode if isinstance(mode, Mode) else modes.named(mode)
    timeout = mode.timeout if timeout is None else timeout
    if not (math.isfinite(timeout) and timeout > 0):
        raise XenToolError(f"the time limit must be a number of seconds above 0, not {timeout}")
    if not 1 <= cpus <= MAX_CPUS:
        raise XenToolError(f"a machine has 1 to {MAX_CPUS} CPUs, not {cpus}")
    evidence = Evidence(mode.place, Reader(given.protocol, given.patterns))
    console = Console(evidence.see, echo)
    dumped: list[str] = []
    if cpus > 1 and given.is_recorded and mode.place is not Place.DOMU:
        say("a machine that is recorded has one CPU")
        cpus = 1
    if given.gdb:
        timeout = math.inf
    program = [*find_qemu(qemu, say), *given.of_qemu]
    with Held(files) as held, contextlib.ExitStack() as stack:
        loaded = _lay_out(held, mode, image, cpus, xen, given, say)
        options, descriptors = loaded.options, held.descriptors
        aids: Aids | None = None
        if given.is_debugged:
            from .debugger.aids import Aids

            aids = Aids(given, loaded.mode, loaded.image, stack)
            more, own = aids.add([*program, *options], held)
            options, descriptors = [*options, *more], [*held.descriptors, *own]
        own_cpus = 1 if mode.place is Place.DOMU else cpus
        start = time.monotonic()
        with running(program, loaded.mode, own_cpus, options, descriptors) as machine:
            if started:
                started(machine)
            if aids:
                aids.start(machine, str(image), loaded.xen_symbols, debugger, say)
            places = _follow(machine, console, evidence, start + timeout, dumps=bool(given.dump))
            status = machine.process.poll()
            end = End(status, timeout, machine.monitor.shutdown, machine.triple_fault, places)
            if aids:
                dumped = aids.end(machine, failed=not _passed(evidence, end, loaded.image))
        stack.close()
        seconds = time.monotonic() - start
        with Symbols(loaded.image) as symbols:
            judge = Judge(evidence, end, symbols)
            outcome = Outcome(judge.result(), status, judge.reason(), console.lines, seconds)
            details = judge.trace() if outcome.failed else []
    if outcome.failed:
        details += [*dumped, *_refusal(image, mode, loaded.version)]
    return dataclasses.replace(outcome, details=tuple(details))


def _passed(evidence: Evidence, end: End, image: str) -> bool:
    with Symbols(image) as symbols:
        return Judge(evidence, end, symbols).result() is Result.PASSED


def _lay_out(
    held: Held, mode: Mode, image: Path, cpus: int, xen: str | None, given: Given, say: Say
) -> _Loaded:
    """Copy what QEMU is to load."""
    given.check(mode)
    kernel = held.copy(image, "the file of a linked kernel image")
    with open_kernel(kernel) as file:
        if file.format == "raw":
            raise XenToolError(
                f"{image} is no kernel image: neither ELF nor a bzImage, packed or not"
            )
    modules = [(held.copy(Path(m.path), "a module"), m.words) for m in given.modules]
    if mode.place is Place.KERNEL:
        options = ["-kernel", kernel, *(["-append", given.cmdline] if given.cmdline else [])]
        options += [word for name, _ in modules for word in ("-initrd", name)]
        return _Loaded(kernel, options, None, _with_memory(mode, given.mem))
    hypervisor = _hypervisor(xen, say)
    version = version_of(hypervisor)
    of_xen = ["console=com1", "com1=115200,8n1", *mode.xen]
    content = read_hypervisor(hypervisor)
    unpacked = held.put([content])
    if mode.place is Place.DOM0:
        loaded = [(kernel, given.cmdline), *modules]
        mode = _with_memory(mode, given.mem)
    else:
        from . import domu

        if version is None:
            raise XenToolError(
                f"the name of {hypervisor} does not say its version, which a domU's toolstack must "
                "have: call it xen-VERSION-amd64.gz, or name a version, such as 4.17"
            )
        files = [Path(name) for name in (kernel, *(name for name, _ in modules))]
        dom0 = domu.lay_out(held, mode, files, cpus, version, given, say)
        loaded = dom0.modules
        of_xen += dom0.xen_options
        mode = _with_memory(mode, mode.memory + dom0.more_memory)
    # What is in a list has its commas doubled.
    listed = [f"{name} {words}".strip().replace(",", ",,") for name, words in loaded]
    xen_words = " ".join([*of_xen, given.xen_options]).strip()
    options = ["-kernel", unpacked, "-append", xen_words, "-initrd", ",".join(listed)]
    symbols = None
    if given.gdb:
        from .debugger.session import xen_symbols

        symbols = xen_symbols(hypervisor, content, version)
    return _Loaded(kernel, options, version, mode, symbols)


def _with_memory(mode: Mode, mib: int | None) -> Mode:
    return mode._replace(memory=mib) if mib else mode


def _hypervisor(xen: str | None, say: Say) -> Path:
    if xen is None:
        from ..debian import packages

        return packages.hypervisor(say)
    if re.fullmatch(r"[0-9]+\.[0-9]+", xen, re.ASCII):
        from ..debian import releases

        return releases.hypervisor(xen, say)
    return Path(xen)


def _refusal(image: Path, mode: Mode, version: str | None) -> Iterator[str]:
    """What the loader of this Xen, or QEMU, says of the image, if it does not take it."""
    from ..report.text import refusal

    known = mode.modelled
    # Of a Xen older than the rules nothing is said, nor of one whose version is not known.
    with contextlib.suppress(XenToolError):
        if version:
            known = known._replace(version=Xen.parse(version).version)
        yield from refusal(str(image), known, mode.loader)


def _follow(
    machine: Machine, console: Console, evidence: Evidence, deadline: float, *, dumps: bool
) -> Sequence[Where]:
    """Read the console until QEMU has ended or there is no point in waiting on.

    Returns where the CPUs are, of a machine that hangs or was stopped by its guest.
    """
    places: Sequence[Where] = ()
    # Without a limit there is a debugger, who looks on as long as the machine is there.
    debugged = math.isinf(deadline)
    # When a line without an end, which a guest passes by, has stayed long enough.
    prompt = math.inf
    while debugged or not evidence.over:
        data = machine.listen(min(deadline, prompt) - time.monotonic())
        if data is None:
            break
        console.feed(data)
        stays = evidence.reader.is_awaited(read(console.row).text)
        prompt = min(prompt, time.monotonic() + GRACE_SECONDS) if stays else math.inf
        if machine.monitor.shutdown and not places:
            places = machine.monitor.cpus()
            if dumps:
                break
            machine.monitor.quit()
        if debugged:
            continue
        if evidence.in_trouble:
            deadline = min(deadline, time.monotonic() + GRACE_SECONDS)
        elif evidence.reader.ended:
            left = GRACE_SECONDS if evidence.reader.may_run_on else EXIT_SECONDS
            deadline = min(deadline, time.monotonic() + left)
    if prompt < deadline:
        console.close()
    if machine.ended and not evidence.over:
        with contextlib.suppress(subprocess.TimeoutExpired):
            machine.process.wait(max(0.0, deadline - time.monotonic()))
    elif not (debugged or evidence.over or evidence.in_trouble or evidence.reader.ended):
        places = _ask(machine, console, evidence)
    console.close()
    return places


def _ask(machine: Machine, console: Console, evidence: Evidence) -> Sequence[Where]:
    """Where the CPUs of a machine that hangs are: Xen knows best, but may hang itself."""
    cpus = machine.monitor.cpus()
    if evidence.place is Place.KERNEL or not cpus:
        return cpus
    answered: list[Where] = []
    machine.type(TO_XEN)
    for _ in range(ASKS):
        evidence.dump.places.clear()
        machine.type(DUMP_REGISTERS)
        deadline = time.monotonic() + ANSWER_SECONDS
        while (data := machine.listen(deadline - time.monotonic())) is not None:
            console.feed(data)
        answered = [place for place in evidence.dump.places if place.who]
        # Others may have had the processor for a moment.
        if all(place.idle for place in answered) or any(map(evidence.is_of_guest, answered)):
            break
    evidence.dump.places.clear()
    evidence.dump.stack.clear()
    return answered or cpus
