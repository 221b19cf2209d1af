# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Reads the console and QEMU's status, and says how a run ended and why.

The guest's side of this contract is arch/x86/xen/shutdown.c: lines `PASS name`
and `FAIL name: why`, perhaps `CHECKS: n`, their number, a last line `RESULT:
PASS` or `RESULT: FAIL`, and QEMU's status through its isa-debug-exit device.  A
pass needs all to agree: the status alone could come from wild code that hits
the port, the line alone from a guest that crashes right after it, and fewer
lines than checks from a console that lost some.  A failure counts if it was to
be seen at all; a pass only as a line of its own that stayed.

A domU does not have the device.  Its status is the reason of its shutdown,
which the dom0 that domu.py makes reads from xl, and gives to the device.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .terminal import Seen

PASS_STATUS = 33
"""QEMU's status after the guest wrote 0x10 to isa-debug-exit (2 * 0x10 + 1)."""

# What may stand in front of what is said: who said it, and when.  Xen writes (XEN) before its own
# words, and (dN) before those of a domU, as at port 0xe9 (xen/arch/x86/hvm/hvm.c).  Times are
# Xen's by console_timestamps=, those of Linux' printk() with its level and caller, and the like.
_FRONT = re.compile(
    r" *(?:(?P<xen>\(XEN\))|(?P<domain>\(d[0-9]+\))|<[0-9]>|\[ *[TC]?[0-9][-0-9:.TZ+ ]*\])",
    re.ASCII,
)
_PASS = re.compile(r"PASS\b.")
_FAIL = re.compile(r"FAIL\b")
_RESULT = re.compile(r"RESULT:.*")
_PASSED = "RESULT: PASS"

# The words of xen/common/domain.c, shutdown.c, xen/drivers/char/console.c and
# xen/arch/x86/{shutdown,traps}.c.  After the first kind more lines come, which
# say what it was about; after the second, the machine only waits to reboot.
_TROUBLE = re.compile(
    r"Panic on CPU|crashed on cpu|FATAL (?:TRAP|PAGE FAULT)|Xen BUG at|Triple fault|domain_crash"
)
_LAST_WORDS = re.compile(
    r"Reboot in five seconds|rebooting machine|halting machine|Manual reset required"
)
_UNHANDLED = re.compile(r"d\d+v\d+ Unhandled")
_RIP = re.compile(r"RIP: +\S*\[<([0-9a-f]+)>\]")
# How the dom0 of domu.py tells what became of a domU.
_DOM0 = re.compile(r"dom0: (.+)")
_QEMU_STOPPED = re.compile(r"\S*qemu\S*: terminating on signal")
_ASTERISKS = re.compile(r"\*{10,}")

_FEW = 3
"""How many lines of a kind are told; of more, their number."""
_LENGTH = 200
"""How much of a line is told."""


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


class Evidence:
    """What the console's lines say about the run; see() takes them one by one."""

    def __init__(self) -> None:
        self.over = False
        """Nothing more will come but a reboot."""
        self.in_trouble = False
        """Xen or the guest died; the lines that say why may still be coming."""
        self.result = ""
        """The line RESULT:, of several the first that is no pass."""
        self._after = ""
        """What the guest said after its result."""
        self._passes = 0
        self._failed: list[str] = []
        self._failures = 0
        self._checks: list[str] = []
        self._of_domu = ""
        self._trouble = ""
        self._unhandled = ""
        self._rip = ""
        self._before_panic = ""
        self._panic: list[str] = []
        self._panic_open = False
        self._last_words = ""
        self._last_line = ""

    def see(self, line: str, seen: Seen = Seen.LINE) -> None:
        """Take the next row of the console."""
        by_xen, text = _source(line)
        if not text:
            return
        if by_xen and not _FAIL.match(text):
            if seen is not Seen.GLIMPSE:
                self._see_xen(text)
        elif not by_xen and (found := _DOM0.fullmatch(text)):
            self._of_domu = found[1]
        else:
            self._see_guest(text, seen)

    def _see_guest(self, text: str, seen: Seen) -> None:
        text = text[:_LENGTH]
        if self.result and not self._after:
            self._after = text
        if _FAIL.match(text):
            self._failures += 1
            if len(self._failed) < _FEW:
                self._failed.append(text)
        elif _RESULT.match(text):
            # A pass that was overwritten, or is only a part of a line, is none.
            if text != _PASSED or (seen is Seen.LINE and not self.result):
                self.result = self.result if self.result not in ("", _PASSED) else text
        elif seen is Seen.GLIMPSE:
            return
        elif text.startswith("CHECKS:"):
            if text not in self._checks and len(self._checks) < _FEW:
                self._checks.append(text)
        elif _PASS.match(text):
            self._passes += seen is Seen.LINE
        else:
            self._last_line = text

    def _see_xen(self, message: str) -> None:
        message = message[:_LENGTH]
        if self._panic_open:
            # Xen frames a panic's message by two lines of asterisks.
            if _ASTERISKS.fullmatch(message) or len(self._panic) == _FEW:
                self._panic_open = False
            else:
                self._panic.append(message)
            return
        if _TROUBLE.search(message):
            self.in_trouble = True
            self._trouble = self._trouble or message
            if "Panic on CPU" in message:
                self._panic_open = True
                self._before_panic = self._last_line
        elif _LAST_WORDS.search(message):
            self.over = True
            self._last_words = message
        elif _UNHANDLED.match(message):
            self._unhandled = message
        elif (rip := _RIP.match(message)) and not self._rip:
            self._rip = rip[1]
        if not _ASTERISKS.fullmatch(message):
            self._last_line = message

    def passed(self, status: int | None) -> bool:
        """True if the lines and the status agree on a pass."""
        return (
            status == PASS_STATUS
            and self.result == _PASSED
            and not self._doubt()
            and not self.in_trouble
            and not self.over
        )

    def _doubt(self) -> str:
        """What else the guest said that a guest which passed does not say."""
        if self._failed:
            return f"also {self._failures_told()}"
        if len(self._checks) > 1:
            return f"its lines {' and '.join(self._checks)} differ"
        for line in self._checks:
            number = line.removeprefix("CHECKS:").strip()
            if not (number.isascii() and number.isdigit()):
                return f"{line} is no number of checks"
            if int(number) != self._passes:
                return f"its {number} checks gave {self._passes} lines PASS"
        return f"said after it: {self._after}" if self._after else ""

    def _failures_told(self) -> str:
        more = self._failures - len(self._failed)
        return ", ".join(self._failed) + (f", and {more} more lines FAIL" if more else "")

    def reason(self, status: int | None, timeout: float) -> str:
        """Why the run passed or failed; timeout is the limit in seconds that it had."""
        return (
            self._death()
            or self._verdict(status)
            or self._silence(status, timeout)
            or f"QEMU ended with status {status}: {self._last_line or 'it said nothing'}"
        )

    def _death(self) -> str:
        if "Panic on CPU" in self._trouble:
            panic = " ".join(self._panic) or "no message came"
            # Why dom0 could not be built is on the line before the panic.
            cause = f" ({self._before_panic})" if panic.startswith("Could not construct") else ""
            return f"Xen panicked: {panic}{cause}"
        where = f" at {self._rip}" if self._rip else ""
        if any(words in self._trouble for words in ("crashed on cpu", "Triple", "domain_crash")):
            return f"the guest crashed: {self._unhandled or self._trouble.rstrip(':')}{where}"
        return f"Xen crashed: {self._trouble}{where}" if self.in_trouble else ""

    def _verdict(self, status: int | None) -> str:
        failed = self._failures_told()
        if not self.result:
            return f"no result came, but {failed}" if failed else ""
        if self.result != _PASSED:
            return f"the guest reported {self.result}" + (f" ({failed})" if failed else "")
        if self.passed(status):
            return "the guest reported RESULT: PASS"
        if not (but := self._doubt() or self._of_domu):
            ended = "had to be ended" if status is None else f"ended with status {status}"
            but = f"QEMU {ended} instead of {PASS_STATUS}"
        return f"the guest reported RESULT: PASS, but {but}"

    def _silence(self, status: int | None, timeout: float) -> str:
        """No result line: what else there is to go by."""
        if self._of_domu:
            return f"no result came: {self._of_domu}"
        if self._last_words:
            return f"the guest stopped without a result: {self._last_words}"
        if status is None:
            heard = "the guest hangs" if self._last_line else "the console stayed empty"
            return f"no result after {timeout:g} s: {heard}"
        if _QEMU_STOPPED.match(self._last_line):
            return f"QEMU was stopped from outside: {self._last_line}"
        if status < 0:
            return f"QEMU was killed by signal {-status}"
        if status == 0:
            return "the guest rebooted without a result"
        if status == PASS_STATUS:
            return f"QEMU ended with status {status}, but no line RESULT: PASS came"
        return ""


def _source(line: str) -> tuple[bool, str]:
    """Whether Xen says a line, and what is said."""
    by_xen, at = False, 0
    while front := _FRONT.match(line, at):
        by_xen = (by_xen or bool(front["xen"])) and not front["domain"]
        at = front.end()
    return by_xen, line[at:].strip()
