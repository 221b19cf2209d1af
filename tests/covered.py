# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Measure the lines that the tests run: ./sconsw test --coverage [TIER] [PYTEST ARGUMENTS].

Without arguments it measures the tiers unit and build.  Every Python process that a test starts is
measured too, but for gdb's.  Prints the share of each module and the lines that no test ran, and
writes which tests ran each line, and for how long, into build/coverage/.  Used by run.py; also
the pytest plugin that names the tests to coverage.py.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import coverage
import pytest

TOP = Path(__file__).resolve().parent.parent
TOOL = TOP / "site_scons/xen_tool"
FOLDER = TOP / "build/coverage"
LINES = FOLDER / "lines.db"
SECONDS = FOLDER / "seconds.json"
"""The file with the seconds that each test took, by its name."""
CONFIGURATION = f"""\
[run]
data_file = {LINES}
parallel = true
sigterm = true
include = */site_scons/xen_tool/*
patch =
    subprocess
    execv
    _exit
    fork
disable_warnings =
    no-data-collected
    module-not-measured
[paths]
tool =
    {TOOL}
    */site_scons/xen_tool
[report]
show_missing = true
skip_covered = true
exclude_also =
    if TYPE_CHECKING:
    raise NotImplementedError
"""
"""coverage.py's settings; tests copy the tool, and [paths] counts copies as this one."""


def measure(arguments: Sequence[str]) -> int:
    """Run pytest with these arguments, print what it covered, and return its exit status."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    (FOLDER / "rc").write_text(CONFIGURATION)
    rc = f"--rcfile={FOLDER / 'rc'}"
    run = [sys.executable, "-m", "coverage"]
    # With this variable every process of a test would compile the tool and SCons again.
    environment = {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    status = subprocess.run(
        [*run, "run", rc, "-m", "pytest", "-p", "covered", *arguments],
        cwd=TOP,
        env=environment | {"PYTHONPATH": f"{TOP / 'tests'}:{TOP / 'site_scons'}"},
        check=False,
    ).returncode
    subprocess.run([*run, "combine", "--quiet", rc], cwd=TOP, check=True)
    data = coverage.CoverageData(str(LINES))
    data.read()
    data.touch_files([str(path) for path in TOOL.rglob("*.py")])
    data.write()
    subprocess.run([*run, "report", rc], cwd=TOP, check=True)
    return status


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Tell coverage.py which test runs, here and in the processes that the test starts."""
    measuring = coverage.Coverage.current()
    assert measuring is not None
    measuring.switch_context(item.nodeid)
    measuring.config.context = item.nodeid
    os.environ["COVERAGE_PROCESS_CONFIG"] = measuring.config.serialize()
    return (yield)


_seconds: dict[str, float] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] = round(_seconds.get(report.nodeid, 0) + report.duration, 3)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        SECONDS.write_text(json.dumps(_seconds))


def pytest_configure() -> None:
    start = subprocess.Popen.__init__

    def measured(self: Any, args: Any, *rest: Any, **options: Any) -> None:
        # Without installed packages Python would not find coverage.py.
        if isinstance(args, list) and args[:3] == [sys.executable, "-I", "-S"]:
            args = [sys.executable, *args[3:]] if args[3:4] != ["-c"] else args
        start(self, args, *rest, **options)

    subprocess.Popen.__init__ = measured  # type: ignore[method-assign]
