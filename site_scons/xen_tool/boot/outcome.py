# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Says how a run ended and why, by what its console said and how QEMU ended.

A pass needs all to agree: QEMU's status alone could come from wild code that hits the port of its
isa-debug-exit device, the line RESULT: PASS alone from a guest that crashes right after it, and
fewer lines than checks from a console that lost some.

A domU does not have the device.  Its status is the reason of its shutdown, which the dom0 that
domu.py makes reads from xl, and gives to the device.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .dump import XEN, Where
from .evidence import PASSED, Evidence
from .modes import Place
from .symbols import Symbols

PASS_STATUS = 33
"""QEMU's status after the guest wrote 0x10 to isa-debug-exit (2 * 0x10 + 1)."""

_QEMU_STOPPED = re.compile(r"\S*qemu\S*: terminating on signal")
_NOT_GUEST = "the dom0, not the guest,"


@dataclass(frozen=True)
class Outcome:
    """How one run ended."""

    passed: bool
    status: int | None
    """QEMU's exit status (negative: a signal's number); None if it had to be killed."""
    reason: str
    """Why it passed or failed, in one sentence."""
    console: tuple[str, ...]
    """The console's last lines, safe to print."""
    seconds: float
    details: tuple[str, ...] = ()
    """Of a failure, for people: where it was, and what the loader says of the image."""


class End(NamedTuple):
    """What QEMU, and Xen when it is asked, say of a machine's end."""

    status: int | None
    limit: float
    """The seconds that it had."""
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

    @property
    def passed(self) -> bool:
        """Whether the lines and the status agree on a pass."""
        return self._end.status == PASS_STATUS and self._evidence.reported_pass

    def reason(self) -> str:
        """Return why the run passed or failed, in one sentence."""
        said = self._evidence.last_line or "it said nothing"
        status = f"QEMU ended with status {self._end.status}: {said}"
        return self._death() or self._verdict() or self._silence() or status

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
        lacks = "dom0 lacks memory: " if found.no_memory else ""
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

    def _verdict(self) -> str:
        found, end = self._evidence, self._end
        failed = found.failures_told()
        if not found.result:
            return f"no result came, but {failed}" if failed else ""
        if found.result != PASSED:
            return f"the guest reported {found.result}" + (f" ({failed})" if failed else "")
        if self.passed:
            return f"the guest reported {PASSED}"
        if not (but := found.doubt() or found.of_domu or found.last_words):
            ended = "had to be ended" if end.status is None else f"ended with status {end.status}"
            but = f"QEMU {ended} instead of {PASS_STATUS}"
            if end.shutdown:
                but = f"{self._stopped()}, and QEMU not ended with status {PASS_STATUS}"
        return f"the guest reported {PASSED}, but {but}"

    def _silence(self) -> str:
        """No result line: what else there is to go by."""
        found, end = self._evidence, self._end
        if found.of_domu:
            lacks = found.no_memory and found.of_domu.startswith("xl ")
            return f"no result came: {'dom0 lacks memory: ' if lacks else ''}{found.of_domu}"
        if found.last_words:
            return f"the guest {_by_xen(found.last_words)} without a result: {found.last_words}"
        if end.shutdown:
            return f"no result came: {self._stopped()}"
        if end.status is None:
            return f"no result after {end.limit:g} s: {self._hang()}"
        if _QEMU_STOPPED.match(found.last_line):
            return f"QEMU was stopped from outside: {found.last_line}"
        if end.status < 0:
            return f"QEMU was killed by signal {-end.status}"
        if end.status in (0, PASS_STATUS):
            return f"QEMU ended with status {end.status}, but no line {PASSED} came"
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
