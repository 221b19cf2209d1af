# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Modules that a build without SCons must not import, as each costs milliseconds."""

from __future__ import annotations

import subprocess
import sys

import pytest

from project import TOP

SLOW = {"collections", "contextlib", "enum", "functools", "pathlib", "re", "shlex", "signal"}
SLOW |= {"subprocess", "threading", "typing"}


@pytest.mark.parametrize(
    "modules",
    [
        ["shortcut.__main__", "shortcut.reading", "build.contents", "build.database"],
        ["shortcut.run_plans"],
    ],
    ids=["nothing to do", "before the first command"],
)
def test_nothing_slow_is_imported(modules: list[str]) -> None:
    code = f"import sys; sys.path.insert(0, {str(TOP / 'site_scons')!r}); "
    code += "".join(f"import xen_tool.{name}; " for name in modules)
    command = [sys.executable, "-I", "-S", "-c", f"{code} print(*{SLOW} & set(sys.modules))"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
