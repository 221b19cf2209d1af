# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Collect the addresses that a console prints: instruction pointers and words of stacks.

Xen prints registers and a stack when a domain or Xen itself crashes, and those of every CPU on
its key `d`.  A guest may print lines such as `rip ffffffff81000000` and, below a line
`Call trace:`, return addresses.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_OF = re.compile(r"\*\*\* Dumping CPU\d+ (?:guest state \((d\d+v\d+)\)|host state)")
_RIP = re.compile(
    r"\b[re]ip\b[:=]? *(?:[0-9a-f]{4}:)?(?:\[<)?(?:0x)?([0-9a-f]{8,16})\b(?:>\] *(\S+))?", re.I
)
_STACK = re.compile(r"stack trace|call trace|backtrace", re.I)
_WORDS = re.compile(r"(?:(?:\[<)?(?:0x)?[0-9a-f]{8,16}(?:>\])? *)+", re.I)
_WORD = re.compile(r"(?:0x)?([0-9a-f]{8,16})", re.I)
_MOST = 64
"""Most instruction pointers, and most words of a stack, that are kept."""

XEN = "Xen"


class DumpPlace(NamedTuple):
    """The instruction pointer of a CPU, and whose it is."""

    who: str
    """A vCPU such as d1v0, XEN, a CPU of the machine such as "CPU 0", or "" if none is named."""
    address: int
    name: str = ""
    """The symbol that Xen prints for an address in its own code."""

    @property
    def of_domain(self) -> int | None:
        """The number of the domain whose vCPU `who` is; None if it is no vCPU."""
        found = re.fullmatch(r"d([0-9]+)v[0-9]+", self.who)
        return int(found[1]) if found else None

    @property
    def idle(self) -> bool:
        """Whether the address is in Xen's idle loop."""
        return "idle" in self.name


class Dump:
    """Accept lines by see(); keep the last stack and the last instruction pointers."""

    def __init__(self) -> None:
        self.places: list[DumpPlace] = []
        self.stack: list[int] = []
        self._who = ""
        """DumpPlace.who for the next instruction pointer."""
        self._open = False
        """Whether words of a stack may follow."""

    def see(self, text: str) -> None:
        """Read the next line."""
        if self._open and _WORDS.fullmatch(text):
            self.stack += [int(word, 16) for word in _WORD.findall(text)]
            del self.stack[_MOST:]
            return
        self._open = False
        if found := _OF.search(text):
            self._who = found[1] or XEN
        elif found := _RIP.search(text):
            del self.places[: -_MOST + 1]
            self.places.append(DumpPlace(self._who, int(found[1], 16), found[2] or ""))
            self._who = ""
            self.stack = []
        elif _STACK.search(text):
            self.stack = []
            self._open = True
