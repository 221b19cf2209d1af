# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""KTAP, in which Linux's KUnit and kselftest report: tests, tests nested in them, and plans.

A document begins with a version line; `1..N` says how many tests it has, and each has a line
`ok NUMBER NAME` or `not ok NUMBER NAME`.  A test may have a document of its own, indented, which
the line of the test ends.  Linux, Documentation/dev-tools/ktap.rst; TAP 13 and 14 are read too.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_BEGIN = re.compile(r"K?TAP version [0-9]+|# Subtest: ")
"""Until Linux 6.2 the documents of KUnit's suites had no version line."""
_PLAN = re.compile(r"1\.\.([0-9]+)(?: *#.*)?")
_TEST = re.compile(
    r"(not )?ok(?: +([0-9]+))?(?: .*?)??(?:# *((?i:SKIP|TODO|XFAIL|TIMEOUT|ERROR))\b.*)?"
)
_EXCUSED = ("SKIP", "TODO", "XFAIL")
_FAILED = ("TIMEOUT", "ERROR")
"""What makes of `not ok` no failure, and of `ok` one."""
_BAIL_OUT = "Bail out!"

MAX_DOUBTS = 3
_MAX_DEPTH = 64
_LENGTH = 60


class _Document:
    """The tests of one level of indentation."""

    def __init__(self, indent: int) -> None:
        self.indent = indent
        self.planned: int | None = None
        self.tests = 0


class Line(NamedTuple):
    """What a line is."""

    failed: bool


class Ktap:
    """Takes the lines of a guest; keeps the open documents, and counts."""

    def __init__(self) -> None:
        self.begun = False
        self.passed = 0
        """Tests that have no tests nested in them."""
        self.skipped = 0
        self._open: list[_Document] = []
        self._doubts: list[str] = []

    def see(self, text: str, indent: int, *, whole: bool) -> Line | None:
        """Take the next line, indented so far; None: it is none of KTAP.

        Only a whole one can speak for a pass.
        """
        if text.startswith(_BAIL_OUT):
            return Line(failed=True)
        if test := _TEST.fullmatch(text):
            number, directive = test[2], (test[3] or "").upper()
            excused = directive in _EXCUSED
            failed = directive in _FAILED or bool(test[1] and not excused)
            if self.begun and whole and number:
                self._test(text, indent, number, excused=excused, failed=failed)
                return Line(failed)
            return Line(failed) if failed and (self.begun or number) else None
        if not whole:
            return None
        if _BEGIN.match(text) and (self.begun or not text.startswith("#")):
            self.begun = True
            self._begin(indent)
        elif self.begun and (plan := _PLAN.fullmatch(text)):
            self._plan(text, indent, int(plan[1]))
        else:
            return None
        return Line(failed=False)

    def doubts(self) -> list[str]:
        """Return what is wrong with the documents, if the last one has ended; the first few."""
        found = list(self._doubts)
        for document in self._open:
            self._check(document, found, nested=document is not self._open[0])
        return found[:MAX_DOUBTS]

    def summary(self) -> str:
        """Return what it reported, as a result."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"KTAP: {self.passed} passed{skipped}"

    def _begin(self, indent: int) -> None:
        at = self._open[-1] if self._open else None
        if at and at.indent == indent and not at.tests and at.planned is None:
            return  # "# Subtest:" behind a version line
        self._close(indent)
        self._push(indent)

    def _push(self, indent: int) -> _Document:
        if len(self._open) == _MAX_DEPTH:
            self._doubt(self._doubts, "its tests are nested too deeply")
            return self._open[-1]
        self._open.append(_Document(indent))
        return self._open[-1]

    def _close(self, indent: int) -> bool:
        """End the documents that are indented so far or more; return whether one had tests."""
        had_tests = False
        while self._open and self._open[-1].indent >= indent:
            document = self._open.pop()
            self._check(document, self._doubts, nested=bool(self._open))
            had_tests = document.tests > 0
        return had_tests

    def _document(self, indent: int) -> tuple[_Document, bool]:
        """Return that of a line, and whether one nested in it has just ended."""
        nested = self._close(indent + 1)
        if self._open and self._open[-1].indent == indent:
            return self._open[-1], nested
        return self._push(indent), nested

    def _plan(self, text: str, indent: int, number: int) -> None:
        document, _ = self._document(indent)
        if document.planned not in (None, number):
            self._doubt(self._doubts, f"the plans 1..{document.planned} and {text} differ")
        document.planned = number

    def _test(self, text: str, indent: int, number: str, *, excused: bool, failed: bool) -> None:
        document, is_parent = self._document(indent)
        document.tests += 1
        if int(number[:9]) != document.tests:
            self._doubt(
                self._doubts, f"test {document.tests} is missing: {text[:_LENGTH]} came instead"
            )
        if not (is_parent or failed):
            self.skipped += excused
            self.passed += not excused

    def _check(self, document: _Document, doubts: list[str], *, nested: bool = False) -> None:
        if document.planned is None:
            # KUnit does not plan a test's parameters; what ends those is the test's own line.
            if not nested:
                self._doubt(doubts, "no plan 1..N says how many tests there are")
        elif document.tests != document.planned:
            self._doubt(doubts, f"of the plan 1..{document.planned} {document.tests} results came")

    def _doubt(self, doubts: list[str], what: str) -> None:
        if len(doubts) < MAX_DOUBTS:
            doubts.append(what)
