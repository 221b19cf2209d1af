# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The structures that gdb's commands show, compared with Xen's headers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from programs import installed
from xen_tool.boot.debugger import layouts
from xen_tool.boot.debugger.layouts import layout

STRUCTURES = {
    "start_info": layouts.START_INFO,
    "vcpu_info": layouts.VCPU_INFO,
    "hvm_start_info": layouts.HVM_START_INFO,
    "hvm_modlist_entry": layouts.HVM_MODLIST_ENTRY,
    "hvm_memmap_table_entry": layouts.HVM_MEMMAP_ENTRY,
}
NUMBERS = {
    "XEN_LEGACY_MAX_VCPUS": layouts.MAX_VCPUS,
    "SIF_INITDOMAIN": layouts.SIF_INITDOMAIN,
    "XEN_HVM_START_MAGIC_VALUE": layouts.HVM_START_INFO_MAGIC,
}


@pytest.mark.parametrize("bits", [64, 32])
def test_sizes_and_offsets_are_those_of_xens_headers(gcc: str, tmp_path: Path, bits: int) -> None:
    _, root = installed("usr/include/xen/xen.h")
    claims = [f"{name} == {value}" for name, value in NUMBERS.items()]
    for name, text in STRUCTURES.items():
        shape = layout(text, bits)
        claims.append(f"sizeof(struct {name}) == {shape.size}")
        for field in shape.fields:
            of = f"((struct {name} *)0)->{field.name}"
            claims.append(f"offsetof(struct {name}, {field.name}) == {field.offset}")
            claims.append(f"sizeof({of}) == {field.width * max(field.elements, 1)}")
    # What lies behind the virtual CPUs in the shared page.
    start = layout(layouts.VCPU_INFO, bits).size * layouts.MAX_VCPUS
    for field in layout(f"{layouts.CHANNELS} {layouts.WALL_CLOCK}", bits).fields:
        claims.append(f"offsetof(struct shared_info, {field.name}) == {start + field.offset}")
    lines = ["#include <stddef.h>", "#include <stdint.h>", "#include <xen/xen.h>"]
    lines += ["#include <xen/arch-x86/hvm/start_info.h>"]
    lines += [f'_Static_assert({claim}, "{claim}");' for claim in claims]
    command = [gcc, f"-m{bits}", "-ffreestanding", "-D__XEN_INTERFACE_VERSION__=0x00040d00"]
    command += ["-idirafter", str(root / "usr/include"), "-fsyntax-only", "-x", "c", "-"]
    result = subprocess.run(
        command, input="\n".join(lines), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert len(claims) > 90
