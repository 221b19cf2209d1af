# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The claims after a round: the image is that of a clean build, and nothing is left to do.

With the stand-ins oracle.py computes the right image, and verify() compares it with a
real clean build; with real gcc and ld every image is compared with one of a clean build.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from project import Run

from . import oracle
from .oracle import Failed
from .runs import did_nothing
from .tree import IMAGE, OUTPUT_FOLDERS, Tree
from .ways import Round

SORTS = ("stale", "failed", "busy", "crash")
"""Sorts of faults.

stale: the image is not that of a clean build, or the run succeeds where a clean build fails;
failed: the run fails, and a clean build succeeds; busy: the next run still does something; crash:
a traceback, a signal or no end.
"""


class Wrong(Exception):  # noqa: N818 - of the tool
    """A round ended wrong; sort is one of SORTS."""

    def __init__(self, sort: str, why: str) -> None:
        super().__init__(f"{sort}: {why}")
        self.sort = sort


class Check:
    """Checks one tree.

    folder: for clean builds, of a copy of the tree; say: logs the command of each run.
    """

    def __init__(self, tree: Tree, folder: Path, say: Callable[[str], None]) -> None:
        self._tree = tree
        self._folder = folder
        self._say = say

    def failure(self) -> Failed | None:
        """Return why the tree cannot be built; None if it can."""
        try:
            oracle.image(self._tree)
        except Failed as failed:
            return failed
        return None

    def expected(self, round_: Round) -> bytes | None:
        """Return the right image; None if the tree cannot be built."""
        if self._tree.real:
            return self._clean_build(round_)
        try:
            return oracle.image(self._tree)
        except Failed:
            return None

    def _clean_build(self, round_: Round) -> bytes | None:
        shutil.rmtree(self._folder, ignore_errors=True)
        ignore = shutil.ignore_patterns(*OUTPUT_FOLDERS, ".sconsign*")
        shutil.copytree(self._tree.top, self._folder, ignore=ignore)
        run = round_.commands[0].run(self._folder, round_.arguments())
        return (self._folder / IMAGE).read_bytes() if run.status == 0 else None

    def verify(self, round_: Round) -> None:
        """Compare the expectation with a real clean build."""
        clean, failure = self._clean_build(round_), self.failure()
        assert (clean is None) == (failure is not None), f"the oracle is wrong: {failure}"
        if clean is not None and not self._tree.real:
            expected = self.expected(round_)
            assert clean == expected, f"the oracle is wrong: {_difference(clean, expected or b'')}"

    def check(self, round_: Round, *, up_to_date: bool) -> bool:
        """Build and compare; return whether there is a right image.

        up_to_date says that the second run must do nothing.  Without, after a kill or an edit
        during a run, steps may be repeated once.  Raises Wrong.
        """
        expected = self.expected(round_)
        run = self._run(round_)
        if expected is None:
            if run.status == 0:
                raise Wrong("stale", "the run succeeds, but the tree cannot be built")
            return False
        self._compare(run, expected)
        again = self._run(round_)
        if not up_to_date and not did_nothing(again):
            self._compare(again, expected)
            again = self._run(round_)
        self._compare(again, expected)
        if not did_nothing(again):
            raise Wrong("busy", f"the run after the build does something:\n{_output(again)}")
        return True

    def start_anew(self, round_: Round) -> None:
        """Remove all outputs, and build, which must succeed."""
        self._tree.forget_outputs()
        expected = self.expected(round_)
        run = self._run(round_)
        assert (run.status != 0) == (expected is None), _output(run)
        if expected is not None:
            got = (self._tree.top / IMAGE).read_bytes()
            assert got == expected, f"a clean build differs: {_difference(got, expected)}"

    def _run(self, round_: Round) -> Run:
        command = round_.command()
        self._say(command.name)
        return command.run(self._tree.top, round_.arguments())

    def _compare(self, run: Run, expected: bytes) -> None:
        if run.status != 0:
            raise Wrong("failed", f"status {run.status}:\n{_output(run)}")
        image = self._tree.top / IMAGE
        got = image.read_bytes() if image.is_file() else b"there is no image"
        if got != expected:
            raise Wrong("stale", f"{_difference(got, expected)}\n{_output(run)}")


def _output(run: Run) -> str:
    return "\n".join(filter(None, [run.out.rstrip()[-3000:], run.err.rstrip()[-3000:]]))


def _difference(got: bytes, expected: bytes) -> str:
    """Return the first line in which the texts of two images differ."""
    ours, theirs = got.split(b"\n"), expected.split(b"\n")
    pairs = zip([*ours, b""], [*theirs, b""], strict=False)
    at = next((n for n, (a, b) in enumerate(pairs) if a != b), 0)
    shown = [lines[at][:200] if at < len(lines) else b"" for lines in (ours, theirs)]
    return f"line {at + 1} of the image is {shown[0]!r}, and must be {shown[1]!r}"
