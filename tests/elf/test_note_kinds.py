# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The tables of Xen's notes: each has a row for every type of notes."""

from __future__ import annotations

import pytest

from xen_tool.abi import NOTE_KINDS, XenElfNote
from xen_tool.report import note_lines

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("table", [NOTE_KINDS, note_lines._READERS], ids=["kinds", "readers"])
def test_every_note_has_a_row(table: dict[int, object]) -> None:
    assert set(table) == set(XenElfNote)
