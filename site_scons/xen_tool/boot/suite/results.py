# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The results of many boots: as a table, as JSON, and as JUnit's XML.

document() returns what --json prints:

    {"schema": 1, "passed": BOOLEAN, "interrupted": BOOLEAN, "consoles": FOLDER,
     "tests": [{"name": TEXT, "image": PATH, "mode": NAME or null,
                "result": "passed" | "skipped" | "error" | "failed" | "crashed" | "flaky" |
                          "refused" | "not run",
                "seconds": NUMBER or null (the median of its runs),
                "runs": [{"result": as above, "reason": TEXT, "details": [TEXT],
                          "status": QEMU's or null, "seconds": NUMBER, "console": PATH}],
                "refusal": [TEXT] (why the loaders refuse an image that no mode suits)}]}
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ...files import write_if_changed
from ...printable import printable
from ..console.console import show
from ..result.protocols import GuestResult
from .cases import Case
from .parallel import FLAKY, NOT_RUN, REFUSED, CaseRuns, Suite

SCHEMA = 1
_NO_MODE = "-"
_CONSOLE_LINES = 200
"""The number of console lines of a run that did not pass, in JUnit's XML."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def report(suite: Suite, *, as_json: bool, junit: str | None) -> bool:
    """Run a suite, print its results, and write JUnit's XML to a file; return whether all passed.

    Raises XenToolError if the file cannot be written.
    """
    table = Table(suite.cases)
    on_terminal = sys.stderr.isatty()
    all_ran = []

    def progress() -> None:
        if on_terminal:
            print(f"\r{suite.done} runs", end="\r", file=sys.stderr, flush=True)

    if not as_json:
        print(table.head(), flush=True)
    for ran in suite.each(progress):
        all_ran.append(ran)
        if not as_json:
            show(table.row(ran))
    if as_json:
        print(json.dumps(document(all_ran, suite.folder, interrupted=suite.interrupted), indent=2))
    else:
        for line in summary(all_ran, suite.folder):
            show(line)
    if junit:
        write_if_changed(junit, xml(all_ran))
    return all(ran.passed for ran in all_ran)


class Table:
    """The lines of the table, each of which can be printed when its case has ended."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._names = max([len(_name(case)) for case in cases] + [len("name")])
        self._modes = max([len(_mode(case)) for case in cases] + [len("mode")])

    def head(self) -> str:
        """Return the line with the names of the columns."""
        return self._line("name", "mode", "result", "seconds", "")

    def row(self, ran: CaseRuns) -> str:
        """Return the line of a case."""
        seconds = "-" if ran.seconds is None else f"{ran.seconds:.2f}"
        several = f"  {ran.passes} of {len(ran.runs)} runs passed" if len(ran.runs) > 1 else ""
        return self._line(_name(ran.case), _mode(ran.case), ran.result, seconds, several)

    def _line(self, name: str, mode: str, result: str, seconds: str, more: str) -> str:
        line = f"{name:<{self._names}}  {mode:<{self._modes}}  {result:<7}  {seconds:>7}{more}"
        return line.rstrip()


def summary(all_ran: Sequence[CaseRuns], folder: Path) -> Iterator[str]:
    """Yield the lines after the table: reasons, paths of consoles, and the number of passes."""
    for ran in all_ran:
        if ran.passed or ran.result == NOT_RUN:
            continue
        yield ""
        yield f"{_name(ran.case)}, {_mode(ran.case)}: {ran.result}"
        yield from (f"  {line}" for line in ran.case.refusal)
        bad = [run for run in ran.runs if not run.outcome.passed]
        for reason, times in Counter(run.outcome.reason for run in bad).most_common():
            yield f"  {f'{times} times: ' if len(ran.runs) > 1 else ''}{reason}"
        if bad:
            yield f"  console: {bad[0].console}"
    passed = sum(ran.passed for ran in all_ran)
    missed = sum(ran.result == NOT_RUN for ran in all_ran)
    not_run = f"; {missed} did not run" if missed else ""
    yield ""
    yield f"{passed} of {len(all_ran)} passed{not_run}; the consoles are in {folder}"


def document(all_ran: Sequence[CaseRuns], folder: Path, *, interrupted: bool) -> dict[str, Any]:
    """Return the document of --json."""
    return {
        "schema": SCHEMA,
        "passed": all(ran.passed for ran in all_ran),
        "interrupted": interrupted,
        "consoles": str(folder),
        "tests": [
            {
                "name": ran.case.name,
                "image": str(ran.case.image),
                "mode": ran.case.mode.name if ran.case.mode else None,
                "result": ran.result,
                "seconds": ran.seconds and round(ran.seconds, 3),
                "runs": [
                    {
                        "result": run.outcome.result.value,
                        "reason": run.outcome.reason,
                        "details": list(run.outcome.details),
                        "status": run.outcome.status,
                        "seconds": round(run.outcome.seconds, 3),
                        "console": str(run.console),
                    }
                    for run in ran.runs
                ],
                "refusal": list(ran.case.refusal),
            }
            for ran in all_ran
        ],
    }


_ELEMENTS = {
    GuestResult.SKIPPED.value: "skipped",
    NOT_RUN: "skipped",
    GuestResult.FAILED.value: "failure",
    FLAKY: "failure",
    REFUSED: "error",
    GuestResult.ERROR.value: "error",
    GuestResult.CRASHED.value: "error",
}
"""The element of JUnit's XML for each result."""


def xml(all_ran: Sequence[CaseRuns]) -> bytes:
    """Return JUnit's XML, as Jenkins, GitLab and others read it.

    It is valid by the schema of Jenkins' xUnit plugin (junit-10.xsd).
    """
    kinds = Counter(_ELEMENTS[ran.result] for ran in all_ran if not ran.passed)
    seconds = sum(run.outcome.seconds for ran in all_ran for run in ran.runs)
    counts = {
        "tests": str(len(all_ran)),
        "failures": str(kinds["failure"]),
        "errors": str(kinds["error"]),
        "time": f"{seconds:.3f}",
    }
    top = ElementTree.Element("testsuites", counts)
    # Jenkins' schema has the attribute "skipped" only here.
    counts |= {"name": "xen-tool", "skipped": str(kinds["skipped"])}
    suite = ElementTree.SubElement(top, "testsuite", counts)
    for ran in all_ran:
        attributes = {
            "classname": _mode(ran.case),
            "name": _text(ran.case.name),
            "time": f"{ran.seconds or 0:.3f}",
        }
        case = ElementTree.SubElement(suite, "testcase", attributes)
        bad = next((run for run in ran.runs if not run.outcome.passed), None)
        if not ran.passed:
            outcome = bad.outcome if bad else None
            lines = outcome.details if outcome else ran.case.refusal
            message = outcome.reason if outcome else ran.result
            element = ElementTree.SubElement(
                case, _ELEMENTS[ran.result], {"message": _text(message), "type": ran.result}
            )
            element.text = _text("\n".join(lines))
        if bad:
            out = ElementTree.SubElement(case, "system-out")
            out.text = _text("\n".join(bad.outcome.console[-_CONSOLE_LINES:]))
    ElementTree.indent(top)
    found: bytes = ElementTree.tostring(top, encoding="utf-8", xml_declaration=True)
    return found


def _name(case: Case) -> str:
    """Return the name for a terminal."""
    return printable(case.name)


def _mode(case: Case) -> str:
    return case.mode.name if case.mode else _NO_MODE


def _text(text: str) -> str:
    """Replace the characters that XML does not allow."""
    return _NOT_XML.sub("?", text)
