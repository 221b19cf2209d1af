# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""How guests report: each protocol as a row of data, and the reader of all of them.

A protocol says what the lines of the guest mean, and how the machine must end.  Unless one is
named, all that can be told apart are listened to, and the one that gives a result counts; but what
any of them calls a failure is one.  evidence.py hands the lines in, outcome.py judges.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from ...errors import XenToolError
from ..console.terminal import Seen
from .ktap import Ktap

FEW = 3
"""How many lines of a kind are told; of more, their number."""
LENGTH = 200
"""How much of a line is told."""

_COPIES = 64
"""How many lines a copy of the console may be late."""


class Result(Enum):
    """What comes of a run, the worse the later; only the first counts as a success."""

    PASSED = "passed"
    SKIPPED = "skipped"
    ERROR = "error"
    """The test itself has a fault."""
    FAILED = "failed"
    CRASHED = "crashed"
    """No result came."""
    SHOWN = "shown"
    """Nobody asked for a verdict."""


_SEVERITY = {result: number for number, result in enumerate(Result)}


class Finish(Enum):
    """How a guest ends in good order."""

    EXIT = "by QEMU's status 33"
    POWEROFF = "by powering off"
    REBOOT = "by rebooting"


class Kind(Enum):
    """What a line means."""

    CHECK = "a check passed"
    FAILURE = "something failed"
    COUNT = "so many checks there are"
    RESULT = "the result of all"


class Protocol(NamedTuple):
    """How a guest reports."""

    name: str
    what: str
    """For people."""
    words: tuple[tuple[str, Kind], ...] = ()
    """Regular expressions, which a line begins with."""
    results: Mapping[str, Result] = {}
    """What lines of that kind say; others say that it failed."""
    ends: frozenset[Finish] | None = frozenset((Finish.EXIT,))
    """How the machine ends after a pass; None: it may run on, and is stopped."""
    ktap: bool = False
    by_end: bool = False
    """Whether it is the end that says whether it passed."""
    alone: bool = False
    """Whether what other protocols call a failure is none."""


_IN_ORDER = frozenset(Finish)

PASS_FAIL = Protocol(
    "pass-fail",
    "lines PASS NAME and FAIL NAME: WHY, their number in CHECKS: N, and a last line RESULT: PASS",
    (
        (r"FAIL\b", Kind.FAILURE),
        (r"PASS\b.", Kind.CHECK),
        (r"CHECKS:", Kind.COUNT),
        (r"RESULT:", Kind.RESULT),
    ),
    {"RESULT: PASS": Result.PASSED},
)
XTF = Protocol(
    "xtf",
    "the Xen Test Framework's last line, Test result: SUCCESS, SKIP, ERROR or FAILURE",
    ((r"Test result:", Kind.RESULT),),
    # xtf, common/report.c; its runner calls it CRASH if no such line comes.
    {
        "Test result: SUCCESS": Result.PASSED,
        "Test result: SUCCESS with warnings": Result.PASSED,
        "Test result: SKIP": Result.SKIPPED,
        "Test result: ERROR": Result.ERROR,
    },
    frozenset((Finish.EXIT, Finish.POWEROFF)),
)
KTAP = Protocol(
    "ktap",
    "KTAP, as of Linux's KUnit: plans 1..N, lines ok and not ok, nested",
    ends=_IN_ORDER,
    ktap=True,
)
POWEROFF = Protocol(
    "poweroff", "a guest that powers off passed", ends=frozenset((Finish.POWEROFF,)), by_end=True
)
NONE = Protocol("none", "no verdict: the console is shown", ends=None, alone=True)
PATTERNS = "pass-regex"
"""The name of a user's own; patterns() makes it."""

PROTOCOLS = (PASS_FAIL, XTF, KTAP, POWEROFF, NONE)
"""Those that can be named."""
_TOLD_APART = (PASS_FAIL, XTF, KTAP)


def named(name: str) -> Protocol:
    """Return the protocol of this name.

    Raises XenToolError, listing them, if there is none.
    """
    for protocol in PROTOCOLS:
        if protocol.name == name:
            return protocol
    raise XenToolError(f"there is no protocol {name}: name one of {listed()}")


def listed() -> str:
    """The names of all protocols, for a message."""
    return ", ".join(protocol.name for protocol in PROTOCOLS)


class Patterns(NamedTuple):
    """A user's own regular expressions, which are searched for in lines; None: there is none."""

    passed: re.Pattern[str] | None = None
    failed: re.Pattern[str] | None = None


NO_PATTERNS = Patterns()


class Verdict(NamedTuple):
    """What a guest reported."""

    protocol: Protocol | None
    """None: it reported nothing, as are the others then."""
    result: Result | None
    said: str
    """In its own words."""


class Reader:
    """Takes the lines of a guest one by one, and keeps little of them."""

    def __init__(self, named: Protocol | None = None, patterns: Patterns = NO_PATTERNS) -> None:
        if patterns.passed:
            named = Protocol(PATTERNS, "a line of the guest's matches", ends=None, alone=True)
        self.named = named
        self.failures = 0
        self.failed: list[str] = []
        self.after = ""
        """What was said after the result."""
        self._patterns = patterns
        self._protocols = (named,) if named and named.alone else _TOLD_APART
        self._words = [
            (protocol, re.compile(pattern), kind)
            for protocol in self._protocols
            for pattern, kind in protocol.words
        ]
        self._ktap = Ktap()
        self._passes = 0
        self._counts: list[str] = []
        self._verdict = Verdict(None, None, "")
        self._channel = ""
        self._last: deque[tuple[str, str]] = deque(maxlen=_COPIES)
        """Up to the result, and where they came."""

    def see(self, text: str, seen: Seen, indent: int = 0, channel: str = "") -> bool:
        """Take the next line, indented so far; return whether it is a word of a protocol.

        What comes on another channel, too, is a copy.
        """
        if self._patterns.failed and self._patterns.failed.search(text):
            self._fail(text)
            return True
        if self._patterns.passed:
            return self._see_pattern(text, seen)
        if not self._verdict.said:
            self._last.append((text[:LENGTH], channel))
        elif not self.after and not self._is_copy(text, channel):
            self.after = text[:LENGTH]
        for protocol, pattern, kind in self._words:
            if pattern.match(text):
                return self._take(protocol, kind, text, seen, channel)
        if KTAP in self._protocols:
            line = self._ktap.see(text, indent, whole=seen is Seen.LINE)
            if line and line.failed:
                self._fail(text)
            return bool(line)
        return False

    def _is_copy(self, text: str, channel: str) -> bool:
        return channel != self._channel and (text[:LENGTH], self._channel) in self._last

    def _see_pattern(self, text: str, seen: Seen) -> bool:
        assert self._patterns.passed
        if seen is not Seen.LINE or not self._patterns.passed.search(text):
            return False
        if not self._verdict.said:
            self._verdict = Verdict(self.named, Result.PASSED, text[:LENGTH])
        return True

    def _take(self, protocol: Protocol, kind: Kind, text: str, seen: Seen, channel: str) -> bool:
        counts = self.named in (None, protocol)
        if kind is Kind.FAILURE:
            self._fail(text)
        elif kind is Kind.RESULT:
            result = protocol.results.get(text, Result.FAILED)
            if not counts:
                if result is not Result.PASSED:
                    self._fail(text)
                return result is not Result.PASSED
            self._keep(protocol, result, text[:LENGTH], seen, channel)
        elif not counts or seen is Seen.GLIMPSE:
            return False
        elif kind is Kind.CHECK:
            self._passes += seen is Seen.LINE
        elif text not in self._counts and len(self._counts) < FEW:
            self._counts.append(text[:LENGTH])
        return True

    def _keep(
        self, protocol: Protocol, result: Result, text: str, seen: Seen, channel: str
    ) -> None:
        """Keep the worst result, of several the first."""
        if result is Result.PASSED and seen is not Seen.LINE:
            return  # it was overwritten, or is only a part of a line
        before = self._verdict.result
        if before is None or _SEVERITY[result] > _SEVERITY[before]:
            self._verdict, self._channel = Verdict(protocol, result, text), channel

    def _fail(self, text: str) -> None:
        self.failures += 1
        if len(self.failed) < FEW:
            self.failed.append(text[:LENGTH])

    def is_awaited(self, text: str) -> bool:
        """Whether a line passes, such as a prompt, behind which nothing comes."""
        return bool(text and self._patterns.passed and self._patterns.passed.search(text))

    @property
    def ended(self) -> bool:
        """Whether the result came, or what there was to look for."""
        return bool(self._verdict.said) or bool(self._patterns.passed and self.failures)

    @property
    def may_run_on(self) -> bool:
        """Whether a guest that has passed need not end."""
        return self.named is not None and self.named.ends is None

    def verdict(self) -> Verdict:
        """Return what was reported, all in all."""
        if self._verdict.said or not self._ktap.begun or self.named not in (None, KTAP):
            return self._verdict
        result = Result.PASSED if self._ktap.passed else Result.SKIPPED
        result = Result.FAILED if self.failures else result
        return Verdict(KTAP, result, self._ktap.summary())

    def doubt(self) -> str:
        """Return what the guest said that one which passed does not say."""
        verdict = self.verdict()
        if self.failures:
            return f"also {self.failures_told()}"
        if verdict.protocol is KTAP:
            return "; ".join(self._ktap.doubts())
        if self.named is None and verdict.said and self._ktap.begun:
            return f"also {self._ktap.summary()}; name the protocol by PROTOCOL="
        if len(self._counts) > 1:
            return f"its lines {' and '.join(self._counts)} differ"
        for line in self._counts:
            number = line.removeprefix("CHECKS:").strip()
            if not (number.isascii() and number.isdigit()):
                return f"{line} is no number of checks"
            if int(number) != self._passes:
                return f"its {number} checks gave {self._passes} lines PASS"
        return f"said after it: {self.after}" if self.after else ""

    def failures_told(self) -> str:
        """Return the first failures, and how many more there were."""
        more = self.failures - len(self.failed)
        return ", ".join(self.failed) + (f", and {more} more lines FAIL" if more else "")
