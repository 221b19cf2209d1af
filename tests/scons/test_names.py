# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Targets as people type them, and compile_commands.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from project import Project
from sources import SOURCES

BUILD = "build/x86_64"
LIB = f"{BUILD}/{SOURCES}/lib"


@pytest.mark.parametrize("name", ["vmlinux", "all", f"{BUILD}/vmlinux"])
def test_the_image_by_its_name(kernel: Project, name: str) -> None:
    assert kernel.scons("-j2", name).steps[-1] == f"CHECK {BUILD}/vmlinux"
    assert kernel.up_to_date(name)


@pytest.mark.usefixtures("each_scons")
@pytest.mark.parametrize(
    ("name", "step"), [("o", "CC"), ("i", "CPP"), ("s", "ASM")], ids=["o", "i", "s"]
)
def test_the_name_of_a_source_builds_its_object(kernel: Project, name: str, step: str) -> None:
    target = f"{SOURCES}/lib.{name}"
    assert kernel.scons(target).steps == [f"CONFIG {BUILD}/.config", f"{step} {LIB}.{name}"]
    assert kernel.up_to_date(target)
    kernel.edit(f"{SOURCES}/string.h", "#include", "extern int new_in_header;\n#include")
    assert kernel.scons(target).steps == [f"{step} {LIB}.{name}"]
    text = (kernel.top / f"{LIB}.{name}").read_bytes()
    assert (b"new_in_header" in text) == (name == "i")


@pytest.mark.usefixtures("each_scons")
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("vmlinx", "vmlinux"),
        ("prinkt.o", "printk.o"),
        ("printk.s", f"{SOURCES}/printk.s"),
        ("bot", "boot"),
    ],
)
def test_the_error_for_a_misspelt_target_names_the_nearest(
    kernel: Project, typed: str, meant: str
) -> None:
    run = kernel.run(typed)
    assert run.status == 2
    assert f"there is no target {typed}; do you mean " in run.err
    assert meant in run.err
    assert not (kernel.top / "build/x86_64/vmlinux").exists()


def entries(path: Path) -> dict[str, dict[str, Any]]:
    return {entry["output"]: entry for entry in json.loads(path.read_text())}


def test_compile_commands_lie_beside_the_image(built_kernel: Project) -> None:
    # The fixture is a copy of what was built elsewhere.
    built_kernel.scons()
    path = built_kernel.top / BUILD / "compile_commands.json"
    entry = entries(path)[f"{LIB}.o"]
    assert entry["file"] == f"{SOURCES}/lib.c"
    assert entry["directory"] == str(built_kernel.top)
    assert entry["arguments"][-4:] == ["-c", "-o", f"{LIB}.o", f"{SOURCES}/lib.c"]
    before = path.stat().st_mtime_ns
    built_kernel.edit(f"{SOURCES}/lib.c", "#include <", "extern int one;\n#include <")
    built_kernel.scons()
    assert path.stat().st_mtime_ns == before
    built_kernel.edit("SConstruct", '"-Wextra"', '"-Wextra", "-DNEW"')
    built_kernel.scons()
    assert "-DNEW" in entries(path)[f"{LIB}.o"]["arguments"]


@pytest.mark.usefixtures("each_scons")
def test_the_target_writes_them_at_the_top(kernel: Project) -> None:
    kernel.scons("compile_commands.json")
    assert f"{LIB}.o" in entries(kernel.top / "compile_commands.json")


@pytest.mark.usefixtures("each_scons")
def test_a_projects_own_database_has_our_entries(kernel: Project) -> None:
    lines = (
        'env.Tool("compilation_db")\nDefault(env.CompilationDatabase("compile_commands.json"))\n'
    )
    text = (kernel.top / "SConstruct").read_text()
    # It is declared before the objects and after them, and built before any of them.
    for place in ("head = env", "Default(vmlinux)"):
        kernel.write("SConstruct", text.replace(place, f"{lines}{place}", 1))
        for targets in (["compile_commands.json"], ["-j2"]):
            kernel.scons(*targets)
            entry = entries(kernel.top / "compile_commands.json")[f"{LIB}.o"]
            assert entry["command"].endswith(f"-c -o {LIB}.o {SOURCES}/lib.c")
            (kernel.top / "compile_commands.json").unlink()
