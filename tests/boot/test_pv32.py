# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The reference kernel as a 32-bit PAE guest: a domU of xen-shim, on real Xen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from booted import boot
from project import Project, checks_in
from xen_tool.boot.result.outcome import Outcome

pytestmark = pytest.mark.usefixtures("linux_dom0")

SETTINGS = {"default": (), "direct-2G": ("XEN_HYPERCALL_PAGE=0", "VMSPLIT_2G=1")}

EXPECTED_SKIPS: dict[str, set[str]] = {"default": set(), "direct-2G": {"hypercall_page_filled"}}


def test_every_check_of_its_tables_passes(kernel: Project) -> None:
    def boots(name: str) -> Outcome:
        image = kernel.top / f"build/{name}/vmlinux"
        return boot(image, mode="pv32-shim")

    for name, settings in SETTINGS.items():
        kernel.scons("ARCH=i386", f"O=build/{name}", *settings)
    with ThreadPoolExecutor() as pool:
        outcomes = dict(zip(SETTINGS, pool.map(boots, SETTINGS), strict=True))
    # Only a 64-bit kernel brings up a second virtual CPU.
    folder = kernel.top / "arch/x86/xen/checks"
    files = set(folder.glob("*.c")) - {folder / "second_vcpu.c", folder / "vcpu_upcalls.c"}
    names = {name for file in files for name in checks_in(file, 32)}
    assert len(names) > 100
    for name, outcome in outcomes.items():
        assert outcome.passed, (name, outcome.reason)
        assert outcome.status == 33
        assert any("(XEN) Xen version" in line for line in outcome.console)
        passed = [line[5:] for line in outcome.console if line.startswith("PASS ")]
        skipped = {line[5:].partition(":")[0] for line in outcome.console if line[:5] == "SKIP "}
        assert skipped == EXPECTED_SKIPS[name]
        assert sorted(passed) == sorted(names - skipped)
        assert f"CHECKS: {len(passed)}" in outcome.console
