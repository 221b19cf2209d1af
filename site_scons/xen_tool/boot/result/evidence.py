# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Collect the evidence in the lines of the console: who crashed, and why.

It recognizes the messages of Xen, of Linux and of the dom0 that domu.py makes, and passes the
guest's lines to reader.py.  outcome.py judges by what is collected here.
"""

from __future__ import annotations

import re

from ..console.dump import Dump, DumpPlace
from ..console.row import Seen
from ..console.source import SourceLine, divided, is_of_xen
from ..modes import Place
from .letters import plain
from .reader import FEW, LENGTH, Reader

_FAIL = re.compile(r"(?=.*FAIL)(?:FAIL\b|.*\bFAIL(?: [\w./-]{1,80})?:)")
"""A failure.  A line with one is passed to reader.py even if it has the prefix of Xen."""

# Messages of xen/common/domain.c, shutdown.c, xen/drivers/char/console.c and
# xen/arch/x86/{shutdown,traps}.c.  After the first kind, lines with details follow; after the
# second, the machine only waits to reboot.
_TROUBLE = re.compile(
    r"Panic on CPU|crashed on cpu|FATAL (?:TRAP|PAGE FAULT)|Xen BUG at|Triple fault|domain_crash"
)
_LAST_WORDS = re.compile(
    r"Reboot in five seconds|rebooting machine|halting machine|Manual reset required"
    r"|unsupported soft reset, rebooting"
)
_DOMAIN = re.compile(r"(?:\bDomain |\bd)([0-9]+)(?:v[0-9]+\b| \(vcpu)")
_UNHANDLED = re.compile(r"d[0-9]+v[0-9]+ Unhandled")
_ASTERISKS = re.compile(r"\*{10,}")

_QEMU_WARNING = re.compile(r"\S*qemu-system-\S*: warning: ")
"""A warning of QEMU itself, such as that no timer is active after Xen has halted the machine."""

STARTS = "starts the domain"
"""The message of the dom0 of domu.py before it starts the domU."""
_DOM0 = re.compile(rf"dom0: ({STARTS}|the domain shut down: .+|xl .+|no module .+|\S+ failed)")
_PANIC_OF_LINUX = re.compile(r"Kernel panic - not syncing: .+")
_NO_MEMORY = re.compile(
    r"not enough (?:ram|memory)|out of memory|cannot allocate memory|deadlocked on memory"
    r"|initramfs unpacking failed|allocation is too small",
    re.I,
)


class Evidence:
    """Read the rows of the console one by one, in bounded memory."""

    def __init__(self, place: Place = Place.DOM0, reader: Reader | None = None) -> None:
        self.place = place
        self.reader = reader or Reader()
        self.over = False
        """Whether Xen has printed its last message before a halt or reboot."""
        self.in_trouble = False
        """Whether Xen or a domain crashed; lines with the reason may follow."""
        self.dump = Dump()
        self.last_line = ""
        """The last line of Xen or the guest that is no report."""

        self.trouble = ""
        """Xen's first message of a crash."""
        self.unhandled = ""
        """Xen's message of an exception or fault that a PV guest does not handle."""
        self.domain: int | None = None
        """The number of the domain that crashed; None: none, or Xen itself."""
        self.in_shim = False
        """Whether `trouble` is a message of xen-shim, the Xen inside a domU."""
        self.before_panic = ""
        """The line before a panic of Xen."""
        self.panic: list[str] = []
        """The text of the panic of Xen, at most FEW lines."""
        self._panic_open = False
        self.last_words = ""
        """Xen's last message before a halt or reboot."""

        self.started = False
        """Whether the dom0 has begun to start the domU."""
        self._cut = ""
        """The start of the guest's line in the middle of which Xen wrote."""
        self.spoke = False
        """Whether the guest, in a domU, has printed something."""
        self.domu_end = ""
        """The dom0's message on how the domU ended, or why it was not started; "" before."""
        self.panic_of_linux = ""
        """The message of a kernel panic of Linux."""
        self.no_memory = ""
        """The first line that reports a lack of memory."""

    def see(self, line: str, seen: Seen = Seen.LINE) -> None:
        """Read the next row of the console."""
        parts = list(divided(line))
        if seen is Seen.ERASED:
            self.reader.erase(parts[0].text)
            return
        if self._cut and not is_of_xen(parts[0]):
            # The guest's line goes on after a message of Xen in its middle.
            self._see(parts[0]._replace(text=self._cut + line), Seen.GLIMPSE)
            self._cut = ""
        for parsed in parts:
            self._see(parsed, seen)
        if len(parts) > 1:
            self._cut = parts[0].text[-LENGTH:]

    def _see(self, parsed: SourceLine, seen: Seen) -> None:
        text = parsed.text[:LENGTH]
        if not text or _QEMU_WARNING.match(text):
            return
        if is_of_xen(parsed) and not any(map(_FAIL.match, {parsed.text, plain(parsed.text)})):
            if seen is not Seen.GLIMPSE:
                self._see_xen(text, in_shim=parsed.source == "shim")
        elif self.place is Place.DOMU and (found := _DOM0.fullmatch(text)):
            self.started = True
            self.domu_end = "" if found[1] == STARTS else found[1]
        else:
            self.spoke = self.spoke or self.started
            is_word = self.reader.see(parsed.text, seen, parsed.indent, parsed.source)
            if not is_word and seen is not Seen.GLIMPSE:
                self._see_guest(text)
        if not self.no_memory and _NO_MEMORY.search(text):
            self.no_memory = text

    def _see_guest(self, text: str) -> None:
        self.last_line = text
        self.dump.see(text)
        if found := _PANIC_OF_LINUX.search(text):
            self.panic_of_linux = found[0]

    def _see_xen(self, message: str, *, in_shim: bool) -> None:
        if self._panic_open:
            # Xen prints a panic's message between two lines of asterisks.
            if _ASTERISKS.fullmatch(message) or len(self.panic) == FEW:
                self._panic_open = False
            else:
                self.panic.append(message)
            return
        self.dump.see(message)
        if _TROUBLE.search(message):
            if not self.trouble:
                self.trouble, self.in_shim = message, in_shim
            # Xen prints why it crashes a domain before it names the domain.
            if self.domain is None and (domain := _DOMAIN.search(message)):
                self.domain = int(domain[1])
            self.in_trouble = True
            if "Panic on CPU" in message:
                self._panic_open = True
                self.before_panic = self.last_line
        elif _LAST_WORDS.search(message):
            self.over = True
            self.last_words = message
        elif _UNHANDLED.match(message):
            self.unhandled = message
        if not _ASTERISKS.fullmatch(message):
            self.last_line = message

    def is_of_dom0(self, domain: int) -> bool:
        """Whether a domain is the dom0 that builds the guest, and not the guest."""
        return self.place is Place.DOMU and domain == 0 and not self.in_shim

    def is_of_guest(self, place: DumpPlace) -> bool:
        """Whether an instruction pointer is that of a vCPU of the guest."""
        return place.of_domain is not None and not self.is_of_dom0(place.of_domain)
