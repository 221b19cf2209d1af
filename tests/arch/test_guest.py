# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The numbers in the reference guest agree with those in its head object."""

from __future__ import annotations

import re
import subprocess

import pytest

from project import TOP
from xen_tool.abi import HYPERCALLS, I386, LOAD_PHYSICAL_ADDR, X86_64, Arch
from xen_tool.head.config import HeadConfig


def _preprocessed(gcc: str, text: str, *defines: str) -> str:
    command = [gcc, "-E", "-P", *(f"-D{define}" for define in defines), "-I", "arch/x86/xen", "-"]
    return subprocess.run(
        command, cwd=TOP, input=text, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("kasan", [False, True])
@pytest.mark.parametrize("arch", [X86_64, I386], ids=lambda arch: arch.name)
def test_the_layout_is_that_of_the_head_object(gcc: str, arch: Arch, kasan: bool) -> None:
    symbols = {"XEN": "y", "PAGE_OFFSET": "0x80000000", "KASAN": "y" if kasan else "n"}
    config = HeadConfig.from_symbols(arch, symbols)
    assert config is not None
    defines = [f"CONFIG_{arch.symbol}=1", "CONFIG_PAGE_OFFSET=0x80000000"]
    defines += ["CONFIG_KASAN=1"] if kasan else []
    text = '#include "layout.h"\nVIRT_BASE THREAD_SIZE LOAD_PHYSICAL_ADDR'
    values = _preprocessed(gcc, text, *defines).split()
    assert [int(value, 16) for value in values] == [
        *(config.virt_base, config.thread_size, LOAD_PHYSICAL_ADDR)
    ]


def test_the_hypercalls_that_the_guest_uses_have_xens_numbers() -> None:
    text = "".join(
        (TOP / f"arch/x86/xen/{name}").read_text() for name in ("xen-abi.h", "pvh-abi.h")
    )
    used = re.findall(r"#define __HYPERVISOR_(\w+) (\d+)", text)
    assert used
    for name, number in used:
        assert HYPERCALLS[int(number)] == name
