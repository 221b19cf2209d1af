# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Reads the console and QEMU's status, and says how a run ended and why.

The guest's side of this contract is arch/x86/xen/shutdown.c: lines `PASS name`
and `FAIL name: why`, perhaps `CHECKS: n`, their number, a last line `RESULT:
PASS` or `RESULT: FAIL`, and QEMU's status through its isa-debug-exit device.  A
pass needs all to agree: the status alone could come from wild code that hits
the port, the line alone from a guest that crashes right after it, and fewer
lines than checks from a console that lost some.

A domU does not have the device.  Its status is the reason of its shutdown,
which the dom0 that domu.py makes reads from xl, and gives to the device.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PASS_STATUS = 33
"""QEMU's status after the guest wrote 0x10 to isa-debug-exit (2 * 0x10 + 1)."""

# The words of xen/common/domain.c, shutdown.c, xen/drivers/char/console.c and
# xen/arch/x86/{shutdown,traps}.c.  After the first kind more lines come, which
# say what it was about; after the second, the machine only waits to reboot.
_TROUBLE = re.compile(
    r"\(XEN\).*"
    r"(Panic on CPU|crashed on cpu|FATAL (?:TRAP|PAGE FAULT)|Xen BUG at|Triple fault|domain_crash)"
)
_LAST_WORDS = re.compile(
    r"\(XEN\).*(Reboot in five seconds|rebooting machine|halting machine|Manual reset required)"
)
_UNHANDLED = re.compile(r"\(XEN\) d\d+v\d+ Unhandled")
_RIP = re.compile(r"\(XEN\) RIP: +\S*\[<([0-9a-f]+)>\]")
# What a domU writes to port 0xe9 comes in a line of Xen's (xen/arch/x86/hvm/hvm.c).
_BY_XEN = re.compile(r"(?:\(XEN\) )?\(d[0-9]+\) ")
# How the dom0 of domu.py tells what became of a domU.
_DOM0 = re.compile(r"dom0: (.+)")
_QEMU_STOPPED = re.compile(r"\S*qemu\S*: terminating on signal")
_ASTERISKS = re.compile(r"\*{10,}")


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
        self.results: set[str] = set()
        self._passes = 0
        self._failed: list[str] = []
        self._checks: int | None = None
        self._of_domu = ""
        self._trouble = ""
        self._unhandled = ""
        self._rip = ""
        self._before_panic = ""
        self._panic: list[str] = []
        self._panic_open = False
        self._last_words = ""
        self._last_line = ""

    def see(self, line: str) -> None:
        """Takes the next line."""
        text = _BY_XEN.sub("", line.strip(), count=1)
        if text in ("RESULT: PASS", "RESULT: FAIL"):
            self.results.add(text)
        elif text == "FAIL" or text.startswith("FAIL "):
            self._failed.append(text)
        elif text.startswith("PASS "):
            self._passes += 1
        elif found := re.fullmatch(r"CHECKS: ([0-9]{1,9})", text, re.ASCII):
            self._checks = int(found[1])
        elif text.startswith("(XEN)"):
            self._see_xen(text, text.removeprefix("(XEN)").strip())
        elif found := _DOM0.fullmatch(text):
            self._of_domu = found[1]
        else:
            self._last_line = text or self._last_line

    def _see_xen(self, text: str, message: str) -> None:
        if self._panic_open:
            # Xen frames a panic's message by two lines of asterisks.
            if _ASTERISKS.fullmatch(message):
                self._panic_open = False
            elif message:
                self._panic.append(message)
            return
        if _TROUBLE.match(text):
            self.in_trouble = True
            self._trouble = self._trouble or message
            if "Panic on CPU" in message:
                self._panic_open = True
                self._before_panic = self._last_line
        elif _LAST_WORDS.match(text):
            self.over = True
            self._last_words = message
        elif _UNHANDLED.match(text):
            self._unhandled = message
        elif (rip := _RIP.match(text)) and not self._rip:
            self._rip = rip[1]
        if message and not _ASTERISKS.fullmatch(message):
            self._last_line = message

    def passed(self, status: int | None) -> bool:
        """True if the lines and the status agree on a pass."""
        return (
            status == PASS_STATUS
            and self.results == {"RESULT: PASS"}
            and not self._failed
            and self._checks in (None, self._passes)
            and not self.in_trouble
            and not self.over
        )

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
        failed = ", ".join(self._failed)
        if "RESULT: FAIL" in self.results:
            return "the guest reported RESULT: FAIL" + (f" ({failed})" if failed else "")
        if "RESULT: PASS" not in self.results:
            return f"no result came, but {failed}" if failed else ""
        if failed:
            return f"the guest reported RESULT: PASS, but also {failed}"
        if self.passed(status):
            return "the guest reported RESULT: PASS"
        if self._checks not in (None, self._passes):
            seen = f"its {self._checks} checks gave {self._passes} lines PASS"
            return f"the guest reported RESULT: PASS, but {seen}"
        if self._of_domu:
            return f"the guest reported RESULT: PASS, but {self._of_domu}"
        ended = "had to be ended" if status is None else f"ended with status {status}"
        return f"the guest reported RESULT: PASS, but QEMU {ended} instead of {PASS_STATUS}"

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
