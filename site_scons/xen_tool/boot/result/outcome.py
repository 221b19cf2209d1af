# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Judge a run: its result and the reason, from the console and from how QEMU ended.

For a pass, all evidence must agree.  QEMU's exit status alone is not enough, as a guest that runs
astray may write to the port of the isa-debug-exit device; a line such as RESULT: PASS alone is not
enough, as the guest may crash right after it; and fewer lines than checks mean that the console
lost some.

A domU cannot reach the device.  The dom0 that domu.py makes reads the reason of the domU's
shutdown from xl, and writes a status to the device.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..console.dump import XEN, DumpPlace
from ..modes import Place
from ..symbolize import ImageSymbols
from .evidence import Evidence
from .protocols import KTAP, NONE, Finish, GuestResult
from .reader import GuestVerdict

PASS_STATUS = 33
"""QEMU's exit status after the guest wrote 0x10 to isa-debug-exit (2 * 0x10 + 1)."""

_QEMU_STOPPED = re.compile(r"\S*qemu\S*: terminating on signal")
_GDB_KILLED = "Terminated via GDBstub"
_NOT_GUEST = "the dom0, not the guest,"
LACKS_MEMORY = "dom0 lacks memory (MEM= gives more): "
_SILENT_DOMU = (
    ", and it printed nothing: a domU prints to the ring of its console, as Xen shows what "
    "HYPERVISOR_console_io writes for dom0 only"
)


@dataclass(frozen=True)
class Outcome:
    """The outcome of one run."""

    result: GuestResult
    status: int | None
    """QEMU's exit status, or the negative number of a signal; None if it had to be killed."""
    reason: str
    """Why the run passed or failed, in one sentence."""
    console: tuple[str, ...]
    """The console's last lines, safe to print."""
    seconds: float
    details: tuple[str, ...] = ()
    """For a failure, lines of text: the places of a crash, and why a loader refuses the image."""

    @property
    def passed(self) -> bool:
        """Whether the guest passed."""
        return self.result is GuestResult.PASSED

    @property
    def failed(self) -> bool:
        """Whether a verdict was requested and the guest did not pass."""
        return self.result not in (GuestResult.PASSED, GuestResult.SHOWN)


class End(NamedTuple):
    """The end of a machine, as reported by QEMU and, for its CPUs, by Xen."""

    status: int | None
    """As Outcome.status."""
    limit: float
    """The time limit in seconds; infinite with a debugger."""
    shutdown: str | None = None
    """The value of monitor.Monitor.shutdown."""
    triple_fault: bool = False
    places: Sequence[DumpPlace] = ()
    """The instruction pointers of the CPUs, if they were read (follow.py)."""


class OutcomeJudge:
    """Judge the end of a run; the symbols are those of its image."""

    def __init__(self, evidence: Evidence, end: End, symbols: ImageSymbols) -> None:
        self._evidence = evidence
        self._end = end
        self._symbols = symbols
        self._reader = evidence.reader
        self._verdict = evidence.reader.verdict()
        finishes = self._finishes()
        named = self._reader.named
        if named and named.by_end and named.ends and named.ends & finishes:
            self._verdict = GuestVerdict(named, GuestResult.PASSED, "")
        elif self._verdict.protocol is KTAP and self._reader.objection() and not finishes:
            # The guest crashed or hangs before the end of the document.
            self._verdict = GuestVerdict(None, None, "")

    def result(self) -> GuestResult:
        """Return the result of the run."""
        if self._reader.named is NONE:
            return GuestResult.SHOWN
        if self._crash():
            return GuestResult.CRASHED
        result = self._verdict.result
        if result is None:
            return GuestResult.FAILED if self._reader.failures else GuestResult.CRASHED
        return GuestResult.FAILED if result is GuestResult.PASSED and self._objection() else result

    def reason(self) -> str:
        """Return why the run passed or failed, in one sentence."""
        last = self._evidence.last_line or "it printed nothing"
        status = f"QEMU ended with status {self._end.status}: {last}"
        why = self._crash() or self._report() or self._no_result() or status
        return f"no verdict was requested: {why}" if self._reader.named is NONE else why

    def trace(self) -> list[str]:
        """Return lines that name the place of a crash and its callers in the image; [] if none."""
        dump = self._evidence.dump
        lines = []
        if dump.places and (place := self._symbols.places([dump.places[-1].address])[0]):
            lines.append(f"  at:    {place}")
        calls = self._symbols.places(dump.stack, returns=True)
        # A word of a stack that is an address in the image's code may be a return address.
        lines += [f"  stack: {call}" for call in calls if call]
        return lines

    def _crash(self) -> str:
        """Return who crashed or panicked, and how; "" if nothing crashed."""
        evidence, end = self._evidence, self._end
        where = f" at {self._place(evidence.dump.places[-1])}" if evidence.dump.places else ""
        lacks = LACKS_MEMORY if evidence.no_memory else ""
        if "Panic on CPU" in evidence.trouble:
            who = "xen-shim" if evidence.in_shim else "Xen"
            panic = " ".join(evidence.panic) or "no message came"
            # Xen prints why dom0 could not be built on the line before the panic.
            failed = panic.startswith("Could not construct")
            cause = f" ({evidence.before_panic})" if failed else ""
            return f"{lacks}{who} panicked: {panic}{cause}{where}"
        if evidence.domain is not None:
            who = _NOT_GUEST if evidence.is_of_dom0(evidence.domain) else "the guest"
            return f"{who} crashed: {evidence.unhandled or evidence.trouble.rstrip(':')}{where}"
        if evidence.in_trouble:
            return f"Xen crashed: {evidence.trouble}{where}"
        if evidence.over and evidence.place is Place.DOMU:
            cause = evidence.panic_of_linux or evidence.last_words
            return f"{lacks}{_NOT_GUEST} died: {cause}"
        if end.triple_fault and end.shutdown:
            who = "the guest" if evidence.place is Place.KERNEL else "Xen"
            return f"{who} crashed: triple fault, {self._describe(end.places)}"
        return ""

    def _report(self) -> str:
        """Return what the guest reported, and what contradicts it; "" if nothing."""
        verdict, failed = self._verdict, self._reader.failure_text()
        if not verdict.result:
            return f"no result came, but {failed}" if failed else ""
        text = f"the guest reported {verdict.text}" if verdict.text else "the guest powered off"
        if verdict.result is not GuestResult.PASSED:
            return text + (f" ({failed})" if failed else "")
        but = self._objection()
        return text + (f", but {but}" if but else "")

    def _objection(self) -> str:
        """Return what contradicts a pass that the guest reported; "" if nothing does."""
        evidence, end = self._evidence, self._end
        protocol = self._verdict.protocol
        assert protocol
        if objection := self._reader.objection() or evidence.panic_of_linux:
            return objection
        finishes = self._finishes()
        if protocol.ends is None:
            stopped = end.status is None and not evidence.over
            if finishes or (stopped and not evidence.domu_end):
                return ""
        elif finishes & protocol.ends:
            return ""
        if evidence.domu_end or evidence.last_words:
            return evidence.domu_end or evidence.last_words
        if end.shutdown:
            return f"{self._stopped()}, and QEMU not ended with status {PASS_STATUS}"
        ended = "had to be ended" if end.status is None else f"ended with status {end.status}"
        return f"QEMU {ended} instead of {PASS_STATUS}"

    def _finishes(self) -> set[Finish]:
        """Return the ways in which the guest ended in good order; none if it did not."""
        evidence, end = self._evidence, self._end
        finishes = set()
        if end.status == PASS_STATUS:
            finishes.add(Finish.EXIT)
        if evidence.place is Place.DOMU:
            if end.status == PASS_STATUS and evidence.domu_end.endswith(": poweroff"):
                finishes.add(Finish.POWEROFF)
            if evidence.domu_end.endswith(": reboot"):
                finishes.add(Finish.REBOOT)
        elif evidence.last_words.endswith("halted: halting machine") or (
            end.shutdown == "guest-shutdown"
        ):
            finishes.add(Finish.POWEROFF)
        elif evidence.last_words.endswith("shutdown: rebooting machine") or (
            end.shutdown == "guest-reset"
        ):
            finishes.add(Finish.REBOOT)
        return finishes

    def _no_result(self) -> str:
        """Return why no result was reported, by how the machine or QEMU ended; "" if unknown."""
        evidence, end = self._evidence, self._end
        if evidence.domu_end:
            lacks = evidence.no_memory and evidence.domu_end.startswith("xl ")
            unheard = self._unheard() if "shut down" in evidence.domu_end else ""
            return f"no result came: {LACKS_MEMORY if lacks else ''}{evidence.domu_end}{unheard}"
        if evidence.last_words:
            words = evidence.panic_of_linux or evidence.last_words
            return f"the guest {_by_xen(evidence.last_words)} without a result: {words}"
        if end.shutdown:
            return f"no result came: {self._stopped()}"
        if math.isinf(end.limit) and (end.status is None or _GDB_KILLED in evidence.last_line):
            return "no result came: the debugger ended the run"
        if end.status is None:
            return f"no result after {end.limit:g} s: {self._hang()}"
        if _QEMU_STOPPED.match(evidence.last_line):
            return f"QEMU was stopped from outside: {evidence.last_line}"
        if end.status < 0:
            return f"QEMU was killed by signal {-end.status}"
        if end.status in (0, PASS_STATUS):
            but = "" if self._reader.named is NONE else ", but no result came"
            return f"QEMU ended with status {end.status}{but}"
        return ""

    def _hang(self) -> str:
        """Return who hangs, and where."""
        evidence = self._evidence
        places = [place for place in self._end.places if not place.idle]
        guests = [place for place in places if evidence.is_of_guest(place)]
        there = self._describe(guests or places)
        text = f": {there}" if there else ""
        if evidence.place is Place.DOMU and not evidence.started:
            return f"the dom0 hangs before it starts the domain{text}"
        if not evidence.last_line:
            return f"the console stayed empty{text}{self._unheard()}"
        asked_xen = any(
            place.who == XEN or place.of_domain is not None for place in self._end.places
        )
        if asked_xen and not guests:
            but = f", but {there}" if there else ""
            return f"none of the guest's vCPUs runs{but}{self._unheard()}"
        return f"the guest hangs{text}{self._unheard()}"

    def _unheard(self) -> str:
        """Return why a domU may have printed nothing; "" if something came, or it is no domU."""
        evidence = self._evidence
        return _SILENT_DOMU if evidence.place is Place.DOMU and not evidence.spoke else ""

    def _stopped(self) -> str:
        did = "powered off" if self._end.shutdown == "guest-shutdown" else "reset"
        if self._evidence.place is Place.KERNEL:
            return f"the guest {did} the machine"
        return f"the machine was {did}, which Xen did not report"

    def _describe(self, places: Sequence[DumpPlace]) -> str:
        return ", ".join(f"{place.who} at {self._place(place)}" for place in places)

    def _place(self, place: DumpPlace) -> str:
        return place.name or self._symbols.place(place.address)


def _by_xen(words: str) -> str:
    """Return what a dom0 did, by Xen's message, such as "Hardware Dom0 halted: halting machine"."""
    for word, did in (("halted", "powered off"), ("crashed", "crashed"), ("reboot", "rebooted")):
        if word in words:
            return did
    return "stopped"
