# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The authorities on kernel images, each found and started once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from loaders import hypervisor, libxenguest
from loaders.hypervisor import Machines
from loaders.libxenguest import Libxenguest
from programs import installed, program
from xen_tool.debian.packages import library_path
from xen_tool.errors import XenToolError


@pytest.fixture(scope="session")
def libxenguest_files(gcc: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return what Libxenguest() takes: libxenguest.c, compiled, and LD_LIBRARY_PATH."""
    _, root = installed("usr/include/xenguest.h")
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
    qemu = program("qemu-system-x86_64")
    try:
        with hypervisor.machines(qemu) as found:
            yield found
    except XenToolError as error:
        pytest.skip(str(error))
