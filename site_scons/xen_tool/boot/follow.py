# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read the console of a machine until its end, or until nothing more is to be expected.

Used by boot.py, which judges what was read.
"""

from __future__ import annotations

import contextlib
import math
import subprocess
import time
from collections.abc import Sequence

from .console.console import Console
from .console.dump import DumpPlace
from .modes import Place
from .qemu import Machine
from .result.evidence import Evidence

GRACE_SECONDS = 2.0
"""Time for the last lines of a Xen or guest that has crashed."""

ANSWER_SECONDS = 1.0
"""Time for Xen's answer to its key `d`."""

ASKS = 3
"""How often the key is sent at most, if Xen answers with vCPUs of other domains only."""

TO_XEN, DUMP_REGISTERS = b"\x01\x01\x01", b"d"
"""CTRL-a three times switches the serial input from dom0 to Xen; its key `d` dumps registers."""

EXIT_SECONDS = 5.0
"""Time for QEMU's exit after the guest's result line."""


def follow(
    machine: Machine, console: Console, evidence: Evidence, deadline: float, *, dumps: bool
) -> Sequence[DumpPlace]:
    """Read the console until QEMU has ended or nothing more is to be expected.

    deadline: by time.monotonic(); infinite with a debugger.
    dumps: keep a machine that its guest stopped, so that its memory can be dumped.
    Returns the instruction pointers of CPUs if the machine hangs or its guest stopped it; else ().
    """
    places: Sequence[DumpPlace] = ()
    # Without a limit there is a debugger: go on as long as the machine runs.
    debugged = math.isinf(deadline)
    # The time at which an incomplete line that PASS_REGEX= matches has stayed long enough.
    prompt = math.inf
    while debugged or not evidence.over:
        data = machine.listen(min(deadline, prompt) - time.monotonic())
        if data is None:
            break
        console.feed(data)
        stays = not debugged and evidence.reader.is_awaited(console.row)
        prompt = min(prompt, time.monotonic() + GRACE_SECONDS) if stays else math.inf
        if machine.monitor.shutdown and not places:
            places = machine.monitor.cpus()
            if dumps:
                break
            machine.monitor.quit()
        if not debugged:
            deadline = min(deadline, time.monotonic() + _time_left(evidence))
    if prompt < deadline:
        # The line stayed: it is the result.
        console.close()
    if machine.ended and not evidence.over:
        with contextlib.suppress(subprocess.TimeoutExpired):
            machine.process.wait(max(0.0, deadline - time.monotonic()))
    elif not (debugged or evidence.over or evidence.in_trouble or evidence.reader.ended):
        places = _locate_cpus(machine, console, evidence)
    console.close()
    return places


def _time_left(evidence: Evidence) -> float:
    """Return how many seconds the machine may run on: few after a crash or a result."""
    if evidence.in_trouble:
        return GRACE_SECONDS
    if evidence.reader.ended:
        return GRACE_SECONDS if evidence.reader.may_run_on else EXIT_SECONDS
    return math.inf


def _locate_cpus(machine: Machine, console: Console, evidence: Evidence) -> Sequence[DumpPlace]:
    """Return the instruction pointers of a machine that hangs; [] if they cannot be read.

    They are those of vCPUs, by Xen's key `d`, or, if Xen does not answer, those of the machine's
    CPUs, by QEMU's monitor.
    """
    cpus = machine.monitor.cpus()
    if evidence.place is Place.KERNEL or not cpus:
        return cpus
    answered: list[DumpPlace] = []
    machine.type(TO_XEN)
    for _ in range(ASKS):
        evidence.dump.places.clear()
        machine.type(DUMP_REGISTERS)
        deadline = time.monotonic() + ANSWER_SECONDS
        while (data := machine.listen(deadline - time.monotonic())) is not None:
            console.feed(data)
        answered = [place for place in evidence.dump.places if place.who]
        # Otherwise other domains ran at this moment: send the key again.
        if all(place.idle for place in answered) or any(map(evidence.is_of_guest, answered)):
            break
    evidence.dump.places.clear()
    evidence.dump.stack.clear()
    return answered or cpus
