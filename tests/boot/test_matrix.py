# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The images on the Xen of every Debian release, from the mirror that this machine is set to.

A release that the mirror does not serve is told of by a warning: it is nothing that the project
could do anything about.
"""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import pytest

from guests import guest
from project import Project
from xen_tool.run.boot import boot
from xen_tool.run.console import tell
from xen_tool.run.debian import SUITES, NotServed, hypervisor


@pytest.fixture(params=SUITES)
def xen(request: pytest.FixtureRequest) -> str:
    """A version of Xen, whose hypervisor can be had."""
    for program in ("qemu-system-x86_64", "apt-get"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    return str(request.param)


def _passes(image: Path, mode: str, version: str) -> None:
    try:
        path = hypervisor(version, tell)
    except NotServed as error:
        warnings.warn(f"absent: {error}", stacklevel=1)
        return
    outcome = boot(image, mode=mode, xen=str(path))
    assert outcome.passed, outcome.reason
    assert any(f"(XEN) Xen version {version}." in line for line in outcome.console)


def test_a_pv_image(built_kernel: Project, xen: str) -> None:
    _passes(built_kernel.top / "build/x86_64/vmlinux", "xen-pv-dom0", xen)


def test_a_pvh_image(tmp_path: Path, xen: str) -> None:
    _passes(guest(tmp_path, "xen-pvh-dom0"), "xen-pvh-dom0", xen)
