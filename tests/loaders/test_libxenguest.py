# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The predicted verdict for a domU against the real libxenguest, case by case, offline."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from loaders.agreement import agrees_with_libxenguest, as_domu
from loaders.cases import CASES, Case
from loaders.good import good_both, good_pv32, good_pv64, good_pvh
from loaders.images import Image
from loaders.libxenguest import CAPABILITIES, PV32_CAPABILITIES, Libxenguest
from xen_tool.loaders.model.releases import Xen


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@as_domu
def test_it_agrees(
    case: Case,
    loader: str,
    xen: str,
    capabilities: str,
    real_libxenguest: Libxenguest,
    tmp_path: Path,
) -> None:
    image = tmp_path / "image"
    image.write_bytes(case.image)
    pvh = loader == "xen-pvh-domu"
    answer = real_libxenguest.ask(case.image, pvh=pvh, capabilities=capabilities)
    agrees_with_libxenguest(image, loader, Xen.parse(xen), answer)


@pytest.mark.parametrize(
    ("before", "behind", "found"),
    [(0x800, 20, False), (0x800, 21, True), (8188, 100, True), (8192, 100, False)],
)
def test_where_the_library_searches_for_the_table_of_a_raw_image(
    before: int, behind: int, found: bool, real_libxenguest: Libxenguest, tmp_path: Path
) -> None:
    """It searches the first 8 KiB, and a smaller file up to 32 bytes before the end."""
    magic, flags = 0x336EC578, 0x00010001
    table = struct.pack("<3I", magic, flags, -(magic + flags) % (1 << 32))
    content = bytes(before) + table + bytes(behind)
    (tmp_path / "image").write_bytes(content)
    answer = real_libxenguest.ask(content, pvh=False)
    agrees_with_libxenguest(tmp_path / "image", "xen-pv-domu", Xen(), answer)
    assert any("xen-3.0-x86_32" in error for error in answer.errors) == found


def test_the_library_tells_good_images_from_bad(real_libxenguest: Libxenguest) -> None:
    def accepted(image: Image, pvh: bool, capabilities: str = CAPABILITIES) -> bool:
        return real_libxenguest.ask(bytes(image), pvh=pvh, capabilities=capabilities).accepted

    assert accepted(good_both(), False)
    assert accepted(good_both(), True)
    assert accepted(good_pv64(), False)
    assert not accepted(good_pv64(), True)
    assert accepted(good_pv32(), False, PV32_CAPABILITIES)
    assert not accepted(good_pv32(), False)
    assert accepted(good_pvh(), True)
    assert not accepted(good_pvh(), False)


def test_a_worker_that_is_gone_is_replaced(real_libxenguest: Libxenguest) -> None:
    real_libxenguest.ask(bytes(good_both()), pvh=False)
    real_libxenguest.close()
    assert real_libxenguest.ask(bytes(good_both()), pvh=False).accepted
