# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A replayed run has the same output as the recorded one, and real gdb can step backwards."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from boot.debugger.guest import DEBUG_INFO, gdb, spoil
from guests import guest
from project import reference_kernel
from xen_tool.boot.boot import boot
from xen_tool.boot.boot_settings import BootSettings
from xen_tool.boot.modes import MODES, Mode
from xen_tool.errors import XenToolError

pytestmark = pytest.mark.usefixtures("xen_under_qemu", "gdb")

# Run from the panic back to the write of the value, and then one instruction further back.
SCRIPT = """
break panic
continue
printf "THEN %u\\n", canary
watch -l canary
reverse-continue
backtrace 1
reverse-stepi
x/i $pc
printf "BEFORE %u\\n", canary
"""


class Recorded(NamedTuple):
    """A kernel that fails, and the recording of its failure."""

    image: Path
    file: Path
    console: tuple[str, ...]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    project = reference_kernel(tmp_path_factory.mktemp("recorded") / "kernel")
    spoil(project)
    project.scons("ARCH=x86_64", DEBUG_INFO)
    image, file = project.top / "build/x86_64/vmlinux", project.top / "recording"
    outcome = boot(image, settings=BootSettings.parse({"record": file}), say=lambda line: None)
    assert "the canary is 7" in outcome.reason
    return Recorded(image, file, outcome.console)


def test_from_a_panic_back_to_the_write(recorded: Recorded) -> None:
    image, file, _ = recorded
    run = gdb(image, "pv", SCRIPT, f"--replay={file}")
    assert "THEN 7\n" in run.stdout, run.stdout + run.stderr
    back = run.stdout.partition("THEN")[2]
    assert re.search(r"^#0 .* in spoil \(\) at arch/x86/xen/setup\.c:\d+$", back, re.M), back
    assert re.search(r"^=> .* <spoil.*>:\s+mov.*\$0x7,.*<canary>$", back, re.M), back
    assert "BEFORE 1\n" in back


def test_a_replay_says_the_same(recorded: Recorded) -> None:
    replayed = boot(recorded.image, settings=BootSettings.parse({"replay": recorded.file}))
    assert replayed.console == recorded.console
    assert "FAIL boot: panic: the canary is 7" in replayed.console
    assert any("(XEN) Xen version" in line for line in replayed.console)


def test_another_image_is_not_replayed(recorded: Recorded, tmp_path: Path) -> None:
    image, file, _ = recorded
    changed = tmp_path / "changed"
    changed.write_bytes(image.read_bytes() + b"\0")
    with pytest.raises(XenToolError, match="was recorded of another image, Xen or QEMU"):
        boot(changed, settings=BootSettings.parse({"replay": file}))
    with pytest.raises(XenToolError, match="was recorded of another image, Xen or QEMU"):
        boot(image, settings=BootSettings.parse({"replay": file, "cmdline": "other"}))
    with pytest.raises(XenToolError, match="another mode: type MODE=xen-pv-dom0"):
        boot(image, mode="qemu", settings=BootSettings.parse({"replay": file}))


def test_a_guest_without_xen_is_replayed_the_same(tmp_path: Path) -> None:
    image, file = guest(tmp_path, "qemu-kernel"), tmp_path / "recording"
    messages: list[str] = []
    first = boot(
        image, mode="qemu", settings=BootSettings.parse({"record": file}), say=messages.append
    )
    assert messages == ["a machine that is recorded has one CPU"]
    second = boot(image, mode="qemu", settings=BootSettings.parse({"replay": file}))
    assert first.passed and second.passed
    assert first.console == second.console
    file.unlink()
    with pytest.raises(
        XenToolError, match="the recording is incomplete: record again with RECORD="
    ):
        boot(image, mode="qemu", settings=BootSettings.parse({"replay": file}))


def test_a_missing_recording_is_an_error(tmp_path: Path) -> None:
    image = guest(tmp_path, "qemu-kernel")
    with pytest.raises(XenToolError, match="no such recording: make one with RECORD="):
        boot(image, mode="qemu", settings=BootSettings.parse({"replay": tmp_path / "none"}))


def test_record_and_replay_together_are_an_error() -> None:
    with pytest.raises(XenToolError, match="give RECORD or REPLAY, not both"):
        BootSettings.parse({"record": "a", "replay": "a"})


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode.is_nested], ids=lambda m: m.alias)
def test_what_qemu_cannot_replay_is_not_recorded(tmp_path: Path, mode: Mode) -> None:
    image = guest(tmp_path, "xen-pvh-dom0")
    with pytest.raises(XenToolError, match="cannot be replayed: QEMU's replay diverges where Xen"):
        boot(
            image,
            mode=mode,
            settings=BootSettings.parse({"record": tmp_path / "file"}),
            say=pytest.fail,
        )
    assert not list(tmp_path.glob("file*"))
