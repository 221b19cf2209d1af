# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The reports of how real machines end, with a minimal guest for each."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from booted import Hurry, boot
from guests import PASSED, guest
from loaders.containers import REAL_MODE_EXIT_VALUE, bzimage, packed
from xen_tool.boot.symbolize import ImageSymbols

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
def test_the_result_is_read_from_the_console_as_it_is_shown(
    tmp_path: Path, text: str, reason: str
) -> None:
    assert boot(guest(tmp_path, "qemu-kernel", text), mode="qemu").reason == reason


POWER_OFF = "mov dx, 0x604\nmov ax, 0x2000\nout dx, ax\nlast1: jmp last1\n"
RESET = "mov al, 0xfe\nout 0x64, al\nlast0: jmp last0\n"
HANG = "hang: jmp hang\n"
WAIT = "wait0:\nmov edi, 1\nxor esi, esi\nmov eax, 29\nsyscall\njmp wait0\n"


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (POWER_OFF, "no result came: the guest powered off the machine"),
        (RESET, "no result came: the guest reset the machine"),
        ("ud2\n", "the guest crashed: triple fault, CPU 0 at 0000000001000000"),
        (HANG, "no result after 3 s: the console stayed empty: CPU 0 at 0000000001000000"),
    ],
)
def test_a_guest_without_xen(tmp_path: Path, first: str, reason: str) -> None:
    image = guest(tmp_path, "qemu-kernel", first=first)
    # The others end by themselves.
    timeout = 3 if first == HANG else 60
    assert boot(image, mode="qemu", timeout=timeout, cpus=1).reason == reason


@pytest.mark.parametrize(
    ("kind", "mode", "first", "reason"),
    [
        (
            "xen-pv-domu",
            "pv",
            HANG,
            "no result after 99 s: the guest hangs: d0v0 at ffffffff81000000",
        ),
        ("xen-pv-domu", "pv", WAIT, "no result after 99 s: none of the guest's vCPUs runs"),
        (
            "xen-pvh-dom0",
            "pvh",
            HANG,
            "no result after 99 s: the guest hangs: d0v0 at 0000000001000000",
        ),
        (
            "xen-pvh-dom0",
            "pvh",
            "cli\nhlt\n",
            "the guest powered off without a result: Hardware Dom0 halted: halting machine",
        ),
        (
            "xen-pvh-dom0",
            "pvh",
            POWER_OFF,
            "no result came: the machine was powered off, which Xen did not report",
        ),
    ],
)
def test_a_guest_of_xen(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    mode: str,
    first: str,
    reason: str,
) -> None:
    image = guest(tmp_path, kind, first=first)
    if "hangs" in reason or "runs" in reason:
        # Xen's last words before it starts the guest.
        hurry = Hurry("init memory", monkeypatch)
        assert boot(image, mode=mode, timeout=99, echo=hurry.echo).reason == reason
    else:
        assert boot(image, mode=mode).reason == reason


@pytest.mark.parametrize("packed_as", ["gzip", "bzImage"])
def test_a_packed_kernel_starts_if_its_loader_unpacks_it(tmp_path: Path, packed_as: str) -> None:
    image = guest(tmp_path, "xen-pvh-dom0")
    content = packed("gzip", image.read_bytes())
    image.write_bytes(content if packed_as == "gzip" else bzimage(content))
    assert boot(image, mode="pvh").passed
    # QEMU unpacks neither: it starts a bzImage by Linux's boot protocol.
    outcome = boot(image, mode="qemu")
    assert not outcome.passed
    assert outcome.status == (1 if packed_as == "gzip" else REAL_MODE_EXIT_VALUE * 2 + 1)


def test_the_report_on_a_packed_kernel_names_functions(tmp_path: Path, gcc: str) -> None:
    (tmp_path / "main.c").write_text("void _start(void) { for (;;) ; }\n")
    options = ["-g", "-static", "-nostdlib", "-no-pie", "-o", "main"]
    subprocess.run([gcc, *options, "main.c"], cwd=tmp_path, check=True)
    with ImageSymbols(str(tmp_path / "main")) as symbols:
        places = symbols.places(range(0x401000, 0x401004))
    (tmp_path / "main.gz").write_bytes(packed("gzip", (tmp_path / "main").read_bytes()))
    with ImageSymbols(str(tmp_path / "main.gz")) as symbols:
        assert symbols.places(range(0x401000, 0x401004)) == places
    assert places[0] and "_start+0x0 (" in places[0]
