# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Fixtures of build tests: an engine in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from .engine import Engine


@pytest.fixture
def engine(gcc: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine without steps, whose tree is the current folder."""
    monkeypatch.chdir(tmp_path)
    return Engine(gcc)
