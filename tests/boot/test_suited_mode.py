# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The mode in which an image is booted if none is named."""

from __future__ import annotations

import pytest

from xen_tool.boot import modes
from xen_tool.loaders import names


@pytest.mark.parametrize(
    ("loaders", "bits", "alias"),
    [
        ((*names.PV, *names.PVH), 64, "pv"),
        ((names.PV_DOMU,), 64, "pv-domu"),
        ((names.PV_DOMU,), 32, "pv32-shim"),
        (names.PVH, 64, "pvh"),
        (names.PVH, 32, "pvh"),
        ((names.QEMU,), 64, "qemu"),
        ((), None, "pv"),
    ],
)
def test_a_kernel_starts_as_what_it_is_for(
    loaders: tuple[str, ...], bits: int | None, alias: str
) -> None:
    assert modes.suited(loaders, bits).alias == alias
