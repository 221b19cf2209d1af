# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Change the tool at one place at a time, and see whether a test of unit or build fails.

    ./sconsw test --coverage                              # which tests run which line
    .venv/bin/python tests/bench/mutants.py --count 120   # goes on with what was run before
    .venv/bin/python tests/bench/mutants.py --survivors --seconds 300   # these again, longer

A mutant is a copy of the tool with another comparison, operator, condition, constant or result, or
without a statement.  The sample takes the packages in turn, is the same for the same seed, and a
larger one extends a smaller one.  For each mutant the tests that run its line are tried, the most
likely and quickest first, then others of the same files and of the package.  It is killed if a
test fails, fails again when run alone, and passes without the mutant; a test that hangs fails, and
so does one that takes all memory.  Other failures, as of tests that are not always the same, count
for nothing.  If there is no test left because none can be imported, nothing is known: these
mutants are counted apart.  RESULTS gets a line of JSON for each mutant.

mutmut and cosmic-ray change the installed package only, and find a test by what runs in pytest's
process: most of these tests start the tool as a program, some of them in a copy of the tree.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests"), str(TOP / "site_scons")]

import provision  # noqa: E402
from bench.mutations import TOOL, Mutant, all_of, sample  # noqa: E402

COVERAGE = TOP / "build/coverage"
RESULTS = TOP / "build/mutants.jsonl"
PACKAGES = ("head", "elf", "image", "loaders", "config", "build")
KILLED, SURVIVED, UNKNOWN = "killed", "survived", "unknown"

_QUICK = 10.0
"""The most seconds that the first list of tests for a mutant may take together."""
_PATIENCE = 120.0
"""Seconds more than a test needs, after which it counts as one that hangs."""
_MEMORY = 6 << 30
"""The limit of memory of a process in bytes, as a mutant may allocate without end."""
_ENVIRONMENT = {
    "PYTHONDONTWRITEBYTECODE": "1",
    # The same tests each time, and few random images: one of them starts the work of all.
    "XEN_TOOL_NEW_SEED": "1",
    "XEN_TOOL_IMAGES": "2000",
}


class Tests:
    """The tests of the last run with --coverage: what they run, and how long they take."""

    def __init__(self) -> None:
        import coverage

        self._lines = coverage.CoverageData(str(COVERAGE / "lines.db"))
        self._lines.read()
        self._seconds: dict[str, float] = json.loads((COVERAGE / "seconds.json").read_text())

    def of(self, mutant: Mutant, most: float) -> list[list[str]]:
        """Return two lists of tests that may notice a mutant, the quick and likely ones first.

        most: the most seconds that all of them may take together.
        """
        by_line = self._lines.contexts_by_lineno(str(TOOL / mutant.path))
        folder = f"tests/{mutant.path.partition('/')[0]}/"
        beside = {name for name in self._seconds if name.startswith(folder)}
        # Any test of the module may use what runs when it is imported.
        lines = by_line if mutant.imported else range(mutant.first, mutant.last + 1)
        running = {name for line in lines for name in by_line.get(line, ()) if name}
        running |= beside if mutant.imported else set()
        files = {_file(name) for name in running}

        def cost(name: str) -> float:
            return self._seconds[name] * (1 if name.startswith(folder) else 4)

        likely = sorted(running & self._seconds.keys(), key=cost)
        # A fixture or a cache may have run the line for all tests of a file.
        near = beside | {name for name in self._seconds if _file(name) in files}
        batches: list[list[str]] = [[], []]
        total = 0.0
        for name in (*likely, *sorted(near - running, key=cost)):
            total += self._seconds[name]
            if total < most:
                batches[total > _QUICK].append(name)
        return [batch for batch in batches if batch]

    def seconds(self, names: Sequence[str]) -> list[float]:
        """Return how long each test took; a name may be a file's, or without parameters."""
        known = set(names)
        return [s for n, s in self._seconds.items() if {n, _whole(n), _file(n)} & known]


class Copy:
    """A copy of the tree, to be changed."""

    def __init__(self, folder: Path, tests: Tests) -> None:
        self.top = folder / "tree"
        self._folder = folder
        self._tests = tests
        self._passing: set[str] = set()
        self._failing: set[str] = set()
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
        for name in listed.stdout.splitlines():
            if (TOP / name).is_file():
                (self.top / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(TOP / name, self.top / name)
        # By the sources' hashes: a mutant may have the size and the time of what it replaces.
        mode = PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(self.top / "site_scons", quiet=1, invalidation_mode=mode)

    def outcome(self, mutant: Mutant, batches: Sequence[Sequence[str]]) -> tuple[str, str]:
        """Return the outcome of a mutant, and the test or the cause of it."""
        outcomes = dict(self._outcome(mutant, names) for names in batches[:1])
        if KILLED not in outcomes:
            outcomes |= dict(self._outcome(mutant, names) for names in batches[1:])
        for outcome in (KILLED, SURVIVED, UNKNOWN):
            if outcome in outcomes:
                return outcome, outcomes[outcome]
        return SURVIVED, "no test runs it"

    def _outcome(self, mutant: Mutant, names: Sequence[str]) -> tuple[str, str]:
        ignored = set(self._failing)
        left, cause = list(names), "no test"
        while left:
            options = [f"--deselect={name}" for name in sorted(ignored)]
            with self._changed(mutant):
                status, output = self._run(left, "-x", *options)
                if status == pytest.ExitCode.OK:
                    return SURVIVED, ""
                if status == pytest.ExitCode.INTERRUPTED:
                    output = self._run(left, "--collect-only", *options)[1]
                failed = set(_failed(output))
                if status != pytest.ExitCode.TESTS_FAILED:
                    cause = f"{status}: {output.strip().rpartition(chr(10))[2]}"
                if failed <= ignored:
                    break
                name = min(failed)
                again = "::" in name and self._run([name])[0]
            if again == pytest.ExitCode.TESTS_FAILED and self._passes(name):
                return KILLED, name
            # This failure says nothing of the mutant; other tests may.
            ignored |= failed
            left = [each for each in left if not {each, _whole(each), _file(each)} & failed]
        return UNKNOWN, cause

    def _passes(self, name: str) -> bool:
        """Whether a test passes without a mutant."""
        if name not in self._passing | self._failing:
            passes = self._run([name])[0] == pytest.ExitCode.OK
            (self._passing if passes else self._failing).add(name)
        return name in self._passing

    @contextlib.contextmanager
    def _changed(self, mutant: Mutant) -> Iterator[None]:
        path = self.top / "site_scons/xen_tool" / mutant.path
        content = path.read_bytes()
        path.write_bytes(content[: mutant.start] + mutant.after.encode() + content[mutant.end :])
        try:
            yield
        finally:
            path.write_bytes(content)

    def _run(self, names: Sequence[str], *options: str) -> tuple[int | None, str]:
        """Run tests; return pytest's exit status, None if it does not end, and its output."""
        status, output = self._run_once(names, *options)
        # A parameter may have the mutant in its name; and the test may be gone since.
        for other in (_whole, lambda name: ""):
            if status == pytest.ExitCode.USAGE_ERROR:
                gone = {n for n in names if f"not found: {self.top / _whole(n)}\n" in output}
                found = dict.fromkeys(other(name) if name in gone else name for name in names)
                names = [name for name in found if name]
                status, output = self._run_once(names, *options)
        return status, output

    def _run_once(self, names: Sequence[str], *options: str) -> tuple[int | None, str]:
        if not names:
            return pytest.ExitCode.NO_TESTS_COLLECTED, ""
        (self._folder / "names").write_text("\n".join(names))
        seconds = self._tests.seconds(names) or [0.0]
        command = [sys.executable, "-m", "pytest", "-q", "-n0", "--no-header", "--tb=no"]
        command += [f"--timeout={3 * max(seconds) + _PATIENCE / 2}"]
        command += [f"--basetemp={self._folder / 'tmp'}", *options, f"@{self._folder / 'names'}"]
        path = str(self.top / "site_scons")
        environment = {**os.environ, **_ENVIRONMENT, "PYTHONPATH": path}
        environment.pop("CI", None)
        with (self._folder / "output").open("w+b") as output:
            process = subprocess.Popen(
                command,
                cwd=self.top,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY)),
            )
            status = None
            try:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    status = process.wait(3 * sum(seconds) + _PATIENCE)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            output.seek(0)
            return status, output.read().decode(errors="replace")


def _failed(output: str) -> list[str]:
    """Return the tests that pytest lists as failed, or the files that cannot be imported."""
    return re.findall(r"^(?:FAILED|ERROR) ([^\s\[]+(?:\[.*?\])?)(?: - .*)?$", output, re.M)


def _whole(name: str) -> str:
    """Return the name of a test with all its parameters."""
    return name.partition("[")[0]


def _file(name: str) -> str:
    """Return the file of a test."""
    return name.partition("::")[0]


def _summary(records: Sequence[dict[str, Any]]) -> Iterator[str]:
    by_package: dict[str, Counter[str]] = {}
    for record in records:
        by_package.setdefault(record["path"].partition("/")[0], Counter())[record["outcome"]] += 1
    for name, counts in [*by_package.items(), ("all", sum(by_package.values(), Counter[str]()))]:
        known = counts[KILLED] + counts[SURVIVED]
        share = f"{100 * counts[KILLED] / known:.1f} %" if known else "none"
        yield f"{name:8} {share:>8} killed of {known}, unknown: {counts[UNKNOWN]}"
    sizes = {name: len(all_of(name)) for name in by_package}
    shares = [
        sizes[name] * counts[KILLED] / max(1, counts[KILLED] + counts[SURVIVED])
        for name, counts in by_package.items()
    ]
    total = sum(sizes.values())
    yield f"weighted by what the packages have, {total} in all: {100 * sum(shares) / total:.1f} %"


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
    os.environ.update(provision.provide(print))
    tests = Tests()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Copy(Path(folder), tests)
        for mutant in wanted:
            known = results.get(mutant.key, {}).get("outcome")
            if known is not None and not (options.survivors and known != KILLED):
                continue
            start = time.monotonic()
            batches = [options.tests] if options.tests else tests.of(mutant, options.seconds)
            outcome, by = copy.outcome(mutant, batches)
            record = {"key": mutant.key, "path": mutant.path, "outcome": outcome, "by": by}
            results[mutant.key] = record
            with RESULTS.open("a") as file:
                file.write(json.dumps(record) + "\n")
            seconds = round(time.monotonic() - start)
            print(f"{outcome} ({seconds} s) {mutant.diff()}\n    {by}", flush=True)
    records = [results[mutant.key] for mutant in wanted]
    print("", *_summary(records), sep="\n")
    for mutant in wanted:
        if results[mutant.key]["outcome"] == SURVIVED:
            print(f"survived: {mutant.diff()}")


if __name__ == "__main__":
    main()
