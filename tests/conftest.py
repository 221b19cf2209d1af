# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What the tests share: the authorities that they ask, found once."""

from __future__ import annotations

import shutil

import pytest


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed; ./sconsw test says how to get it")
    return path


@pytest.fixture(scope="session")
def gnu_as() -> str:
    """GNU as, the authority on the head object."""
    return _program("as")


@pytest.fixture(scope="session")
def readelf() -> str:
    """GNU readelf."""
    return _program("readelf")
