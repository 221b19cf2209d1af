# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Boot an image in a QEMU machine without KVM, in one of the modes of modes.py.

qemu_files makes the files that QEMU loads, follow watches the console and the machine, and result/
decides how the run ended.  The serial port is the console.  Used by `xen-tool boot`,
env.XenBoot() and suite/.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..debian.apt import Say
from ..errors import XenToolError
from ..loaders.model.releases import Xen
from . import modes, qemu_files
from .boot_settings import DEFAULTS, BootSettings
from .console.console import Console, tell
from .copies import Copies
from .debugger.layouts import MAX_VCPUS
from .follow import follow
from .modes import Mode, Place
from .qemu import Machine, find_qemu, running
from .result.evidence import Evidence
from .result.outcome import End, Outcome, OutcomeJudge
from .result.protocols import GuestResult
from .result.reader import Reader
from .symbolize import ImageSymbols

if TYPE_CHECKING:
    from .debugger.aids import Aids, Debugger


def boot(
    image: Path,
    *,
    mode: str | Mode = modes.MODES[0],
    timeout: float | None = None,
    cpus: int | None = None,
    qemu: str | None = None,
    xen: str | None = None,
    settings: BootSettings = DEFAULTS,
    echo: Callable[[str], None] | None = None,
    say: Say = tell,
    debugger: Debugger | None = None,
    started: Callable[[Machine], None] | None = None,
    files: Path | None = None,
    until: int = -1,
) -> Outcome:
    """Boot the image until it reports a result, crashes, or its time is over.

    mode: a row of modes.MODES, its name or its alias; the default is PV dom0.
    timeout: seconds; the default is that of the mode.
    cpus: the number of CPUs of the guest; the default is that of the mode.
    qemu: the name or path of a program, which options may follow; the default is
        qemu-system-x86_64.
    xen: the path of a hypervisor, gzipped or not, or a version that Debian has; the default is
        the newest installed one.
    settings: further settings for the guest, Xen and QEMU.
    echo: is called with each line of the console as it comes.
    say: is called with a line for the user, for example before something is fetched.
    debugger: with settings.gdb, for which the machine waits for gdb and has no time limit, starts
        gdb; None: say is called with gdb's command line instead.
    started: is called with the machine once it runs.
    files: a folder for copies of the files that QEMU loads, which Machine.command names; None:
        there are only those in memory.
    until: a descriptor that becomes readable when the run is to end, as by a signal; -1: none.

    QEMU outlives neither the call nor this process.  Raises XenToolError if a program or a file
    is missing or unusable, a setting is not valid, or `until` became readable; everything else
    that happens after QEMU's start is told by the Outcome.
    """
    mode = mode if isinstance(mode, Mode) else modes.named(mode)
    settings.check(mode)
    limit = _time_limit(mode, timeout, settings)
    cpus = _cpus(mode, cpus, settings, say)
    evidence = Evidence(mode.place, Reader(settings.protocol, settings.patterns))
    console = Console(evidence.see, echo)
    dumped: list[str] = []
    program = [*find_qemu(qemu, say), *settings.qemu_words]
    with Copies(files) as copies, contextlib.ExitStack() as stack:
        loaded = qemu_files.lay_out(copies, mode, image, cpus, xen, settings, say)
        options, descriptors = loaded.options, copies.descriptors
        by_hand = copies.by_hand(options)
        aids: Aids | None = None
        if settings.is_debugged:
            from .debugger.aids import Aids

            aids = Aids(settings, loaded.mode, loaded.image, stack)
            more, added = aids.add([*program, *options], copies)
            options, descriptors = [*options, *more], [*copies.descriptors, *added]
            by_hand += aids.by_hand
        machine_cpus = 1 if mode.place is Place.DOMU else cpus
        to_run = program, loaded.mode, machine_cpus, options, descriptors, by_hand
        with ImageSymbols(loaded.image) as symbols:
            start = time.monotonic()
            with running(*to_run) as machine:
                machine.end_by(until)
                if started:
                    started(machine)
                if aids:
                    aids.start(machine, str(image), loaded.xen_symbols, debugger, say)
                places = follow(
                    machine, console, evidence, start + limit, dumps=bool(settings.dump)
                )
                status = machine.process.poll()
                end = End(status, limit, machine.monitor.shutdown, machine.triple_fault, places)
                judge = OutcomeJudge(evidence, end, symbols)
                if aids:
                    dumped = aids.end(machine, failed=judge.result() is not GuestResult.PASSED)
            stack.close()
            seconds = time.monotonic() - start
            outcome = Outcome(judge.result(), status, judge.reason(), console.lines, seconds)
            details = judge.trace() if outcome.failed else []
    if outcome.failed:
        details += [*dumped, *_refusal(image, mode, loaded.version)]
    return dataclasses.replace(outcome, details=tuple(details))


def _time_limit(mode: Mode, timeout: float | None, settings: BootSettings) -> float:
    """Return the time limit in seconds; infinite with a debugger.

    Raises XenToolError if it is not a number above 0.
    """
    limit = mode.timeout if timeout is None else timeout
    if not (math.isfinite(limit) and limit > 0):
        raise XenToolError(f"the time limit must be a number of seconds above 0, not {limit}")
    return math.inf if settings.gdb else limit


def _cpus(mode: Mode, cpus: int | None, settings: BootSettings, say: Say) -> int:
    """Return the number of the guest's CPUs: 1 for a recording, other than that of a domU.

    Raises XenToolError if it is out of range.
    """
    number = mode.cpus if cpus is None else cpus
    # The shared_info page has a vcpu_info for no more CPUs.
    if not 1 <= number <= MAX_VCPUS:
        raise XenToolError(f"a machine has 1 to {MAX_VCPUS} CPUs, not {number}")
    if number > 1 and settings.is_recorded and mode.place is not Place.DOMU:
        say("a machine that is recorded has one CPU")
        return 1
    return number


def _refusal(image: Path, mode: Mode, version: str | None) -> Iterator[str]:
    """Yield lines on why the mode's loader refuses the image; none if it accepts the image.

    version: that of Xen, such as "4.17"; None: the default release, or no Xen.  There are no lines
    for a version whose rules are not known.
    """
    from ..report.report_text import refusal

    known = mode.modelled
    # Xen.parse() raises it for a version whose rules are not known.
    with contextlib.suppress(XenToolError):
        if version:
            known = known._replace(version=Xen.parse(version).version)
        yield from refusal(str(image), known, mode.loader)
