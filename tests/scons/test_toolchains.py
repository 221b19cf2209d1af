# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Every toolchain builds every kind of image without a warning, and finds nothing to do again."""

from __future__ import annotations

import re
import subprocess

import pytest

from project import Project

# Compilers copy such a structure by a vector register, if they may use one.
COPIED = "struct s { long a, b, c, d; } x, y;\nvoid copy(void);\nvoid copy(void) { x = y; }\n"


@pytest.mark.parametrize("arch", ["x86_64", "i386"])
def test_every_kind_of_image(kernel: Project, toolchain: str, arch: str) -> None:
    source = kernel.top / "arch/x86/xen/lib.c"
    source.write_text(source.read_text() + COPIED)
    arguments = (f"TOOLCHAIN={toolchain}", f"ARCH={arch}")
    for settings in ("XEN=0", "XEN_PV=0", "XEN_PV=1"):
        kernel.scons(*arguments, settings)
        assert kernel.up_to_date(*arguments, settings)
    # No object uses the FPU.
    command = ["objdump", "-d", str(kernel.top / f"build/{arch}/arch/x86/xen/lib.o")]
    code = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "<copy>:" in code
    assert not re.search(r"%[xyz]?mm\d", code)
