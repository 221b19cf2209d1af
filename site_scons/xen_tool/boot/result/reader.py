# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read the lines of a guest by all protocols, and keep the result.

The lines are read by all protocols that can be detected.  If the user names a protocol, only its
result counts; but a failure by any of them is a failure.  A protocol that is `alone` is the only
one that is read.  evidence.py passes the lines, and outcome.py judges.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from ..console.row import Seen
from ..console.source import read
from .ktap import Ktap
from .letters import plain
from .protocols import (
    DETECTED,
    KTAP,
    NO_PATTERNS,
    PATTERNS,
    GuestResult,
    Kind,
    Patterns,
    Protocol,
)

FEW = 3
"""Most lines of a kind that are quoted; of more lines the number is given."""
LENGTH = 200
"""Most characters of a line that are kept."""

_COPIES = 64
"""Most lines by which a line's copy on another channel may come later."""

_SEVERITY = {result: number for number, result in enumerate(GuestResult)}


class GuestVerdict(NamedTuple):
    """The result that a guest reported."""

    protocol: Protocol | None
    """The protocol of the result; None if no result was reported."""
    result: GuestResult | None
    text: str
    """The guest's line, or a summary; "" if no result was reported."""


class Reader:
    """Read the lines of a guest one by one, in bounded memory."""

    def __init__(self, named: Protocol | None = None, patterns: Patterns = NO_PATTERNS) -> None:
        if patterns.passed:
            named = Protocol(PATTERNS, "a line of the guest's matches", ends=None, alone=True)
        self.named = named
        self.failures = 0
        """The number of lines that report a failure."""
        self.failed: list[str] = []
        """The first FEW of these lines."""
        self.after = ""
        """The first line after the result, if there is one."""
        self.erased = False
        """Whether the line of the result was erased."""
        self._patterns = patterns
        self._protocols = (named,) if named and named.alone else DETECTED
        self._words = [
            (protocol, re.compile(pattern), kind)
            for protocol in self._protocols
            for pattern, kind in protocol.words
        ]
        self._ktap = Ktap()
        self._passes = 0
        self._count_lines: list[str] = []
        """The lines of Kind.COUNT that differ, at most FEW."""
        self._verdict = GuestVerdict(None, None, "")
        self._channel = ""
        """The channel of the result."""
        self._last: deque[tuple[str, str]] = deque(maxlen=_COPIES)
        """The last lines up to the result, each with its channel."""

    def see(self, text: str, seen: Seen, indent: int = 0, channel: str = "") -> bool:
        """Read the next line, with its indentation; return whether it belongs to a protocol.

        channel: the source that the line names.  A line that comes again on another channel, as
        when a guest writes to two consoles, is a copy and does not count as text after the result.
        """
        if self._patterns.failed and self._patterns.failed.search(text):
            self._fail(text)
            return True
        if self._patterns.passed:
            return self._see_pattern(text, seen)
        if not self._verdict.text:
            self._last.append((text[:LENGTH], channel))
        elif not self.after and not self._is_copy(text, channel):
            self.after = text[:LENGTH]
        looks = plain(text)
        for protocol, pattern, kind in self._words:
            may_look = looks is not text and kind is Kind.FAILURE
            if pattern.match(text) or (may_look and pattern.match(looks)):
                return self._take(protocol, kind, text, seen, channel)
        if KTAP in self._protocols:
            line = self._ktap.see(text, indent, whole=seen is Seen.LINE)
            if not line and looks is not text:
                line = self._ktap.see(looks, indent, whole=False)
            # Totals, which begin with #, repeat failures that were counted.
            if line and line.failed and not (self.failures and text.startswith("#")):
                self._fail(text)
            return bool(line)
        return False

    def erase(self, text: str) -> None:
        """Take note that a line was erased: if it is the result, the pass did not stay."""
        self.erased = self.erased or (bool(text) and text[:LENGTH] == self._verdict.text)

    def _is_copy(self, text: str, channel: str) -> bool:
        return channel != self._channel and (text[:LENGTH], self._channel) in self._last

    def _see_pattern(self, text: str, seen: Seen) -> bool:
        assert self._patterns.passed
        if seen is not Seen.LINE or not self._patterns.passed.search(text):
            return False
        if not self._verdict.text:
            self._verdict = GuestVerdict(self.named, GuestResult.PASSED, text[:LENGTH])
        return True

    def _take(self, protocol: Protocol, kind: Kind, text: str, seen: Seen, channel: str) -> bool:
        # Of other protocols than the named one, only failures count.
        counts_fully = self.named in (None, protocol)
        if kind is Kind.FAILURE:
            self._fail(text)
        elif kind is Kind.RESULT:
            result = protocol.results.get(text, GuestResult.FAILED)
            if not counts_fully:
                if result is not GuestResult.PASSED:
                    self._fail(text)
                return result is not GuestResult.PASSED
            self._keep(protocol, result, text[:LENGTH], seen, channel)
        elif not counts_fully or seen is Seen.GLIMPSE:
            return False
        elif kind is Kind.CHECK:
            self._passes += seen is Seen.LINE
        elif text not in self._count_lines and len(self._count_lines) < FEW:
            self._count_lines.append(text[:LENGTH])
        return True

    def _keep(
        self, protocol: Protocol, result: GuestResult, text: str, seen: Seen, channel: str
    ) -> None:
        """Keep the worst result; of equal ones, the first."""
        if result is GuestResult.PASSED and seen is not Seen.LINE:
            return  # it was overwritten, or is only a part of a line
        before = self._verdict.result
        if before is None or _SEVERITY[result] > _SEVERITY[before]:
            self._verdict, self._channel = GuestVerdict(protocol, result, text), channel

    def _fail(self, text: str) -> None:
        self.failures += 1
        if len(self.failed) < FEW:
            self.failed.append(text[:LENGTH])

    def is_awaited(self, row: Callable[[], str]) -> bool:
        """Whether PASS_REGEX= matches the text of an incomplete row, such as a prompt."""
        pattern = self._patterns.passed
        return bool(pattern and (text := read(row()).text) and pattern.search(text))

    @property
    def ended(self) -> bool:
        """Whether the result was reported, or, with PASS_REGEX=, a failure."""
        return bool(self._verdict.text) or bool(self._patterns.passed and self.failures)

    @property
    def may_run_on(self) -> bool:
        """Whether the machine need not end after a pass."""
        return self.named is not None and self.named.ends is None

    def verdict(self) -> GuestVerdict:
        """Return the result reported so far; if there is none, that of the tests of KTAP so far."""
        if self._verdict.text or not self._ktap.begun or self.named not in (None, KTAP):
            return self._verdict
        result = GuestResult.PASSED if self._ktap.passed else GuestResult.SKIPPED
        result = GuestResult.FAILED if self.failures else result
        return GuestVerdict(KTAP, result, self._ktap.summary())

    def objection(self) -> str:
        """Return what the guest printed that contradicts a pass; "" if nothing does."""
        verdict = self.verdict()
        if self.failures:
            return f"also {self.failure_text()}"
        if verdict.protocol is KTAP:
            return "; ".join(self._ktap.problems())
        if self.named is None and verdict.text and self._ktap.begun:
            return f"also {self._ktap.summary()}; name the protocol by PROTOCOL="
        if len(self._count_lines) > 1:
            return f"its lines {' and '.join(self._count_lines)} differ"
        for line in self._count_lines:
            number = line.removeprefix("CHECKS:").strip()
            if not (number.isascii() and number.isdigit()):
                return f"{line} is no number of checks"
            if int(number) != self._passes:
                return f"its {number} checks gave {self._passes} lines PASS"
        if self.erased and not (verdict.protocol and verdict.protocol.ends is None):
            return "erased the line"
        return f"said after it: {self.after}" if self.after else ""

    def failure_text(self) -> str:
        """Return the first failures, and the number of the others."""
        more = self.failures - len(self.failed)
        return ", ".join(self.failed) + (f", and {more} more lines FAIL" if more else "")
