# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The reference kernel as a 32-bit PAE guest: a domU of xen-shim, on real Xen."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from project import Project
from xen_tool.errors import XenToolError
from xen_tool.run.boot import boot
from xen_tool.run.hypervisor import find_hypervisor
from xen_tool.run.outcome import Outcome

SETTINGS = {"default": (), "direct-2G": ("XEN_HYPERCALL_PAGE=0", "VMSPLIT_2G=1")}

EXPECTED_SKIPS = {"default": set[str](), "direct-2G": {"hypercall_page_filled"}}


@pytest.fixture(autouse=True)
def _real_parts() -> None:
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("qemu-system-x86_64 is not installed")
    try:
        find_hypervisor()
    except XenToolError as error:
        pytest.skip(str(error))
    if shutil.which("apt-get") is None:
        pytest.skip("there is no apt-get to fetch a Linux dom0 with")


def _checks(kernel: Project, build: Path) -> set[str]:
    """The rows of the tables that a 32-bit compiler saw."""
    names: set[str] = set()
    for built in (build / "arch/x86/xen/checks").glob("*.o"):
        source = kernel.top / f"arch/x86/xen/checks/{built.stem}.c"
        table = source.read_text().partition("checks[] = {")[2]
        seen = re.sub(r"^#ifdef CONFIG_X86_64$.*?^#endif$", "", table, flags=re.M | re.S)
        names |= set(re.findall(r'^\t\{"(\w+)", \w+\},$', seen, re.M))
    return names


def test_every_check_of_its_tables_passes(kernel: Project) -> None:
    def boots(name: str) -> Outcome:
        image = kernel.top / f"build/{name}/vmlinux"
        return boot(image, mode="pv32-shim")

    for name, settings in SETTINGS.items():
        kernel.scons("ARCH=i386", f"O=build/{name}", *settings)
    with ThreadPoolExecutor() as pool:
        outcomes = dict(zip(SETTINGS, pool.map(boots, SETTINGS), strict=True))
    for name, outcome in outcomes.items():
        assert outcome.passed, (name, outcome.reason)
        passed = [line[5:] for line in outcome.console if line.startswith("PASS ")]
        skipped = {line[5:].partition(":")[0] for line in outcome.console if line[:5] == "SKIP "}
        assert skipped == EXPECTED_SKIPS[name]
        assert sorted(passed) == sorted(_checks(kernel, kernel.top / f"build/{name}") - skipped)
        assert f"CHECKS: {len(passed)}" in outcome.console
