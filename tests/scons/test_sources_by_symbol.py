# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""env.XenSources(): the chosen files, and the line numbers in errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from project import Project
from xen_tool.config.conditions import holds
from xen_tool.errors import XenToolError

KCONFIG = """
config SMP
	bool "SMP"
config NET
	bool "net"
	default y
config CPUS
	int "CPUs"
	default 4
"""
TABLE = """
sources = env.XenSources({
    "y": "main.c lib.c",
    "SMP": ["smp.c", File("lib.c")],
    "NET && !SMP": \"\"\"
        net.c
    \"\"\",
    "SMP || (NET && !y)": env.Command("out.c", [], Touch("$TARGET")),
})
env.XenImage("k", sources, script="k.lds", loaders=[])
"""


@pytest.fixture
def tree(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.write_small(TABLE, kconfig=KCONFIG)
    for name in ("main", "lib", "smp", "net"):
        project.write(f"{name}.c", f"int {name};\n")
    return project


def test_the_configuration_chooses_the_compiled_sources(tree: Project) -> None:
    def compiled(*arguments: str) -> set[str]:
        return {n for n in tree.scons("-n", *arguments).names if n.startswith("CC")}

    assert compiled() == {"CC main.o", "CC lib.o", "CC net.o"}
    assert compiled("SMP=1") == {"CC main.o", "CC lib.o", "CC smp.o", "CC out.o"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"SMP":', '"SNP":', "SConstruct:15: there is no symbol SNP in Kconfig; do you mean SMP?"),
        ('"SMP":', '"CONFIG_SMP":', "SConstruct:15: there is no symbol CONFIG_SMP in Kconfig; do"),
        ('"SMP":', '"CPUS":', "SConstruct:15: CPUS is 4: a condition is of bool symbols"),
        ('"SMP":', '"SMP &":', "SConstruct:15: 'SMP &' is no condition"),
        ("smp.c", "spm.c", "SConstruct:15: spm.c: there is no such file; do you mean smp.c?"),
        ("net.c", "nat.c", "SConstruct:17: nat.c: there is no such file; do you mean net.c?"),
    ],
)
def test_errors_have_the_line_of_the_sconstruct(
    tree: Project, old: str, new: str, words: str
) -> None:
    # SMP is n, but an unknown file is an error all the same.
    tree.edit("SConstruct", old, new)
    run = tree.run()
    assert run.status == 2
    assert f"scons: *** {words}" in run.err
    assert len(run.err.splitlines()) == 1


def test_a_file_that_appears_is_compiled(tree: Project) -> None:
    tree.edit("SConstruct", "smp.c", "late.c")
    assert tree.run().status == 2
    tree.write("late.c", "int late;\n")
    assert "CC late.o" in tree.scons("SMP=1").names


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("y", True),
        ("n", False),
        ("A", True),
        ("!A", False),
        ("!!A", True),
        ("A && B", False),
        ("A || B", True),
        ("B && A || A", True),
        ("A || B && B", True),
        ("(A || B) && B", False),
        ("!(A && B)", True),
        ("M", False),
    ],
)
def test_conditions(condition: str, expected: bool) -> None:
    assert holds(condition, {"A": "y", "B": "n", "M": "m"}) is expected


@pytest.mark.parametrize("condition", ["", "A B", "A &&", "(A", "A)", "A & B", "A=y", "&& A", "!"])
def test_a_wrong_condition_is_an_error(condition: str) -> None:
    with pytest.raises(XenToolError, match="is no condition"):
        holds(condition, {"A": "y", "B": "y"})
