# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Dumps of failed guests, opened with real gdb: variables at the guest's virtual addresses."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from boot.debugger.guest import DEBUG_INFO
from booted import Hurry
from project import Project, reference_kernel
from xen_tool.boot import boot as real
from xen_tool.boot.boot_settings import BootSettings
from xen_tool.boot.debugger.gdb_arguments import SCRIPT
from xen_tool.boot.result.outcome import Outcome
from xen_tool.errors import XenToolError

pytestmark = pytest.mark.usefixtures("xen_under_qemu", "gdb")

CRASH = (
    "struct sched_shutdown crash = {.reason = SHUTDOWN_crash};\n"
    "HYPERVISOR_sched_op(SCHEDOP_shutdown, &crash);"
)
ENDS = {
    "panic": 'panic("it was written");',
    "crash": CRASH,
    "hang": 'printk("hangs\\n");\nfor (;;)\n\t;',
}
WROTE = """
volatile struct {{
	unsigned long before[1000];
	unsigned int value;
}} canary = {{.value = 1}};

static __attribute__((noinline)) void end(void)
{{
	canary.value = 7;
	{}
}}

bool run_checks(void)
{{
	end();
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The reference kernel, PV and PVH, changed to write a variable and fail."""
    project = reference_kernel(tmp_path_factory.mktemp("dumped") / "kernel")
    source = project.top / "arch/x86/xen/checks/run.c"
    project.edit(
        "arch/x86/xen/checks/run.c",
        '#include "check.h"\n',
        '#include "../hypercall.h"\n#include "check.h"\n',
    )
    text = source.read_text()
    built = {}
    for name, end in ENDS.items():
        assert "bool run_checks(void)\n{\n" in text
        source.write_text(text.replace("bool run_checks(void)\n{\n", WROTE.format(end)))
        project.scons("ARCH=x86_64", "XEN_PVH=1", DEBUG_INFO)
        built[name] = project.top / name
        shutil.copy(project.top / "build/x86_64/vmlinux", built[name])
    return built


def dumped(image: Path, mode: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    what = BootSettings.parse({"dump": file})
    if mode == "qemu":
        # In this mode the last character may be printed before the guest hangs.
        return real.boot(image, mode=mode, timeout=5, settings=what)
    hurry = Hurry("hangs", monkeypatch)
    return real.boot(image, mode=mode, timeout=99, settings=what, echo=hurry.echo)


def gdb(image: Path, file: Path, *commands: str) -> str:
    words = [word for command in commands for word in ("-ex", command)]
    run = subprocess.run(
        ["gdb", "-q", "-nx", "-batch", str(image), str(file), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    return run.stdout + run.stderr


@pytest.mark.parametrize(
    ("mode", "end", "reason"),
    [
        ("pv", "panic", "the guest reported RESULT: FAIL (FAIL boot: panic: it was written)"),
        ("pv", "crash", "the guest crashed without a result: "),
        ("pv", "hang", "no result after 99 s: the guest hangs: d0v0 at end+"),
        ("pvh", "panic", "the guest reported RESULT: FAIL (FAIL boot: panic: it was written)"),
        ("pvh", "crash", "the guest crashed without a result: "),
        ("pvh", "hang", "no result after 99 s: the guest hangs: d0v0 at end+"),
        ("qemu", "panic", "the guest reported RESULT: FAIL (FAIL boot: panic: it was written)"),
        ("qemu", "hang", "no result after 5 s: the guest hangs: CPU 0 at end+"),
    ],
)
def test_a_variable_is_read(
    images: Mapping[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    end: str,
    reason: str,
) -> None:
    file = tmp_path / "core"
    outcome = dumped(images[end], mode, file, monkeypatch)
    assert outcome.reason.startswith(reason), outcome
    without = ", without registers, as the guest has ended the machine" if end == "panic" else ""
    assert f"  dump:  {file}{without}" in outcome.details
    output = gdb(
        images[end], file, "print canary.value", "bt", f"source {SCRIPT}", "xen start-info"
    )
    assert "$1 = 7\n" in output
    if end == "hang" and mode == "qemu":
        assert re.search(r"^#0 .* end \(\) at arch/x86/xen/checks/run\.c:\d+$", output, re.M), (
            output
        )
    assert ('"xen-3.0-x86_64p"' if mode == "pv" else " 0x336ec578\n") in output
    assert [path.name for path in tmp_path.iterdir()] == ["core"]


def test_a_passed_run_leaves_no_dump(tmp_path: Path, built_kernel: Project) -> None:
    image = built_kernel.top / "build/x86_64/vmlinux"
    assert real.boot(image, settings=BootSettings.parse({"dump": tmp_path / "core"})).passed
    assert not (tmp_path / "core").exists()


def test_a_place_that_cannot_be_written(images: Mapping[str, Path]) -> None:
    with pytest.raises(XenToolError, match="/proc/core: the dump cannot be written: "):
        real.boot(images["panic"], mode="qemu", settings=BootSettings.parse({"dump": "/proc/core"}))
