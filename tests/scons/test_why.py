# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`scons why`: of a value, and of a target."""

from __future__ import annotations

import json
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
        "the smallest settings that give it, tried: ARCH=i386 VMSPLIT_2G=y"
    )
    assert built_kernel.up_to_date()


def test_the_printed_settings_give_the_value(kernel: Project) -> None:
    kernel.write(".config", "# CONFIG_XEN is not set\n")
    way = why(kernel, "XEN_PV=y")[-1].removeprefix("the smallest settings that give it, tried: ")
    lines = kernel.scons("listconfig", *way.split()).out.splitlines()
    assert ["XEN_PV", "y", "on the command line"] in [line.split(maxsplit=2) for line in lines]


def test_a_target_by_its_absolute_path(built_kernel: Project) -> None:
    absolute = f"TARGET={built_kernel.top}/build/x86_64/vmlinux"
    assert why(built_kernel, absolute) == why(built_kernel, VMLINUX)


def test_a_first_build(kernel: Project) -> None:
    # The answer is the same before the build and after it.
    for state in ("is to be built", "was built"):
        lines = why(kernel, VMLINUX)
        assert lines[:2] == [
            f"build/x86_64/vmlinux {state}, because",
            "  - no earlier build of it is recorded",
        ]
        assert len(lines) < 10
        assert lines[-1].startswith("      -> and ")
        kernel.scons()


def test_an_edit(built_kernel: Project) -> None:
    path = built_kernel.top / "arch/x86/xen/lib.c"
    path.write_text(path.read_text() + "int more;\n")
    reasons = [
        "  - arch/x86/xen/lib.c changed",
        "      -> build/x86_64/arch/x86/xen/lib.o",
        "  which went into",
        "      -> build/x86_64/vmlinux.unchecked",
        "      -> build/x86_64/vmlinux",
    ]
    expected = ["build/x86_64/vmlinux is not up to date now, because", *reasons]
    assert why(built_kernel, VMLINUX)[-6:] == expected
    built_kernel.scons()
    assert why(built_kernel, VMLINUX) == ["build/x86_64/vmlinux was built, because", *reasons]
    path.write_text(path.read_text() + "/* no more */\n")
    built_kernel.scons()
    assert why(built_kernel, VMLINUX)[0] == (
        "build/x86_64/vmlinux was up to date in the last run; this is why it was built before"
    )


def test_a_symbol_with_both_values_and_where_it_counts(built_kernel: Project) -> None:
    built_kernel.scons("SMP=0")
    assert why(built_kernel, VMLINUX)[1] == (
        "  - CONFIG_SMP changed from y to n (arch/x86/xen/percpu.h, arch/x86/xen/vmlinux.lds.S, "
        "arch/x86/xen/checks/run.c mention it)"
    )
    assert why(built_kernel, "TARGET=mmu.o")[:2] == [
        "build/x86_64/arch/x86/xen/mmu.o was built, because",
        "  - CONFIG_SMP changed from y to n (arch/x86/xen/percpu.h mentions it)",
    ]


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


def test_alwaysbuild_in_a_sconscript_is_named_as_the_reason(built_kernel: Project) -> None:
    build = "Default(vmlinux)\n"
    built_kernel.edit("SConstruct", build, f"{build}AlwaysBuild(vmlinux)\n")
    built_kernel.scons()
    assert why(built_kernel, VMLINUX) == [
        "build/x86_64/vmlinux was built, because",
        "  - a SConscript declares more for it (Depends, AlwaysBuild, an action)",
    ]


def test_a_symbol_without_a_value(kernel: Project) -> None:
    assert kernel.scons(
        "why",
        "VMSPLIT_2G",
        "XEN",
    ).out.splitlines() == [
        "VMSPLIT_2G is n (default); its type is bool, defined at kconfig/Kconfig.x86:44",
        "  it depends on X86_32 (=n)",
        "  it is one of VMSPLIT_3G, VMSPLIT_2G, VMSPLIT_1G",
        "  what depends on it: PAGE_OFFSET",
        "XEN is y (in kconfig/configs/x86_64_defconfig:3); its type is bool, "
        "defined at kconfig/Kconfig.xen:5",
        "  it depends on X86_64 (=y) || X86_32 (=n)",
        "  what depends on it: XEN_HYPERCALL_PAGE, XEN_PV, XEN_PVH",
    ]
    assert "do you mean XEN_PV" in kernel.run("why", "XEN_VP").err


def test_a_target_that_is_no_longer_made(built_kernel: Project) -> None:
    built_kernel.edit("arch/x86/xen/SConscript", "smp.c ", "")
    assert why(built_kernel, "TARGET=smp.o")[0] == (
        "build/x86_64/arch/x86/xen/smp.o is not made by this build; this is why it was built before"
    )


def test_a_target_that_no_step_makes_is_an_error(built_kernel: Project) -> None:
    built_kernel.edit(
        "SConstruct", "Default(vmlinux)", "Command('other', [], Touch('$TARGET'))\nDefault(vmlinux)"
    )

    def message(*arguments: str) -> str:
        run = built_kernel.run("why", *arguments)
        assert run.status == 2
        return run.err

    assert "no step makes it; do you mean build/x86_64/vmlinux" in message("TARGET=vmlinus")
    assert "this is a source" in message("TARGET=arch/x86/xen/lib.c")
    assert "another builder makes it; type `scons --debug=explain other`" in message("TARGET=other")
    assert "type `scons why XEN_PV=y`" in message()
    assert "do you mean XEN_PV" in message("XEN_VP=1")


def test_json(built_kernel: Project) -> None:
    (built_kernel.top / "build/x86_64/vmlinux").unlink()
    missing = {"reason": "its file was missing", "files": {"build/x86_64/vmlinux": []}}
    answer = json.loads(built_kernel.scons("why", "TARGET=vmlinux", "XEN=1", "--json").out)
    first = answer.pop("built")
    assert answer == {
        "schema": 1,
        "target": "build/x86_64/vmlinux",
        "due": {"causes": [missing], "results": []},
        "last_run": True,
        "symbols": {"XEN=1": [answer["symbols"]["XEN=1"][0]]},
    }
    (cause,) = first["causes"]
    assert "build/x86_64/arch/x86/xen/lib.o" in cause["files"]


def test_another_compiler_is_named_once(built_kernel: Project, tmp_path: Path, gcc: str) -> None:
    wrapper = tmp_path / "my-gcc"
    wrapper.write_text(f'#!/bin/sh\nexec {gcc} "$@"\n')
    wrapper.chmod(0o755)
    built_kernel.scons(f"CC={wrapper}")
    wrapper.write_text(f'#!/bin/sh\nexec {gcc} "$@" -Os\n')
    built_kernel.scons(f"CC={wrapper}")
    lines = why(built_kernel, VMLINUX)
    assert lines[:2] == [
        "build/x86_64/vmlinux was built, because",
        f"  - the toolchain changed: {wrapper}",
    ]
    assert lines.index("  which went into") < 8
    assert lines[8:10] == [
        "      -> build/x86_64/vmlinux.unchecked",
        "      -> build/x86_64/vmlinux",
    ]


def test_a_failed_compile(built_kernel: Project) -> None:
    path = built_kernel.top / "arch/x86/xen/lib.c"
    good = path.read_text()
    path.write_text(good + "int more\n")
    assert built_kernel.run().status == 2
    lib = "TARGET=build/x86_64/arch/x86/xen/lib.o"
    causes = ["  - its last build failed", "  - arch/x86/xen/lib.c changed"]
    first = "build/x86_64/arch/x86/xen/lib.o is to be built, because"
    assert why(built_kernel, lib) == [first, *causes]
    # The source is that of the last good build again, but the failed step removed the object.
    path.write_text(good)
    assert why(built_kernel, lib) == [first, causes[0]]
    built_kernel.scons()
    assert why(built_kernel, lib)[1:] == [causes[0]]
    assert built_kernel.up_to_date()


def test_the_configuration_itself(built_kernel: Project) -> None:
    built_kernel.scons("SMP=0")
    assert why(built_kernel, "TARGET=build/x86_64/.config")[:2] == [
        "build/x86_64/.config was built, because",
        "  - CONFIG_SMP changed from y to n",
    ]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"run": "x", "steps": []}', '{"run": 1, "steps": {"a": 5}}']
)
def test_a_damaged_record_counts_as_missing(built_kernel: Project, text: str) -> None:
    built_kernel.write("build/x86_64/.build.db", text)
    assert "  - no earlier build of it is recorded" in why(built_kernel, VMLINUX)
    built_kernel.scons("SMP=0")
    assert why(built_kernel, VMLINUX)[0] == "build/x86_64/vmlinux was built, because"
