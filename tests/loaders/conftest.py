# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The authorities on kernel images, each found and started once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from loaders import hypervisor, libxenguest
from loaders.hypervisor import Machines
from loaders.libxenguest import Libxenguest
from xen_tool.debian.hypervisor import default_roots
from xen_tool.debian.packages import library_path
from xen_tool.errors import XenToolError


@pytest.fixture(scope="session")
def libxenguest_files(gcc: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return what Libxenguest() takes: libxenguest.c, compiled, and LD_LIBRARY_PATH."""
    roots = [root for root in default_roots() if (root / "usr/include/xenguest.h").exists()]
    if not roots:
        pytest.skip("xenguest.h (Debian's libxen-dev) is not installed")
    root = roots[0]
    bridge = libxenguest.build(gcc, tmp_path_factory.mktemp("libxenguest"), root)
    return bridge, "" if root == Path("/") else library_path(root)


@pytest.fixture(scope="session")
def real_libxenguest(libxenguest_files: tuple[Path, str]) -> Iterator[Libxenguest]:
    """Debian's libxenguest."""
    with libxenguest.opened(*libxenguest_files) as library:
        yield library


@pytest.fixture(scope="session")
def real_machines() -> Iterator[Machines]:
    """QEMU machines, with Xen and without."""
    qemu = shutil.which("qemu-system-x86_64")
    if qemu is None:
        pytest.skip("qemu-system-x86_64 is not installed")
    try:
        with hypervisor.machines(qemu) as found:
            yield found
    except XenToolError as error:
        pytest.skip(str(error))
