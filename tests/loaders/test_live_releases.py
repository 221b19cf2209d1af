# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The differences among releases of Xen, compared with the hypervisors of Debian's releases.

There is a warning for a release that the mirror does not serve, as in boot/test_matrix.py.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from booted import served
from loaders import hypervisor
from loaders.agreement import agrees_with_machine
from loaders.hypervisor import XEN_LOADERS, Machines
from loaders.rows import IMAGES
from programs import program
from xen_tool.boot.console.console import tell
from xen_tool.debian import suites

IMAGES_THAT_DIFFER = (
    "good-both",
    "good-pv32",
    "A1-pvh",
    "C0-pvh-without-loader",
    "H3-no-dom0",
    "H4-vga",
    "H4-hole",
    "H4-hole-in-vga",
    "H4-empty-at-0",
    "H4-empty-at-0-without-flags",
    "H4-zeros-in-vga",
    "H5-reloc",
    "E8-memsz",
    "E5-msb",
    "Z2-zstd",
    "Z7-xz-crc64",
    "Z7-xz-x86",
    "Z7-gzip-header-crc",
    "X13-zeros-over-next",
    "X13-zeros-over-previous",
    "X13-bytes-over-bytes",
)


RELEASES = ("4.14", "4.20")


@pytest.fixture(scope="module", params=RELEASES)
def older_and_newer(request: pytest.FixtureRequest) -> Iterator[Machines | None]:
    """Machines with the hypervisor of a release; None if the mirror does not serve it."""
    qemu = program("qemu-system-x86_64")
    try:
        xen = suites.hypervisor(request.param, tell)
    except suites.NotServed as error:
        warnings.warn(f"absent: {error}", stacklevel=1)
        yield None
        return
    with hypervisor.machines(qemu, xen) as found:
        yield found


def test_the_mirror_has_one_of_these_releases(xen_under_qemu: None) -> None:
    served(*RELEASES)


def test_it_agrees(older_and_newer: Machines | None, tmp_path: Path) -> None:
    if older_and_newer is None:
        return
    answers = {
        (loader, name): older_and_newer.ask(loader, IMAGES[name])
        for loader in XEN_LOADERS
        for name in IMAGES_THAT_DIFFER
    }
    wrong = []
    for (loader, name), answer in answers.items():
        image = tmp_path / "image"
        image.write_bytes(IMAGES[name])
        try:
            agrees_with_machine(image, loader, answer.result(), reports=True)
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    assert wrong == [], "\n\n".join(wrong)
