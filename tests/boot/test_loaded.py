# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The memory that real loaders set up, reported by small images, where a verdict depends on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from booted import boot
from loaders.good import good_pvh
from loaders.images import CODE_OFFSET, EXIT_PORT, PADDR, PVH_ENTRY, Image
from xen_tool.loaders.model.releases import Xen
from xen_tool.report.image_report import read_report

pytestmark = pytest.mark.boot

DATA = PADDR + 0x2000
VALUE = 0x10
"""A byte of the second segment; QEMU exits with 2 * VALUE + 1 if it is in memory."""


def two_segments(*, data_last: bool) -> Image:
    """Return an image that writes a byte of its data to EXIT_PORT; the code's bss overlaps it."""
    pvh = good_pvh(64)
    (load,) = pvh.loads
    code = replace(load, p_filesz=0x1000, p_memsz=0x3000)
    data = replace(load, p_offset=0x2000, p_paddr=DATA, p_filesz=0x1000, p_memsz=0x1000)
    # mov DATA, %al; out %al, $EXIT_PORT; 1: hlt; jmp 1b
    entry = b"\xa0" + DATA.to_bytes(4, "little") + bytes([0xE6, EXIT_PORT, 0xF4, 0xEB, 0xFD])
    image = replace(pvh, loads=(code, data) if data_last else (data, code))
    return image.patching(CODE_OFFSET + PVH_ENTRY, entry).patching(0x2000, bytes([VALUE]))


@pytest.mark.parametrize(("data_last", "status"), [(True, 2 * VALUE + 1), (False, 1)])
def test_the_later_segment_wins_on_xen(tmp_path: Path, data_last: bool, status: int) -> None:
    image = tmp_path / "image"
    image.write_bytes(bytes(two_segments(data_last=data_last)))
    outcome = boot(image, mode="pvh")
    assert outcome.status == status, outcome.reason
    verdict = read_report(image, Xen()).verdicts["xen-pvh-dom0"]
    assert [finding.id for finding in verdict.errors] == ([] if data_last else ["X13"])


@pytest.mark.usefixtures("linux_dom0")
def test_xl_starts_an_elf32_without_notes_at_its_entry(tmp_path: Path) -> None:
    """xl loads the ELF32 as HVM firmware, whose output to port 0xe9 Xen prints."""
    words = b"RESULT: PASS\n\0"
    entry = PADDR + PVH_ENTRY
    # mov $words, %esi; 1: lodsb; test %al, %al; jz 2f; out %al, $0xe9; jmp 1b; 2: cli; hlt; jmp 2b
    code = b"\xbe" + (entry + 0x20).to_bytes(4, "little")
    code += bytes.fromhex("ac 84c0 7404 e6e9 ebf7 fa f4 ebfc")
    bare = replace(good_pvh(32), notes=())
    image = tmp_path / "image"
    image.write_bytes(
        bytes(bare.patching(CODE_OFFSET + PVH_ENTRY, code.ljust(0x20, b"\x90") + words))
    )
    outcome = boot(image, mode="pvh-domu")
    assert any("RESULT: PASS" in line for line in outcome.console), outcome.reason
    verdict = read_report(image, Xen()).verdicts["xen-pvh-domu"]
    assert [finding.id for finding in verdict.warnings] == ["V2"]
    assert verdict.errors == ()
