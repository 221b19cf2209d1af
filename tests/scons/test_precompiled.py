# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Precompiled headers that steps make: their users wait for them, and follow their headers."""

from __future__ import annotations

from pathlib import Path

import pytest

from forked import TOOLPATH
from programs import program
from project import Project

_SCONSTRUCT = f"""
import os

DefaultEnvironment(tools=[])
env = Environment(
    tools=["xen_tool"],
    toolpath=[{TOOLPATH!r}],
    ENV={{"PATH": os.environ["PATH"]}},
    CPPPATH=["#build/x86_64/include", "#include"],
)
env.XenConfigure("Kconfig")
flags = ["-Winvalid-pch", "-Werror"]
Default(env.XenObject("a.c", CCFLAGS=["-include", "build/x86_64/include/all.h", *flags]))
Default(env.XenObject("b.c", CCFLAGS=[*WAY, *flags]))
Default(env.XenObject("other.c"), env.XenObject("plain.c"))
env.XenObject("include/all.h")
"""
_WAYS = {
    "gcc": ["-include", "all.h"],
    "clang": ["-include-pch", "build/x86_64/include/all.h.gch"],
}
HEADER, USERS = "CC all.h.gch", {"CC a.o", "CC b.o"}


@pytest.mark.parametrize("name", _WAYS)
def test_a_precompiled_header(tmp_path: Path, name: str) -> None:
    program(name)
    tree = Project(tmp_path)
    tree.write("SConstruct", f"WAY = {_WAYS[name]}\n{_SCONSTRUCT}")
    tree.write("Kconfig", 'config A\n\tbool "a"\nconfig B\n\tbool "b"\n')
    tree.write("include/all.h", '#ifndef ALL\n#define ALL\n#include "inner.h"\n#endif\n')
    tree.write("include/inner.h", "#ifdef CONFIG_A\n#endif\nenum { INNER = 1 };\n")
    tree.write("a.c", "int a = INNER;\n")
    tree.write("b.c", "int b = INNER;\n")
    # This file reads the same headers without precompilation.
    tree.write("other.c", '#include "all.h"\nint other;\n')
    tree.write("plain.c", "int plain;\n")

    def built(*settings: str) -> set[str]:
        run = tree.scons("-j2", f"TOOLCHAIN={name}", *settings)
        return run.names - {"CONFIG .config"}

    # If a user did not wait, its command failed.
    assert built() == {HEADER, *USERS, "CC other.o", "CC plain.o"}
    assert built() == set()
    (tree.top / "include/inner.h").touch()
    assert built() == set()
    tree.edit("include/inner.h", "INNER = 1", "INNER = 2")
    assert built() == {HEADER, *USERS, "CC other.o"}
    assert b"\2\0\0\0" in (tree.top / "build/x86_64/a.o").read_bytes()
    # Nothing is made again in this run or the next.
    assert built("B=1") == set()
    assert built("B=1") == set()
    assert built("B=1", "A=1") == {HEADER, *USERS, "CC other.o"}
    (tree.top / "build/x86_64/include/all.h.gch").write_bytes(b"other")
    assert HEADER in built("B=1", "A=1")
    assert built("B=1", "A=1") == set()
    # clang would refuse one that is older than its headers.
    (tree.top / "include/inner.h").touch()
    tree.write("a.c", "int a = INNER + 1;\n")
    assert built("B=1", "A=1") == {"CC a.o"}
