# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Says how a run ended and why, by what its console said and how QEMU ended.

A pass needs all to agree: QEMU's status alone could come from wild code that hits the port of its
isa-debug-exit device, a line such as RESULT: PASS alone from a guest that crashes right after it,
and fewer lines than checks from a console that lost some.

A domU does not have the device.  Its status is the reason of its shutdown, which the dom0 that
domu.py makes reads from xl, and gives to the device.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..console.dump import XEN, Where
from ..modes import Place
from ..symbols import Symbols
from .evidence import Evidence
from .protocols import KTAP, NONE, Finish, Result, Verdict

PASS_STATUS = 33
"""QEMU's status after the guest wrote 0x10 to isa-debug-exit (2 * 0x10 + 1)."""

_QEMU_STOPPED = re.compile(r"\S*qemu\S*: terminating on signal")
_GDB_KILLED = "Terminated via GDBstub"
_NOT_GUEST = "the dom0, not the guest,"
LACKS_MEMORY = "dom0 lacks memory (MEM= gives more): "


@dataclass(frozen=True)
class Outcome:
    """How one run ended."""

    result: Result
    status: int | None
    """QEMU's exit status (negative: a signal's number); None if it had to be killed."""
    reason: str
    """Why it passed or failed, in one sentence."""
    console: tuple[str, ...]
    """The console's last lines, safe to print."""
    seconds: float
    details: tuple[str, ...] = ()
    """Of a failure, for people: where it was, and what the loader says of the image."""

    @property
    def passed(self) -> bool:
        """Whether the guest passed."""
        return self.result is Result.PASSED

    @property
    def failed(self) -> bool:
        """Whether a pass was asked for and did not come."""
        return self.result not in (Result.PASSED, Result.SHOWN)


class End(NamedTuple):
    """What QEMU, and Xen when it is asked, say of a machine's end."""

    status: int | None
    limit: float
    """The seconds that it had; infinite: it had a debugger instead."""
    shutdown: str | None = None
    """As of monitor.Monitor."""
    triple_fault: bool = False
    places: Sequence[Where] = ()
    """Where its CPUs were, if they were asked."""


class Judge:
    """Tells a run's end; the symbols are those of its image."""

    def __init__(self, evidence: Evidence, end: End, symbols: Symbols) -> None:
        self._evidence = evidence
        self._end = end
        self._symbols = symbols
        self._reader = evidence.reader
        self._verdict = evidence.reader.verdict()
        finishes = self._finishes()
        named = self._reader.named
        if named and named.by_end and named.ends and named.ends & finishes:
            self._verdict = Verdict(named, Result.PASSED, "")
        elif self._verdict.protocol is KTAP and self._reader.doubt() and not finishes:
            # It died on the way, or hangs.
            self._verdict = Verdict(None, None, "")

    def result(self) -> Result:
        """Return what comes of the run."""
        if self._reader.named is NONE:
            return Result.SHOWN
        if self._death():
            return Result.CRASHED
        result = self._verdict.result
        if result is None:
            return Result.FAILED if self._reader.failures else Result.CRASHED
        return Result.FAILED if result is Result.PASSED and self._but() else result

    def reason(self) -> str:
        """Return why the run passed or failed, in one sentence."""
        said = self._evidence.last_line or "it said nothing"
        status = f"QEMU ended with status {self._end.status}: {said}"
        why = self._death() or self._report() or self._silence() or status
        return f"no verdict was asked for: {why}" if self._reader.named is NONE else why

    def trace(self) -> list[str]:
        """Return the places of a crash that are in the image: where it was, and who called."""
        dump = self._evidence.dump
        lines = []
        if dump.places and (place := self._symbols.places([dump.places[-1].address])[0]):
            lines.append(f"  at:    {place}")
        calls = self._symbols.places(dump.stack, returns=True)
        # Of a stack's words, those that are in the image's code may be return addresses.
        lines += [f"  stack: {call}" for call in calls if call]
        return lines

    def _death(self) -> str:
        found, end = self._evidence, self._end
        where = f" at {self._place(found.dump.places[-1])}" if found.dump.places else ""
        lacks = LACKS_MEMORY if found.no_memory else ""
        if "Panic on CPU" in found.trouble:
            who = "xen-shim" if found.in_shim else "Xen"
            panic = " ".join(found.panic) or "no message came"
            # Why dom0 could not be built is on the line before the panic.
            failed = panic.startswith("Could not construct")
            cause = f" ({found.before_panic})" if failed else ""
            return f"{lacks}{who} panicked: {panic}{cause}{where}"
        if found.domain is not None:
            who = _NOT_GUEST if found.is_of_dom0(found.domain) else "the guest"
            return f"{who} crashed: {found.unhandled or found.trouble.rstrip(':')}{where}"
        if found.in_trouble:
            return f"Xen crashed: {found.trouble}{where}"
        if found.over and found.place is Place.DOMU:
            cause = found.panic_of_linux or found.last_words
            return f"{lacks}{_NOT_GUEST} died: {cause}"
        if end.triple_fault and end.shutdown:
            who = "the guest" if found.place is Place.KERNEL else "Xen"
            return f"{who} crashed: triple fault, {self._told(end.places)}"
        return ""

    def _report(self) -> str:
        verdict, failed = self._verdict, self._reader.failures_told()
        if not verdict.result:
            return f"no result came, but {failed}" if failed else ""
        told = f"the guest reported {verdict.said}" if verdict.said else "the guest powered off"
        if verdict.result is not Result.PASSED:
            return told + (f" ({failed})" if failed else "")
        but = self._but()
        return told + (f", but {but}" if but else "")

    def _but(self) -> str:
        """What speaks against a pass that the guest reported."""
        found, end = self._evidence, self._end
        protocol = self._verdict.protocol
        assert protocol
        if doubt := self._reader.doubt() or found.panic_of_linux:
            return doubt
        finishes = self._finishes()
        if protocol.ends is None:
            stopped = end.status is None and not found.over
            if finishes or (stopped and not found.of_domu):
                return ""
        elif finishes & protocol.ends:
            return ""
        if found.of_domu or found.last_words:
            return found.of_domu or found.last_words
        if end.shutdown:
            return f"{self._stopped()}, and QEMU not ended with status {PASS_STATUS}"
        ended = "had to be ended" if end.status is None else f"ended with status {end.status}"
        return f"QEMU {ended} instead of {PASS_STATUS}"

    def _finishes(self) -> set[Finish]:
        """How the guest ended in good order, if it did."""
        found, end = self._evidence, self._end
        finishes = set()
        if end.status == PASS_STATUS:
            finishes.add(Finish.EXIT)
        if found.place is Place.DOMU:
            if end.status == PASS_STATUS and found.of_domu.endswith(": poweroff"):
                finishes.add(Finish.POWEROFF)
            if found.of_domu.endswith(": reboot"):
                finishes.add(Finish.REBOOT)
        elif found.last_words.endswith("halted: halting machine") or (
            end.shutdown == "guest-shutdown"
        ):
            finishes.add(Finish.POWEROFF)
        elif found.last_words.endswith("shutdown: rebooting machine") or (
            end.shutdown == "guest-reset"
        ):
            finishes.add(Finish.REBOOT)
        return finishes

    def _silence(self) -> str:
        """No result line: what else there is to go by."""
        found, end = self._evidence, self._end
        if found.of_domu:
            lacks = found.no_memory and found.of_domu.startswith("xl ")
            return f"no result came: {LACKS_MEMORY if lacks else ''}{found.of_domu}"
        if found.last_words:
            return f"the guest {_by_xen(found.last_words)} without a result: {found.last_words}"
        if end.shutdown:
            return f"no result came: {self._stopped()}"
        if math.isinf(end.limit) and (end.status is None or _GDB_KILLED in found.last_line):
            return "no result came: the debugger ended the run"
        if end.status is None:
            return f"no result after {end.limit:g} s: {self._hang()}"
        if _QEMU_STOPPED.match(found.last_line):
            return f"QEMU was stopped from outside: {found.last_line}"
        if end.status < 0:
            return f"QEMU was killed by signal {-end.status}"
        if end.status in (0, PASS_STATUS):
            return f"QEMU ended with status {end.status}, but no result came"
        return ""

    def _hang(self) -> str:
        found = self._evidence
        places = [place for place in self._end.places if not place.idle]
        guests = [place for place in places if found.is_of_guest(place)]
        told = f": {self._told(guests or places)}" if places else ""
        if found.place is Place.DOMU and not found.started:
            return f"the dom0 hangs before it starts the domain{told}"
        if not found.last_line:
            return f"the console stayed empty{told}"
        asked_xen = any(
            place.who == XEN or place.of_domain is not None for place in self._end.places
        )
        if asked_xen and not guests:
            return f"none of the guest's vCPUs runs{told.replace(':', ', but', 1)}"
        return f"the guest hangs{told}"

    def _stopped(self) -> str:
        did = "powered off" if self._end.shutdown == "guest-shutdown" else "reset"
        if self._evidence.place is Place.KERNEL:
            return f"the guest {did} the machine"
        return f"the machine was {did}, of which Xen said nothing"

    def _told(self, places: Sequence[Where]) -> str:
        return ", ".join(f"{place.who} at {self._place(place)}" for place in places)

    def _place(self, place: Where) -> str:
        return place.name or self._symbols.place(place.address)


def _by_xen(words: str) -> str:
    """What a dom0 did, of which Xen says "Hardware Dom0 halted: halting machine" and the like."""
    for word, did in (("halted", "powered off"), ("crashed", "crashed"), ("reboot", "rebooted")):
        if word in words:
            return did
    return "stopped"
