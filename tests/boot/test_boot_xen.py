# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The reference kernel on the real Xen hypervisor, and the reports of its failures."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from boot.standin import Machine
from booted import Hurry
from project import Project, checks_in, reference_kernel
from xen_tool.boot import boot

pytestmark = pytest.mark.usefixtures("xen_under_qemu")

START = 'printk("%s: %lu pages'


def _checks(kernel: Project) -> list[str]:
    files = (kernel.top / "arch/x86/xen/checks").glob("*.c")
    return [name for file in files for name in checks_in(file, 64)]


def _smp_checks(kernel: Project) -> list[str]:
    folder = kernel.top / "arch/x86/xen/checks"
    files = (folder / "second_vcpu.c", folder / "vcpu_upcalls.c")
    return [name for file in files for name in checks_in(file, 64)]


def _passed(out: str) -> list[str]:
    return re.findall(r"^PASS (\w+)$", out, re.MULTILINE)


@pytest.mark.parametrize("settings", [(), ("SMP=0",)])
def test_it_passes_on_real_xen(built_kernel: Project, settings: tuple[str, ...]) -> None:
    run = built_kernel.scons("boot", *settings)
    assert "(XEN) " in run.out
    absent = _smp_checks(built_kernel) if "SMP=0" in settings else []
    names = [name for name in _checks(built_kernel) if name not in absent]
    assert len(names) > 10
    skipped = re.findall(r"^SKIP (\w+): .+$", run.out, re.MULTILINE)
    passed = _passed(run.out)
    assert sorted(passed + skipped) == sorted(names)
    assert len(_smp_checks(built_kernel)) >= 8
    if "SMP=0" not in settings:
        assert set(_smp_checks(built_kernel)) <= set(passed)
    assert f"CHECKS: {len(passed)}\n" in run.out
    assert "FAIL" not in run.out
    assert "RESULT: PASS\n" in run.out


def test_with_one_vcpu_checks_that_need_a_second_are_not_counted(built_kernel: Project) -> None:
    run = built_kernel.scons("boot", "CPUS=1")
    assert "Dom0 has maximum 1 VCPUs" in run.out
    skipped = re.findall(r"^SKIP (\w+): there is one vCPU$", run.out, re.MULTILINE)
    assert skipped == _smp_checks(built_kernel)
    assert run.out.count("SKIP ") == len(skipped)
    assert f"CHECKS: {len(_passed(run.out))}\n" in run.out
    assert "RESULT: PASS\n" in run.out


def test_a_boot_uses_the_given_settings(built_kernel: Project) -> None:
    built_kernel.edit("SConstruct", '"boot", vmlinux', '"boot", vmlinux, cmdline="x", mem=120')
    words = ("CMDLINE=one two,three", "XEN_OPTIONS=loglvl=info", "CPUS=3")
    run = built_kernel.scons("boot", *words)
    assert "one two,three" in run.out
    assert "Dom0 has maximum 3 VCPUs" in run.out
    assert "(XEN) Command line: console=com1 com1=115200,8n1 loglvl=info\n" in run.out
    assert re.search(r"^\(XEN\) System RAM: 1[12][0-9]MB", run.out, re.M)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("MEM=much", "MEM=much: MEM is a number of MiB above 0"),
        ("MODE=pw", "there is no boot mode pw: name one of xen-pv-dom0 (pv), xen-pv-domu"),
        ("CPUS=0", "CPUS is a number above 0"),
    ],
)
def test_a_bad_setting_of_the_boot_is_named(kernel: Project, setting: str, words: str) -> None:
    run = kernel.run("boot", setting)
    assert run.status == 2
    assert words in run.err
    assert run.steps == []


def test_the_command_line_overrides_the_sconstruct(built_kernel: Project, tmp_path: Path) -> None:
    built_kernel.edit("SConstruct", '"boot", vmlinux', '"boot", vmlinux, mode="qemu"')
    run = built_kernel.run("boot")
    assert run.status == 2
    assert "Error loading uncompressed kernel without PVH ELF Note" in run.err
    machine = Machine(tmp_path)
    machine.program("say('PASS a\\nRESULT: PASS\\n'); sys.exit(33 if '-initrd' in sys.argv else 1)")
    built_kernel.scons("boot", "MODE=pv", f"QEMU={machine.qemu}", f"HYPERVISOR={machine.xen}")


def test_a_failed_check_fails_the_boot(built_kernel: Project) -> None:
    built_kernel.edit("arch/x86/xen/checks/entry.c", "(bss_probe, 0)", "(bss_probe, 1)")
    run = built_kernel.run("boot")
    assert run.status == 2
    assert "FAIL bss_cleared" in run.out
    assert "RESULT: FAIL" in run.out
    assert "scons: *** [boot]" in run.err
    # The loader does not refuse it.
    assert "would not start with" not in run.err


@pytest.fixture(scope="module")
def _with_lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = reference_kernel(tmp_path_factory.mktemp("lines") / "kernel")
    project.edit("SConstruct", '"-fno-omit-frame-pointer"', '"-fno-omit-frame-pointer", "-g"')
    project.scons("ARCH=x86_64")
    return project.top


@pytest.fixture
def with_lines(_with_lines: Path, tmp_path: Path) -> Project:
    """A copy of the reference kernel, built with debug information."""
    shutil.copytree(_with_lines, tmp_path / "kernel")
    return Project(tmp_path / "kernel")


def _line(kernel: Project, file: str, text: str) -> str:
    lines = (kernel.top / "arch/x86/xen" / file).read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if text in line]
    return f"arch/x86/xen/{file}:{number}"


@pytest.mark.parametrize(("mode", "vcpu"), [("pv", "d0v0"), ("pv-domu", "d1v0")])
def test_a_hang_ends_at_the_time_limit_and_says_where(
    linux_dom0: None,
    with_lines: Project,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    vcpu: str,
) -> None:
    hang = 'printk("hangs now\\n");\n\tfor (;;) asm("pause");'
    with_lines.edit("arch/x86/xen/checks/entry.c", "EXPECT_EQUAL(bss_probe, 0);", hang)
    with_lines.scons()
    hurry = Hurry("hangs now", monkeypatch)
    monkeypatch.chdir(with_lines.top)
    image = with_lines.top / "build/x86_64/vmlinux"
    outcome = boot.boot(image, mode=mode, timeout=500, cpus=1, echo=hurry.echo)
    line = _line(with_lines, "checks/entry.c", "for (;;) asm")
    place = rf"bss_cleared\+0x[0-9a-f]+ \({line}\)"
    assert re.fullmatch(
        f"no result after 500 s: the guest hangs: {vcpu} at {place}", outcome.reason
    ), outcome.reason


def test_a_crash_ends_the_boot_at_once_with_its_cause_and_place(with_lines: Project) -> None:
    # Before the trap table is set.
    with_lines.edit("arch/x86/xen/setup.c", "\tsetup();\n", '\tasm volatile("push $0x1; ud2");\n')
    run = with_lines.run("boot", "TIMEOUT=3600")
    assert run.status == 2
    line = _line(with_lines, "setup.c", "ud2")
    place = rf"xen_start_kernel\+0x[0-9a-f]+ \({line}\)"
    assert re.search(rf"the guest crashed: .* at {place}$", run.err, re.M)
    assert re.search(rf"^  at:    {place}$", run.err, re.M)


def test_a_panic_is_reported_with_registers_and_calls(with_lines: Project) -> None:
    crash = 'asm volatile("mov $0x123, %%r14; ud2" : : : "r14");'
    with_lines.edit("arch/x86/xen/checks/entry.c", "EXPECT_EQUAL(bss_probe, 0);", crash)
    run = with_lines.run("boot")
    assert run.status == 2
    assert "FAIL bss_cleared: panic: unhandled trap 6" in run.out
    assert "r14 0000000000000123" in run.out
    line = _line(with_lines, "checks/entry.c", "r14")
    assert re.search(rf"^  at:    bss_cleared\+0x[0-9a-f]+ \({line}\)$", run.err, re.M)
    calls = re.findall(r"^  stack: (\w+)\+0x[0-9a-f]+ \(arch/x86/xen/.*\)$", run.err, re.M)
    assert calls[0] == "bss_cleared"
    assert calls[-2:] == ["run_checks", "xen_start_kernel"]


def test_a_refused_image_is_reported_in_xens_words(built_with_tool: Project) -> None:
    built_with_tool.edit(
        "site_scons/xen_tool/head/default_notes.py", 'Text("xen-3.0")', 'Text("xen-2.0")'
    )
    run = built_with_tool.run("boot", "LOADERS=none")
    assert run.status == 2
    words = "ERROR: Xen will only load images built for Xen v3.0 (Not 'xen-2.0')"
    assert words in run.out
    # The last line repeats it, with the fix.
    assert f"says: {words}" in run.err
    assert "fix:" in run.err


def test_a_32_bit_kernel_is_refused_by_a_xen_without_pv32(kernel: Project) -> None:
    run = kernel.run("boot", "ARCH=i386", "MODE=pv")
    assert run.status == 2
    words = "Found 32-bit PV kernel, but CONFIG_PV32 missing"
    assert words in run.out
    assert f"says: {words}" in run.err


def test_without_a_hypervisor_the_packages_are_named(built_kernel: Project) -> None:
    run = built_kernel.run("boot", "HYPERVISOR=/nowhere/xen.gz")
    assert run.status == 2
    assert "/nowhere/xen.gz" in run.err


@pytest.mark.parametrize(("mode", "ending"), [("pv", signal.SIGINT), ("pv-domu", signal.SIGKILL)])
def test_qemu_does_not_outlive_the_command(
    built_kernel: Project, mode: str, ending: signal.Signals
) -> None:
    built_kernel.edit("arch/x86/xen/setup.c", START, f"for (;;)\n\t\t;\n\t{START}")
    built_kernel.scons()
    process = subprocess.Popen(
        [sys.executable, "-m", "SCons", "-Q", "boot", "TIMEOUT=100", f"MODE={mode}"],
        cwd=built_kernel.top,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "Scrubbing Free RAM" in line:
            break
    (qemu,) = _qemus(process.pid)
    if ending == signal.SIGINT:
        # As a terminal does: the signal is for all processes in the foreground.
        os.killpg(process.pid, ending)
    else:
        process.send_signal(ending)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{qemu}").exists() and time.monotonic() < deadline:
        process.poll()
        time.sleep(0.05)
    assert not Path(f"/proc/{qemu}").exists()
    process.stdout.close()
    assert process.wait(20) != 0


def _qemus(session: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            of_session = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[3])
        except OSError:
            continue
        if of_session == session and b"qemu-system" in command.split(b"\0")[0]:
            found.append(int(folder.name))
    return found


def test_a_build_does_not_wait_for_a_running_guest(built_kernel: Project, tmp_path: Path) -> None:
    qemu = tmp_path / "qemu"
    qemu.write_text(f"#!/bin/sh\ntouch {tmp_path}/runs\nexec sleep 100\n")
    qemu.chmod(0o755)
    boot = subprocess.Popen(
        [sys.executable, "-m", "SCons", "-Q", "boot", f"QEMU={qemu}"],
        cwd=built_kernel.top,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not (tmp_path / "runs").exists():
            assert boot.poll() is None, "it ended before the guest ran"
            time.sleep(0.05)
        built_kernel.edit("arch/x86/xen/lib.c", "#include <", "int one;\n#include <")
        run = built_kernel.scons()
        assert "CHECK vmlinux" in run.names
        assert "waiting" not in run.err
        assert boot.poll() is None
    finally:
        os.killpg(boot.pid, signal.SIGTERM)
        boot.wait()
