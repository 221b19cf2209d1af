# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What the lines of the console say of a run: who says what, and who died of what.

What a guest reports is for protocols.py to read.  Xen has its own words, and so has the dom0 that
domu.py makes.  outcome.py judges by what is kept here.
"""

from __future__ import annotations

import re

from ..console.dump import Dump, Where
from ..console.source import is_of_xen, read
from ..console.terminal import Seen
from ..modes import Place
from .protocols import FEW, LENGTH, Reader

_FAIL = re.compile(r"FAIL\b")
"""Of whoever says it."""

# The words of xen/common/domain.c, shutdown.c, xen/drivers/char/console.c and
# xen/arch/x86/{shutdown,traps}.c.  After the first kind more lines come, which
# say what it was about; after the second, the machine only waits to reboot.
_TROUBLE = re.compile(
    r"Panic on CPU|crashed on cpu|FATAL (?:TRAP|PAGE FAULT)|Xen BUG at|Triple fault|domain_crash"
)
_LAST_WORDS = re.compile(
    r"Reboot in five seconds|rebooting machine|halting machine|Manual reset required"
)
_DOMAIN = re.compile(r"(?:\bDomain |\bd)([0-9]+)(?:v[0-9]+\b| \(vcpu)")
_UNHANDLED = re.compile(r"d[0-9]+v[0-9]+ Unhandled")
_ASTERISKS = re.compile(r"\*{10,}")

_OF_QEMU = re.compile(r"\S*qemu-system-\S*: warning: ")
"""As that nothing will ever happen, of a machine that Xen has halted."""

STARTS = "starts the domain"
"""What the dom0 of domu.py says before it does."""
_DOM0 = re.compile(rf"dom0: ({STARTS}|the domain shut down: .+|xl .+|no module .+|\S+ failed)")
_PANIC_OF_LINUX = re.compile(r"Kernel panic - not syncing: .+")
_NO_MEMORY = re.compile(
    r"not enough (?:ram|memory)|out of memory|cannot allocate memory|deadlocked on memory"
    r"|initramfs unpacking failed|allocation is too small",
    re.I,
)


class Evidence:
    """Takes rows of the console one by one, and keeps little of them."""

    def __init__(self, place: Place = Place.DOM0, reader: Reader | None = None) -> None:
        self.place = place
        self.reader = reader or Reader()
        self.over = False
        """Nothing more will come but a reboot."""
        self.in_trouble = False
        """Xen or a domain died; the lines that say why may still be coming."""
        self.dump = Dump()
        self.last_line = ""

        self.trouble = ""
        self.unhandled = ""
        self.domain: int | None = None
        """Whose trouble it is; None: Xen's own."""
        self.in_shim = False
        """Whether it is the Xen that a domU is which says so."""
        self.before_panic = ""
        self.panic: list[str] = []
        self._panic_open = False
        self.last_words = ""

        self.started = False
        """Whether the dom0 has come to start the domU."""
        self.of_domu = ""
        """What it says of the domU's end."""
        self.panic_of_linux = ""
        self.no_memory = ""

    def see(self, line: str, seen: Seen = Seen.LINE) -> None:
        """Take the next row of the console."""
        said = read(line)
        text = said.text[:LENGTH]
        if not text or _OF_QEMU.match(text):
            return
        if is_of_xen(said) and not _FAIL.match(text):
            if seen is not Seen.GLIMPSE:
                self._see_xen(text, in_shim=said.source == "shim")
        elif self.place is Place.DOMU and (found := _DOM0.fullmatch(text)):
            self.started = True
            self.of_domu = "" if found[1] == STARTS else found[1]
        else:
            is_word = self.reader.see(said.text, seen, said.indent, said.source)
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
            # Xen frames a panic's message by two lines of asterisks.
            if _ASTERISKS.fullmatch(message) or len(self.panic) == FEW:
                self._panic_open = False
            else:
                self.panic.append(message)
            return
        self.dump.see(message)
        if _TROUBLE.search(message):
            if not self.trouble:
                self.trouble, self.in_shim = message, in_shim
            # Why Xen crashes a domain is said before whose crash it is.
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
        """Return whether a domain is the dom0 that builds the guest, and not the guest."""
        return self.place is Place.DOMU and domain == 0 and not self.in_shim

    def is_of_guest(self, place: Where) -> bool:
        """Return whether it is a virtual CPU of the guest."""
        return place.of_domain is not None and not self.is_of_dom0(place.of_domain)
