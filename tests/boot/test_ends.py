# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""How the ends of real machines are told, with the smallest guests that come to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from booted import boot
from guests import PASSED, guest

pytestmark = pytest.mark.usefixtures("xen_under_qemu")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            f"\x1b[31mFAIL a: broken\x1b[0m\r\n{PASSED}",
            "the guest reported RESULT: PASS, but also FAIL a: broken",
        ),
        (
            f"50%\rFAIL: broken\r\n{PASSED}",
            "the guest reported RESULT: PASS, but also FAIL: broken",
        ),
        (f"{PASSED}BUG: died\n", "the guest reported RESULT: PASS, but said after it: BUG: died"),
        (
            "\x1b[2J\x1b[H[ 0.12] \x1b[32mPASS a\x1b[0m\r\n10%\rRESULT: PASS\r\n",
            "the guest reported RESULT: PASS",
        ),
    ],
)
def test_the_console_counts_as_it_is_shown(tmp_path: Path, text: str, reason: str) -> None:
    assert boot(guest(tmp_path, "qemu-kernel", text), mode="qemu").reason == reason
