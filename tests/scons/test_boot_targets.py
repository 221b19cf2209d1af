# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The files and the output of `scons boot`, and `scons test-boot`, on real Xen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from boot.standin import Machine
from project import Project

MORE = """
env.XenBoot("boot-qemu", vmlinux, mode="qemu", protocol="poweroff")
env.XenBoot("boot-pvh", vmlinux, mode="pvh")
"""
LOG = "build/x86_64/boot/vmlinux.xen-pv-dom0.log"


@pytest.fixture
def several(built_kernel: Project) -> Project:
    """A kernel that has several targets to boot it."""
    sconstruct = built_kernel.top / "SConstruct"
    sconstruct.write_text(sconstruct.read_text() + MORE)
    return built_kernel


@pytest.mark.usefixtures("xen_under_qemu")
def test_a_boot_keeps_its_console_and_shows_its_command(built_kernel: Project) -> None:
    run = built_kernel.scons("boot", "V=1", "QUIET=1")
    assert "(XEN)" not in run.out
    assert "RESULT: PASS\n" in run.out
    log = built_kernel.top / LOG
    kept = log.read_text().splitlines()
    assert any(line.startswith("(XEN) Xen version") for line in kept)
    assert kept[-1] == "RESULT: PASS"
    # The printed command can be pasted into a shell.
    (command,) = (line for line in run.out.splitlines() if "-kernel" in line)
    again = subprocess.run(
        ["sh", "-c", command],
        cwd=built_kernel.top,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 33
    assert again.stdout.splitlines()[-1] == "RESULT: PASS"
    built_kernel.scons("-c")
    assert not (built_kernel.top / "build").exists()


@pytest.mark.usefixtures("xen_under_qemu")
def test_test_boot_runs_all_boots_of_the_tree(several: Project) -> None:
    run = several.run("test-boot", "JUNIT=junit.xml", "RETRIES=1", "XEN_PVH=1", "-j2")
    assert run.status == 2
    rows = [line.split()[:3] for line in run.out.splitlines() if line.startswith("boot")]
    assert rows[:3] == [
        ["boot", "xen-pv-dom0", "passed"],
        # It ends QEMU, and does not power off.
        ["boot-qemu", "qemu-kernel", "crashed"],
        ["boot-pvh", "xen-pvh-dom0", "passed"],
    ]
    assert "0 of 2 runs passed" in run.out
    assert "2 of 3 passed; the consoles are in build/x86_64/boot" in run.out
    assert "[test-boot] not all passed" in run.err
    assert (several.top / LOG).is_file()
    (suite,) = ElementTree.parse(several.top / "junit.xml").getroot()
    assert [case.get("name") for case in suite] == ["boot", "boot-qemu", "boot-pvh"]


def test_the_results_are_printed_as_json(several: Project, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.program("say('PASS a\\nRESULT: PASS\\n'); sys.exit(33)")
    words = (f"QEMU={machine.qemu}", f"HYPERVISOR={machine.xen}", "PROTOCOL=pass-fail", "RUNS=2")
    run = several.scons("test-boot", "--json", *words)
    found = json.loads(run.out)
    assert found["passed"]
    assert [test["name"] for test in found["tests"]] == ["boot", "boot-qemu", "boot-pvh"]
    assert [len(test["runs"]) for test in found["tests"]] == [2, 2, 2]


@pytest.mark.parametrize(
    ("target", "number"),
    [("test-boot", signal.SIGINT), ("boot", signal.SIGTERM), ("boot", signal.SIGHUP)],
)
def test_a_signal_ends_what_runs(
    several: Project, tmp_path: Path, target: str, number: signal.Signals
) -> None:
    machine = Machine(tmp_path)
    machine.program("say('up\\n')\nwhile True: time.sleep(60)")
    words = (f"QEMU={machine.qemu}", f"HYPERVISOR={machine.xen}", "TIMEOUT=600")
    # A shell ignores SIGINT in the background, and nohup SIGHUP.
    code = f"import signal; signal.signal({number:d}, signal.default_int_handler)\n"
    code += "import SCons.Script; SCons.Script.main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "-Q", target, *words],
        cwd=several.top,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        for _ in range(600):
            if machine.pid.exists() and machine.pid.read_text():
                break
            time.sleep(0.1)
        process.send_signal(number)
        out, err = process.communicate()
    assert process.returncode == 2
    assert ("0 of 3 passed; 3 did not run" in out) == (target == "test-boot")
    assert f"scons: *** [{target}] Build interrupted." in err
    with pytest.raises(ProcessLookupError):
        os.kill(int(machine.pid.read_text()), 0)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("QUIET=2", "QUIET is 0 or 1"),
        ("RUNS=x", "RUNS is a number"),
        ("PROTOCOL=tap", "there is no protocol tap"),
        ("FAIL_REGEX=(", "FAIL_REGEX=( is no regular expression"),
    ],
)
def test_a_wrong_value_of_a_setting_is_one_sentence(
    kernel: Project, word: str, message: str
) -> None:
    run = kernel.run("boot", word)
    assert run.status == 2
    assert message in run.err
