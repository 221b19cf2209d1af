# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The listener's replacements of system functions behave like them."""

from __future__ import annotations

import os
import subprocess
import sys

from project import TOP


def test_a_class_may_have_a_function_that_is_listened_to() -> None:
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
