# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The listener's replacements of system functions behave like them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from project import TOP


def test_a_replaced_function_works_as_a_class_attribute() -> None:
    # As pathlib of Python 3.10 has them, which SConscripts import while it listens.
    program = """
import os
from xen_tool.shortcut.audit import start
listener = start()
class Accessor:
    stat = os.stat
assert Accessor().stat("/").st_ino == os.stat("/").st_ino
assert list(listener.looked_up) == ["/"]
"""
    environment = {**os.environ, "PYTHONPATH": str(TOP / "site_scons")}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_a_file_may_be_changed_by_its_descriptor(tmp_path: Path) -> None:
    # An audit event has a path, or a descriptor, of which the path is unknown.
    program = """
import os, sys
from xen_tool.shortcut.audit import start
listener = start()
with open(sys.argv[1]) as file:
    os.fchmod(file.fileno(), 0o600)
    os.chmod(file.fileno(), 0o600)
listener.stop()
assert listener.written == []
"""
    _run(program, tmp_path)


def test_a_file_that_was_truncated_was_changed(tmp_path: Path) -> None:
    program = """
import os, sys
from xen_tool.shortcut.audit import start
listener = start()
os.truncate(sys.argv[1], 1)
listener.stop()
assert listener.written == [sys.argv[1]]
"""
    _run(program, tmp_path)


def _run(program: str, folder: Path) -> None:
    file = folder / "file"
    file.write_text("text")
    environment = {**os.environ, "PYTHONPATH": str(TOP / "site_scons")}
    subprocess.run([sys.executable, "-c", program, str(file)], env=environment, check=True)
