# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""One image, PV and PVH, in every mode; and its PVH entry at an address it was not linked for."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from booted import boot
from project import Project, checks_in, reference_kernel
from xen_tool.abi import XenElfNote

pytestmark = pytest.mark.usefixtures("linux_dom0")

PT_LOAD, PT_NOTE = 1, 4
DISTANCE = 0x2400000


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The reference kernel, built in a folder for each configuration."""
    return reference_kernel(tmp_path_factory.mktemp("pvh") / "kernel")


def _built(kernel: Project, *settings: str) -> Path:
    folder = f"build/{'-'.join(settings) or 'default'}"
    kernel.scons("ARCH=x86_64", "XEN_PVH=1", f"O={folder}", *settings)
    return kernel.top / folder / "vmlinux"


def _checks(kernel: Project, file: str) -> set[str]:
    text = (kernel.top / "arch/x86/xen/checks" / file).read_text()
    return set(re.findall(r'^\t\{"(\w+)",', text[text.index("table[] = {") :], re.MULTILINE))


def _passed(console: Sequence[str]) -> set[str]:
    return {line.removeprefix("PASS ") for line in console if line.startswith("PASS ")}


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("XEN_PV=0",),
        ("XEN_HYPERCALL_PAGE=0",),
        ("XEN_PV=0", "XEN_HYPERCALL_PAGE=0", "SMP=0"),
        ("KASAN=1", "STACK_VALIDATION=1"),
        ("TOOLCHAIN=zig",),
    ],
    ids="-".join,
)
def test_one_image_boots_in_every_mode(kernel: Project, settings: tuple[str, ...]) -> None:
    if "TOOLCHAIN=zig" in settings:
        pytest.importorskip("ziglang", reason="ziglang is not installed")
    image = _built(kernel, *settings)
    modes = ["pvh", "qemu", *([] if "XEN_PV=0" in settings else ["pv"])]
    if not settings:
        # For one configuration only, as a domU takes several times as long.
        modes += ["pv-domu", "pvh-domu"]
    with ThreadPoolExecutor(2) as pool:
        started = {mode: pool.submit(boot, image, mode=mode) for mode in modes}
    outcomes = {mode: future.result() for mode, future in started.items()}
    for mode, outcome in outcomes.items():
        assert outcome.passed, (mode, outcome.reason)
        assert outcome.reason == "the guest reported RESULT: PASS"
        assert outcome.status == 33
        # The log begins with Xen's first line.
        assert any("(XEN) Xen version" in line for line in outcome.console) == (mode != "qemu")
    start, with_xen = _checks(kernel, "pvh_start.c"), _checks(kernel, "pvh_xen.c")
    assert len(start) >= 8
    if "XEN_HYPERCALL_PAGE=0" in settings:
        with_xen.remove("pvh_hypercall_page_filled")
    for mode in {"pvh", "pvh-domu"} & set(modes):
        assert _passed(outcomes[mode].console) == start | with_xen
    assert _passed(outcomes["qemu"].console) == start
    files = (kernel.top / "arch/x86/xen/checks").glob("*.c")
    as_pv = {name for file in files for name in checks_in(file, 64)}
    assert len(as_pv) > 100
    for mode in {"pv", "pv-domu"} & set(modes):
        console = outcomes[mode].console
        skipped = {line[5:].partition(":")[0] for line in console if line.startswith("SKIP ")}
        assert not skipped or "XEN_HYPERCALL_PAGE=0" in settings
        assert skipped <= {"hypercall_page_filled"}
        assert _passed(console) == as_pv - skipped


@pytest.mark.parametrize("mode", ["pvh", "qemu"])
def test_the_pvh_entry_runs_where_it_was_loaded(kernel: Project, tmp_path: Path, mode: str) -> None:
    image = tmp_path / "moved"
    image.write_bytes(_moved(_built(kernel).read_bytes()))
    outcome = boot(image, mode=mode)
    assert outcome.passed, outcome.reason
    assert any(f"loaded at {0x1000000 + DISTANCE:#x}," in line for line in outcome.console)


def test_a_pvh_image_is_refused_as_a_pv_kernel(kernel: Project) -> None:
    outcome = boot(_built(kernel, "XEN_PV=0"), mode="pv")
    assert any("ERROR: ELF start or entries are out of bounds" in s for s in outcome.console)


def _moved(image: bytes) -> bytes:
    """Return the image at other physical addresses, as a loader moves it by PHYS32_RELOC."""
    moved = bytearray(image)
    (e_phoff,) = struct.unpack_from("<Q", moved, 32)
    (e_phnum,) = struct.unpack_from("<H", moved, 56)
    for header in range(e_phoff, e_phoff + 56 * e_phnum, 56):
        (p_type,) = struct.unpack_from("<I", moved, header)
        p_offset, _, p_paddr, p_filesz = struct.unpack_from("<4Q", moved, header + 8)
        if p_type == PT_LOAD:
            struct.pack_into("<Q", moved, header + 24, p_paddr + DISTANCE)
        if p_type == PT_NOTE:
            _move_entry(moved, p_offset, p_offset + p_filesz)
    return bytes(moved)


def _move_entry(moved: bytearray, offset: int, end: int) -> None:
    while offset < end:
        namesz, descsz, kind = struct.unpack_from("<3I", moved, offset)
        desc = offset + 12 + (namesz + 3) // 4 * 4
        if kind == XenElfNote.PHYS32_ENTRY:
            (entry,) = struct.unpack_from("<I", moved, desc)
            struct.pack_into("<I", moved, desc, entry + DISTANCE)
        offset = desc + (descsz + 3) // 4 * 4
