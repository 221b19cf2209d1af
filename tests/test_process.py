# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""leave() ends a process as sys.exit() does, for all that is seen from outside."""

import subprocess
import sys

import pytest

from project import TOP

PROGRAM = """
import atexit, os, sys
sys.path.insert(0, {site!r})
from xen_tool.process import leave
atexit.register(print, "at exit")
print("before")
{end}
"""


def ended(end: str, stdout: int) -> tuple[int, str, str]:
    text = PROGRAM.format(site=str(TOP / "site_scons"), end=end)
    run = subprocess.run(
        [sys.executable, "-I", "-c", text], stdout=stdout, stderr=subprocess.PIPE, text=True
    )
    return run.returncode, run.stdout, run.stderr


@pytest.mark.parametrize("status", [0, 2])
def test_prints_all_and_ends_with_the_status(status: int) -> None:
    assert ended(f"leave({status})", subprocess.PIPE) == (status, "before\nat exit\n", "")


def test_output_that_cannot_be_written_is_an_error() -> None:
    with open("/dev/full", "w") as full:
        expected = ended("sys.exit(0)", full.fileno())
        assert ended("leave(0)", full.fileno()) == expected
    assert expected[0] != 0
