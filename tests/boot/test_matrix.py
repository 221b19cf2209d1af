# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The reference kernel on each Debian release's Xen, from this machine's mirror.

A release that the mirror does not serve is reported by a warning, as the project cannot change
that.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from booted import boot, served
from project import reference_kernel
from xen_tool.boot.console.console import tell
from xen_tool.debian.suites import SUITES, NotServed, hypervisor
from xen_tool.loaders.names import DOM0


@pytest.fixture(params=SUITES)
def xen(linux_dom0: None, request: pytest.FixtureRequest) -> str:
    """A version of Xen whose hypervisor the mirror serves."""
    return str(request.param)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference kernel, for PV and PVH."""
    kernel = reference_kernel(tmp_path_factory.mktemp("matrix"))
    kernel.scons("ARCH=x86_64", "XEN_PVH=1")
    return kernel.top / "build/x86_64/vmlinux"


def test_the_mirror_has_some_xen(linux_dom0: None) -> None:
    served(*SUITES)


@pytest.mark.parametrize("mode", DOM0)
def test_the_reference_kernel_passes(image: Path, xen: str, mode: str) -> None:
    try:
        path = hypervisor(xen, tell)
    except NotServed as error:
        warnings.warn(f"absent: {error}", stacklevel=1)
        return
    outcome = boot(image, mode=mode, xen=str(path), release=xen)
    assert outcome.passed, outcome.reason
    assert any(f"(XEN) Xen version {xen}." in line for line in outcome.console)
