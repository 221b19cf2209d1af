# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Change the tool at one place at a time, and see whether a test of unit or build fails.

    ./sconsw test --coverage                              # which tests run which line
    .venv/bin/python tests/bench/mutants.py --count 120   # goes on with what was run before
    .venv/bin/python tests/bench/mutants.py --survivors   # runs those again that no test noticed

A mutant is a copy of the tool with another comparison, operator, constant or result, or without
a statement.  The sample takes the packages in turn, is the same for the same seed, and a larger
one extends a smaller one.  For each mutant the tests that run its line are tried, the most likely
and quickest first.  It is killed if pytest ends with status 1 (tests failed), and the test that
failed passes without the mutant; or if the tests do not end, and do so without it.  Of others,
such as a module that cannot be imported, nothing is known: they are counted apart.  RESULTS gets
a line of JSON for each mutant.

mutmut and cosmic-ray change the installed package only, and find a test by what runs in pytest's
process: most of these tests start the tool as a program, some of them in a copy of the tree.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))

from bench.mutations import TOOL, Mutant, sample  # noqa: E402

COVERAGE = TOP / "build/coverage"
RESULTS = TOP / "build/mutants.jsonl"
PACKAGES = ("head", "elf", "image", "loaders", "config", "build")
KILLED, SURVIVED, UNKNOWN = "killed", "survived", "unknown"

_QUICK = 10.0
"""Seconds of the tests that a mutant is tried with first."""
_PATIENCE = 120.0
"""Seconds more than the tests need, until one hangs."""


class Tests:
    """The tests of the last run with --coverage: what they run, and how long they take."""

    def __init__(self) -> None:
        import coverage

        self._lines = coverage.CoverageData(str(COVERAGE / "lines.db"))
        self._lines.read()
        self._seconds: dict[str, float] = json.loads((COVERAGE / "seconds.json").read_text())

    def of(self, mutant: Mutant, most: float) -> list[list[str]]:
        """Return two lists of tests that may notice a mutant: the likely and quick ones first.

        most: seconds that they take together.
        """
        by_line = self._lines.contexts_by_lineno(str(TOOL / mutant.path))
        lines = range(mutant.first, mutant.last + 1)
        running = {name for line in lines for name in by_line.get(line, ())}
        folder = f"tests/{mutant.path.partition('/')[0]}/"
        if "" in running:
            # It runs when the module is imported, and any test of the module may use it.
            running = {name for names in by_line.values() for name in names}
            running |= {name for name in self._seconds if name.startswith(folder)}
        known = [name for name in running if name in self._seconds]
        known.sort(key=lambda name: self._seconds[name] * (1 if name.startswith(folder) else 4))
        batches: list[list[str]] = [[], []]
        total = 0.0
        for name in known:
            total += self._seconds[name]
            if total < most:
                batches[total > _QUICK].append(name)
        return [batch for batch in batches if batch]

    def seconds(self, names: Sequence[str]) -> float:
        """How long they took together."""
        return sum(self._seconds.get(name, 0.0) for name in names)


class Copy:
    """A copy of the tree, to be changed."""

    def __init__(self, top: Path, tests: Tests) -> None:
        self.top = top
        self._tests = tests
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
        for name in listed.stdout.splitlines():
            if (TOP / name).is_file():
                (top / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(TOP / name, top / name)

    def outcome(self, mutant: Mutant, names: Sequence[str]) -> tuple[str, str]:
        """Return the outcome of tests with a mutant, and the test or the cause of it."""
        path = self.top / "site_scons/xen_tool" / mutant.path
        content = path.read_bytes()
        path.write_bytes(content[: mutant.start] + mutant.after.encode() + content[mutant.end :])
        try:
            status, said = self._run(names, "-x")
            if status == pytest.ExitCode.USAGE_ERROR:
                # A parameter may have the mutant in its name.
                names = list(dict.fromkeys(map(_whole, names)))
                status, said = self._run(names, "-x")
        finally:
            path.write_bytes(content)
        if status is None:
            ends = self._run(names)[0] is not None
            return KILLED if ends else UNKNOWN, f"{len(names)} tests do not end"
        if status == pytest.ExitCode.OK:
            return SURVIVED, ""
        failed = _failed(said)
        if status != pytest.ExitCode.TESTS_FAILED or not failed:
            return UNKNOWN, said.strip().rpartition("\n")[2]
        return KILLED, failed[0]

    def failing(self, names: Sequence[str]) -> list[str]:
        """Return the tests that fail without a mutant."""
        status, said = self._run(names)
        if status == pytest.ExitCode.USAGE_ERROR:
            status, said = self._run(list(dict.fromkeys(map(_whole, names))))
        known = status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        return _failed(said) if known else list(names)

    def _run(self, names: Sequence[str], *options: str) -> tuple[int | None, str]:
        """Run tests; return pytest's exit status, None if it does not end, and its output."""
        (self.top / "names").write_text("\n".join(names))
        command = [sys.executable, "-m", "pytest", "-q", "-n0", "--no-header", "--tb=no"]
        process = subprocess.Popen(
            [*command, *options, "@names"],
            cwd=self.top,
            env={
                **os.environ,
                "PYTHONPATH": str(self.top / "site_scons"),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            said = process.communicate(timeout=3 * self._tests.seconds(names) + _PATIENCE)[0]
            return process.returncode, said
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None, ""


def _failed(said: str) -> list[str]:
    """Return the tests that pytest lists as failed."""
    lines = (line for line in said.splitlines() if line.startswith(("FAILED ", "ERROR ")))
    return [line.partition(" ")[2].partition(" - ")[0] for line in lines]


def _whole(name: str) -> str:
    """Return the name of a test with all its parameters."""
    return name.partition("[")[0]


def _summary(records: Sequence[dict[str, Any]]) -> Iterator[str]:
    by_package: dict[str, Counter[str]] = {}
    for record in records:
        by_package.setdefault(record["path"].partition("/")[0], Counter())[record["outcome"]] += 1
    total = sum(by_package.values(), Counter[str]())
    for name, counts in [*by_package.items(), ("all", total)]:
        known = counts[KILLED] + counts[SURVIVED]
        share = f"{100 * counts[KILLED] / known:.1f} %" if known else "none"
        yield f"{name:8} {share:>8} killed of {known}, unknown: {counts[UNKNOWN]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=120, help="of mutants, by default 120")
    parser.add_argument("--seed", type=int, default=1, help="of the sample, by default 1")
    parser.add_argument("--packages", nargs="+", default=PACKAGES, help="by default those named")
    parser.add_argument(
        "--seconds", type=float, default=80.0, help="of tests for each mutant, by default 80"
    )
    parser.add_argument("--survivors", action="store_true", help="run these again")
    parser.add_argument("--tests", nargs="+", help="run these tests only")
    options = parser.parse_args()
    wanted = list(sample(options.packages, options.seed))[: options.count]
    results: dict[str, dict[str, Any]] = {}
    if RESULTS.exists():
        results = {each["key"]: each for each in map(json.loads, RESULTS.read_text().splitlines())}
    tests = Tests()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Copy(Path(folder), tests)
        for mutant in wanted:
            known = results.get(mutant.key, {}).get("outcome")
            if known is not None and not (options.survivors and known == SURVIVED):
                continue
            start = time.monotonic()
            outcome, by = SURVIVED, ""
            for names in [options.tests] if options.tests else tests.of(mutant, options.seconds):
                outcome, by = copy.outcome(mutant, names)
                if outcome != SURVIVED:
                    break
            record = {"key": mutant.key, "path": mutant.path, "outcome": outcome, "by": by}
            results[mutant.key] = record
            with RESULTS.open("a") as file:
                file.write(json.dumps(record) + "\n")
            seconds = round(time.monotonic() - start)
            print(f"{outcome} ({seconds} s) {mutant.diff()}\n    {by}", flush=True)
        killed = {key: each for key, each in results.items() if "::" in each["by"]}
        due = {each["by"] for each in killed.values() if not each.get("passes")}
        wrong = set(copy.failing(sorted(due))) if due else set()
    for key, record in killed.items():
        if record["by"] in wrong:
            print(f"fails without a mutant: {record['by']}; not counted: {key}")
            results[key] |= {"outcome": UNKNOWN}
        else:
            results[key] |= {"passes": True}
    RESULTS.write_text("".join(json.dumps(record) + "\n" for record in results.values()))
    records = [results[mutant.key] for mutant in wanted]
    print("", *_summary(records), sep="\n")
    for mutant in wanted:
        if results[mutant.key]["outcome"] == SURVIVED:
            print(f"survived: {mutant.diff()}")


if __name__ == "__main__":
    main()
