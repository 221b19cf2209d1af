# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Every toolchain builds every kind of image without a warning, and finds nothing to do again."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from project import Project

# clang is taken where it is there; gcc and zig always are, in a test run.
TOOLCHAINS = ["gcc", "zig", *(["clang"] if shutil.which("clang") else [])]


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("arch", ["x86_64", "i386"])
def test_every_kind_of_image(kernel: Project, toolchain: str, arch: str) -> None:
    if toolchain == "zig":
        pytest.importorskip("ziglang", reason="ziglang is not installed")
    elif shutil.which(toolchain) is None:
        pytest.skip(f"{toolchain} is not installed")
    arguments = (f"TOOLCHAIN={toolchain}", f"ARCH={arch}")
    for settings in ("XEN=0", "XEN_PV=0", "XEN_PV=1"):
        kernel.scons(*arguments, settings)
        assert kernel.up_to_date(*arguments, settings)


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("arch", ["x86_64", "i386"])
def test_no_object_uses_the_fpu(kernel: Project, toolchain: str, arch: str) -> None:
    if toolchain == "zig":
        pytest.importorskip("ziglang", reason="ziglang is not installed")
    # What compilers copy by a vector register, if they may.
    copied = "struct s { long a, b, c, d; } x, y;\nvoid copy(void);\nvoid copy(void) { x = y; }\n"
    path = kernel.top / "arch/x86/xen/lib.c"
    path.write_text(path.read_text() + copied)
    kernel.scons(f"TOOLCHAIN={toolchain}", f"ARCH={arch}")
    command = ["objdump", "-d", str(kernel.top / f"build/{arch}/arch/x86/xen/lib.o")]
    code = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "<copy>:" in code
    assert not re.search(r"%[xyz]?mm\d", code)


def test_zig_makes_the_same_image_in_another_folder(kernel: Project) -> None:
    pytest.importorskip("ziglang", reason="ziglang is not installed")
    kernel.scons("TOOLCHAIN=zig")
    first = (kernel.top / "build/x86_64/vmlinux").read_bytes()
    moved = Project(kernel.top.rename(kernel.top.parent / "another place"))
    shutil.rmtree(moved.top / "build")
    moved.scons("TOOLCHAIN=zig")
    assert (moved.top / "build/x86_64/vmlinux").read_bytes() == first
