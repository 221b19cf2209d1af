# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""readnotes of Xen, which reads notes as the domain builder does, on the linked image."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from programs import installed
from project import Project

Readnotes = Callable[[Path], list[str]]


@pytest.fixture
def readnotes() -> Readnotes:
    program, root = installed("usr/lib/xen-*/bin/readnotes")
    libraries = os.pathsep.join(str(folder) for folder in root.glob("usr/lib/*-linux-gnu"))

    def read(image: Path) -> list[str]:
        environment = {**os.environ, "LD_LIBRARY_PATH": libraries}
        command = [str(program), str(image)]
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        # readnotes does not print every type.
        lines = result.stdout.splitlines()
        return [" ".join(line.split()) for line in lines if "unknown note type" not in line]

    return read


def test_a_64_bit_image(built_kernel: Project, readnotes: Readnotes) -> None:
    lines = readnotes(built_kernel.top / "build/x86_64/vmlinux")
    entry, page = (lines.pop(i) for i in (4, 4))
    assert entry.startswith("ENTRY: 0xffffffff81")
    assert page.startswith("HYPERCALL_PAGE: 0xffffffff81")
    assert page.endswith("000 (8 bytes)")
    assert lines == [
        "GUEST_OS: linux",
        "GUEST_VERSION: 2.6",
        "XEN_VERSION: xen-3.0",
        "VIRT_BASE: 0xffffffff80000000 (8 bytes)",
        "FEATURES: !writable_page_tables|pae_pgdir_above_4gb",
        "PAE_MODE: yes",
        "LOADER: generic",
        "L1_MFN_VALID: mask=0x1 value=0x1",
        "SUSPEND_CANCEL: 0x1 (4 bytes)",
        "HV_START_LOW: 0xffff800000000000 (8 bytes)",
        "PADDR_OFFSET: 0 (8 bytes)",
    ]


def test_a_32_bit_image(kernel: Project, readnotes: Readnotes) -> None:
    kernel.scons("ARCH=i386", "VMSPLIT_1G=1")
    lines = readnotes(kernel.top / "build/i386/vmlinux")
    assert "VIRT_BASE: 0x40000000 (4 bytes)" in lines
    assert "HV_START_LOW: 0xf5800000 (4 bytes)" in lines
    assert lines[4].startswith("ENTRY: 0x41")


def test_an_image_without_xen_has_none(kernel: Project, readnotes: Readnotes) -> None:
    kernel.scons("XEN=0")
    assert readnotes(kernel.top / "build/x86_64/vmlinux") == []
