# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The versions of SCons with which tests run that use the fixture each_scons."""

from __future__ import annotations

import re
import subprocess
import sys

from project import TOP


def test_the_oldest_is_what_the_package_asks_for(each_scons: str) -> None:
    file, pattern = {
        "oldest": ("pyproject.toml", r'"scons>=(.*)"'),
        "newest": ("requirements/base.in", r"scons==(.*)"),
    }[each_scons]
    named = re.search(pattern, (TOP / file).read_text())
    assert named
    command = [sys.executable, "-m", "SCons", "--version"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"v{named[1]}." in output
