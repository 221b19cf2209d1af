# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Which loaders must accept the kernel of a configuration, and what is said of those left out."""

from __future__ import annotations

import pytest

from xen_tool.abi import ARCHES
from xen_tool.errors import XenToolError
from xen_tool.loaders import required
from xen_tool.loaders.names import ALL

pytestmark = pytest.mark.unit

_PV = ("xen-pv-dom0", "xen-pv-domu")
_PVH = ("xen-pvh-dom0", "xen-pvh-domu", "qemu-kernel")


@pytest.mark.parametrize(
    ("arch", "values", "loaders"),
    [
        ("x86_64", {"XEN_PV": "y", "XEN_PVH": "y"}, (*_PV, *_PVH)),
        ("x86_64", {"XEN_PV": "y", "XEN_PVH": "n"}, _PV),
        ("i386", {"XEN_PV": "y"}, ("xen-pv-domu",)),
        ("i386", {"XEN_PVH": "y"}, _PVH),
        ("i386", {"XEN": "y"}, ()),
    ],
)
def test_the_configuration_chooses_the_loaders(
    arch: str, values: dict[str, str], loaders: tuple[str, ...]
) -> None:
    assert required.of_configuration(ARCHES[arch], values) == loaders


@pytest.mark.parametrize(
    ("symbols", "loader", "words"),
    [
        ("XEN=y XEN_PV=y XEN_PVH=n", "xen-pv-dom0", None),
        ("XEN=y XEN_PV=n XEN_PVH=y", "xen-pv-dom0", "XEN_PV=1: the configuration has XEN_PV=n"),
        ("XEN=y XEN_PV=n XEN_PVH=y", "xen-pv-domu", "XEN_PV=1: the configuration has XEN_PV=n"),
        ("XEN=y XEN_PV=n XEN_PVH=y", "xen-pvh-dom0", None),
        ("XEN=y XEN_PV=y XEN_PVH=n", "xen-pvh-domu", "XEN_PVH=1: the configuration has XEN_PVH=n"),
        ("XEN=y XEN_PV=y XEN_PVH=n", "qemu-kernel", "XEN_PVH=1: the configuration has XEN_PVH=n"),
        (
            "XEN=n XEN_PV=n XEN_PVH=n",
            "xen-pv-domu",
            "XEN=1 XEN_PV=1: the configuration has XEN=n and XEN_PV=n",
        ),
        ("XEN=n", "xen-pv-domu", "XEN=1: the configuration has XEN=n"),
        ("", "xen-pv-domu", None),
    ],
)
def test_the_fix_names_the_symbols_that_a_loader_needs(
    symbols: str, loader: str, words: str | None
) -> None:
    expected = None if words is None else f"build it with {words}"
    assert required.fix(loader, symbols) == expected


@pytest.mark.parametrize(
    ("symbols", "lacks"),
    [
        ("XEN=y XEN_PV=n XEN_PVH=n", True),
        ("XEN=y XEN_PV=y XEN_PVH=n", False),
        ("XEN=y XEN_PV=n XEN_PVH=y", False),
        ("XEN=n XEN_PV=n XEN_PVH=n", False),
        ("XEN=y", False),
        ("", False),
    ],
)
def test_xen_without_an_entry(symbols: str, lacks: bool) -> None:
    assert required.lacks_entry(symbols) == lacks


def test_symbols_that_the_configuration_knows() -> None:
    values = {"XEN_PVH": "n", "SMP": "y", "XEN": "y"}
    assert required.symbols(values) == "XEN=y XEN_PVH=n"


def test_names_of_loaders() -> None:
    assert required.parse("none") == ()
    assert required.parse("all") == ALL
    assert required.parse("pv, qemu-kernel") == ("xen-pv-dom0", "qemu-kernel")
    with pytest.raises(XenToolError, match="pv-domx"):
        required.parse("pv,pv-domx")
