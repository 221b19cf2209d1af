# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The system programs and files that tests need, which provision.py installs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from xen_tool.debian.hypervisor import default_roots


def program(name: str) -> str:
    """Return the path of a program; skip the test if there is none, which fails CI."""
    return shutil.which(name) or _skip(name)


def installed(pattern: str) -> tuple[Path, Path]:
    """Return the first file that matches a pattern, and the root folder it is below.

    pattern: relative to a root folder.  Skips the test if no file matches.
    """
    found = ((path, root) for root in default_roots() for path in root.glob(pattern))
    return next(found, None) or _skip(pattern)


def _skip(name: str) -> NoReturn:
    pytest.skip(f"{name} is not installed; ./sconsw test says how to get it")
