# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A stored reading, in this process."""

from __future__ import annotations

import io
import sys

import pytest

from xen_tool.shortcut.reading import Reading


def test_characters_that_a_terminal_lacks_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "latin-1"))
    header = ["1", *"00000", "/top", "gr\xfc\xdf \u2603\n", "", "", ""]
    Reading(header, [], []).print_output()
    assert written.getvalue() == b"gr\xfc\xdf \\u2603\n"
