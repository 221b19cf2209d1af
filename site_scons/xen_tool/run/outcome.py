# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Reads the console and QEMU's status, and says how a run ended and why.

The guest's side of this contract is arch/x86/xen/shutdown.c: lines `PASS name`
and `FAIL name`, a last line `RESULT: PASS` or `RESULT: FAIL`, and QEMU's status
through its isa-debug-exit device.  A pass needs all three to agree: the status
alone could come from wild code that hits the port, the line alone from a guest
that crashes right after it.
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
    r"\(XEN\).*(Panic on CPU|crashed on cpu|FATAL (?:TRAP|PAGE FAULT)|Xen BUG at)"
)
_LAST_WORDS = re.compile(
    r"\(XEN\).*(Reboot in five seconds|rebooting machine|halting machine|Manual reset required)"
)
_UNHANDLED = re.compile(r"\(XEN\) d\d+v\d+ Unhandled")
_RIP = re.compile(r"\(XEN\) RIP: +\S*\[<([0-9a-f]+)>\]")
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
        self._failed: list[str] = []
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
        text = line.strip()
        if text in ("RESULT: PASS", "RESULT: FAIL"):
            self.results.add(text)
        elif text == "FAIL" or text.startswith("FAIL "):
            self._failed.append(text)
        elif text.startswith("(XEN)"):
            self._see_xen(text, text.removeprefix("(XEN)").strip())
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
        if "crashed on cpu" in self._trouble:
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
        ended = "had to be ended" if status is None else f"ended with status {status}"
        return f"the guest reported RESULT: PASS, but QEMU {ended} instead of {PASS_STATUS}"

    def _silence(self, status: int | None, timeout: float) -> str:
        """No result line: what else there is to go by."""
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
