# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`scons why`: of a value, and of a target."""

from __future__ import annotations

from pathlib import Path

import pytest

from project import Project

VMLINUX = "TARGET=build/x86_64/vmlinux"


def why(kernel: Project, *arguments: str) -> list[str]:
    return kernel.scons("why", *arguments).out.splitlines()


def test_a_setting_after_why_is_a_question(built_kernel: Project) -> None:
    assert why(built_kernel, "XEN_PV=n") == [
        "XEN_PV is y (in kconfig/configs/x86_64_defconfig:4); it can be n",
        "type XEN_PV=n",
    ]
    assert why(built_kernel, "VMSPLIT_2G=y")[-1] == (
        "the smallest way there, tried: ARCH=i386 VMSPLIT_2G=y"
    )
    assert built_kernel.up_to_date()


def test_the_way_that_is_told_is_a_way(kernel: Project) -> None:
    kernel.write(".config", "# CONFIG_XEN is not set\n")
    way = why(kernel, "XEN_PV=y")[-1].removeprefix("the smallest way there, tried: ")
    lines = kernel.scons("listconfig", *way.split()).out.splitlines()
    assert ["XEN_PV", "y", "on the command line"] in [line.split(maxsplit=2) for line in lines]


def test_a_target_by_its_absolute_path(built_kernel: Project) -> None:
    absolute = f"TARGET={built_kernel.top}/build/x86_64/vmlinux"
    assert why(built_kernel, absolute) == why(built_kernel, VMLINUX)


def test_a_first_build(built_kernel: Project) -> None:
    lines = why(built_kernel, VMLINUX)
    assert lines[:2] == [
        "build/x86_64/vmlinux was built, because",
        "  - it was not built here before",
    ]
    assert "    build/x86_64/arch/x86/xen/setup.o was built, because" in lines


def test_an_edit(built_kernel: Project) -> None:
    path = built_kernel.top / "arch/x86/xen/lib.c"
    path.write_text(path.read_text() + "int more;\n")
    built_kernel.scons()
    assert why(built_kernel, VMLINUX) == [
        "build/x86_64/vmlinux was built, because",
        "  - build/x86_64/vmlinux.unchecked changed",
        "  build/x86_64/vmlinux.unchecked was built, because",
        "    - build/x86_64/arch/x86/xen/lib.o changed",
        "    build/x86_64/arch/x86/xen/lib.o was built, because",
        "      - arch/x86/xen/lib.c changed",
    ]
    path.write_text(path.read_text() + "/* no more */\n")
    built_kernel.scons()
    assert why(built_kernel, VMLINUX)[0] == (
        "build/x86_64/vmlinux was up to date in the last run; this is why it was built before"
    )


def test_a_symbol_with_both_values(built_kernel: Project) -> None:
    built_kernel.scons("KASAN=1")
    lines = why(built_kernel, VMLINUX)
    assert "      - CONFIG_KASAN changed from n to y" in lines
    assert not [line for line in lines if "SMP" in line]


def test_flags_and_headers(built_kernel: Project) -> None:
    built_kernel.write("arch/x86/xen/fresh.h", "\n")
    path = built_kernel.top / "arch/x86/xen/lib.c"
    path.write_text(path.read_text() + '#include "fresh.h"\n')
    built_kernel.edit("SConstruct", '"-Wextra"', '"-Wextra", "-DFRESH"')
    built_kernel.scons()
    assert why(built_kernel, "TARGET=build/x86_64/arch/x86/xen/lib.o") == [
        "build/x86_64/arch/x86/xen/lib.o was built, because",
        "  - arch/x86/xen/lib.c changed",
        "  - the command has -DFRESH now",
        "  - arch/x86/xen/fresh.h is read now",
    ]


def test_a_deleted_target(built_kernel: Project) -> None:
    (built_kernel.top / "build/x86_64/vmlinux").unlink()
    built_kernel.scons()
    assert why(built_kernel, VMLINUX) == [
        "build/x86_64/vmlinux was built, because",
        "  - its file was missing",
    ]


def test_what_is_not_recorded_is_told(built_kernel: Project) -> None:
    run = built_kernel.run("why", "TARGET=build/x86_64/other")
    assert run.status == 2
    assert "nothing is recorded of it; what is: build/x86_64/.config" in run.err
    assert "type `scons why XEN_PV=y`" in built_kernel.run("why").err
    assert "do you mean XEN_PV" in built_kernel.run("why", "XEN_VP=1").err


def test_another_compiler(built_kernel: Project, tmp_path: Path, gcc: str) -> None:
    wrapper = tmp_path / "my-gcc"
    wrapper.write_text(f'#!/bin/sh\nexec {gcc} "$@"\n')
    wrapper.chmod(0o755)
    built_kernel.scons(f"CC={wrapper}")
    wrapper.write_text(f'#!/bin/sh\n# upgraded\nexec {gcc} "$@"\n')
    built_kernel.scons(f"CC={wrapper}")
    assert why(built_kernel, "TARGET=build/x86_64/arch/x86/xen/lib.o") == [
        "build/x86_64/arch/x86/xen/lib.o was built, because",
        f"  - the toolchain changed: {wrapper}",
    ]


def test_the_configuration_itself(built_kernel: Project) -> None:
    built_kernel.scons("SMP=0")
    assert why(built_kernel, "TARGET=build/x86_64/.config") == [
        "build/x86_64/.config was built, because",
        "  - CONFIG_SMP changed from y to n",
    ]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"run": "x", "steps": []}', '{"run": 1, "steps": {"a": 5}}']
)
def test_a_damaged_record_is_as_good_as_none(built_kernel: Project, text: str) -> None:
    built_kernel.write("build/x86_64/.build.db", text)
    assert "nothing is recorded of it" in built_kernel.run("why", VMLINUX).err
    built_kernel.scons("SMP=0")
    assert why(built_kernel, VMLINUX)[0] == "build/x86_64/vmlinux was built, because"
