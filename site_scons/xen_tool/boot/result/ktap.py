# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read KTAP, the test protocol of Linux's KUnit and kselftest.

A document begins with a version line.  Its plan `1..N` gives the number of tests, and each test
has a line `ok NUMBER NAME` or `not ok NUMBER NAME`.  A test may contain an indented document,
which ends at the line of the test (Linux, Documentation/dev-tools/ktap.rst).  TAP 13 and 14 are
accepted too.
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
"""Directives with which `not ok` is no failure."""
_FAILED = ("TIMEOUT", "ERROR")
"""Directives with which `ok` is a failure."""
_FAILURE = re.compile(r"(?i:Bail out!)|# .*\bfail:0*[1-9]")
"""A failure besides lines `not ok`: the end of all tests, and totals of KUnit and kselftest."""

MAX_PROBLEMS = 3
_MAX_DEPTH = 64
_LENGTH = 60


class _Document:
    """The tests of one level of indentation."""

    def __init__(self, indent: int) -> None:
        self.indent = indent
        self.planned: int | None = None
        self.tests = 0


class KtapLine(NamedTuple):
    """What a line of KTAP says."""

    failed: bool
    """Whether something failed."""


class Ktap:
    """Read lines by see(); keep the open documents and counts of tests."""

    def __init__(self) -> None:
        self.begun = False
        """Whether the first line of a document was read."""
        self.passed = 0
        """The number of tests that passed and contain no other tests."""
        self.skipped = 0
        """The number of tests that were skipped or excused and contain no other tests."""
        self._open: list[_Document] = []
        self._problems: list[str] = []

    def see(self, text: str, indent: int, *, whole: bool) -> KtapLine | None:
        """Read the next line, with its indentation; return None if it is not a line of KTAP.

        Only a complete line counts for a pass; a failure counts in an incomplete line too.
        """
        if _FAILURE.match(text):
            return KtapLine(failed=True)
        if test := _TEST.fullmatch(text):
            number, directive = test[2], (test[3] or "").upper()
            excused = directive in _EXCUSED
            failed = directive in _FAILED or bool(test[1] and not excused)
            if self.begun and whole and number:
                self._test(text, indent, number, excused=excused, failed=failed)
                return KtapLine(failed)
            return KtapLine(failed) if failed and (self.begun or number) else None
        if not whole:
            return None
        if _BEGIN.match(text) and (self.begun or not text.startswith("#")):
            self.begun = True
            self._begin(indent)
        elif self.begun and (plan := _PLAN.fullmatch(text)):
            self._plan(text, indent, int(plan[1]))
        else:
            return None
        return KtapLine(failed=False)

    def problems(self) -> list[str]:
        """Return the first problems of the documents, as if the open ones ended here."""
        found = list(self._problems)
        for document in self._open:
            self._check(document, found, nested=document is not self._open[0])
        if len(self._open) > 1:
            self._add_problem(found, "the last tests are in a test that has no line")
        return found[:MAX_PROBLEMS]

    def summary(self) -> str:
        """Return the numbers of tests in one line."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"KTAP: {self.passed} passed{skipped}"

    def _begin(self, indent: int) -> None:
        at = self._open[-1] if self._open else None
        if at and at.indent == indent and not at.tests and at.planned is None:
            return  # a "# Subtest:" after the version line
        self._close(indent)
        self._push(indent)

    def _push(self, indent: int) -> _Document:
        """Open a document and return it; at the limit of the depth, return the last open one."""
        if len(self._open) == _MAX_DEPTH:
            self._add_problem(self._problems, "its tests are nested too deeply")
            return self._open[-1]
        self._open.append(_Document(indent))
        return self._open[-1]

    def _close(self, indent: int) -> bool:
        """End the documents with at least this indentation; return whether the last had tests."""
        had_tests = False
        while self._open and self._open[-1].indent >= indent:
            document = self._open.pop()
            self._check(document, self._problems, nested=bool(self._open))
            had_tests = document.tests > 0
        return had_tests

    def _document(self, indent: int) -> tuple[_Document, bool]:
        """Return the document of a line, and whether a nested one with tests has just ended."""
        nested = self._close(indent + 1)
        if self._open and self._open[-1].indent == indent:
            return self._open[-1], nested
        return self._push(indent), nested

    def _plan(self, text: str, indent: int, number: int) -> None:
        document, _ = self._document(indent)
        if document.planned not in (None, number):
            self._add_problem(self._problems, f"the plans 1..{document.planned} and {text} differ")
        document.planned = number

    def _test(self, text: str, indent: int, number: str, *, excused: bool, failed: bool) -> None:
        document, is_parent = self._document(indent)
        document.tests += 1
        if int(number[:9]) != document.tests:
            self._add_problem(
                self._problems, f"test {document.tests} is missing: {text[:_LENGTH]} came instead"
            )
        if not (is_parent or failed):
            self.skipped += excused
            self.passed += not excused

    def _check(self, document: _Document, problems: list[str], *, nested: bool = False) -> None:
        """Add to problems what is wrong with a document that ends here."""
        if document.planned is None:
            # KUnit prints no plan for a test's parameters; the line of the test ends them.
            if not nested:
                self._add_problem(problems, "no plan 1..N says how many tests there are")
        elif document.tests != document.planned:
            self._add_problem(
                problems, f"of the plan 1..{document.planned} {document.tests} results came"
            )

    def _add_problem(self, problems: list[str], what: str) -> None:
        if len(problems) < MAX_PROBLEMS:
            problems.append(what)
