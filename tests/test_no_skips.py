# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""With CI=true a skipped test makes pytest fail; each case is a separate run of pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PASSED = "def test_passes(): pass\n"
SKIPPED = "import pytest\n@pytest.mark.skip\ndef test_is_skipped(): pass\n"
XFAILED = "import pytest\n@pytest.mark.xfail\ndef test_is_xfailed(): assert False\n"
MODULE = "import pytest\npytest.skip('no tool', allow_module_level=True)\n"


@pytest.mark.parametrize(
    ("tests", "ci", "status", "named"),
    [
        (PASSED, "true", 0, ""),
        (PASSED + SKIPPED, "", 0, ""),
        (PASSED + SKIPPED, "true", 1, "test_it.py::test_is_skipped"),
        (PASSED + XFAILED, "true", 1, "test_it.py::test_is_xfailed"),
        (MODULE, "true", 5, "test_it.py"),
    ],
)
def test_skipped_tests_fail_in_ci(
    tmp_path: Path, tests: str, ci: str, status: int, named: str
) -> None:
    (tmp_path / "test_it.py").write_text(tests)
    environ = {**os.environ, "CI": ci, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-m", "pytest", "-p", "no_skips", "-c", os.devnull]
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), "-p", "no:cacheprovider", str(tmp_path)],
        env=environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert ("skipped although CI=true" in done.stdout) == bool(named)
    assert named in done.stdout
