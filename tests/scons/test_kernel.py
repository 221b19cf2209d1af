# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""env.XenKernel(), what `scons -h` says in a foreign tree, and a forgotten XenConfigure."""

from __future__ import annotations

from pathlib import Path

import pytest

from project import Project
from xen_tool import generate

KCONFIG = """
config XEN
	def_bool y
config XEN_PVH
	def_bool y
config LOUD
	bool "Print in capitals"
"""
KERNEL = """
env.XenKernel("k", {"y": "main.c", "LOUD": "loud.c"}, script="k.lds", own_head=True, loaders=[])
"""


@pytest.fixture
def tree(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.write_small(KERNEL, kconfig=KCONFIG)
    project.write("main.c", "int main_of_it;\n")
    project.write("loud.c", "int loud;\n")
    return project


def test_one_call_gives_image_check_boot_and_gdb(tree: Project) -> None:
    assert {"CC main.o", "CHECK k"} <= tree.scons().names
    assert tree.up_to_date()
    assert "CC loud.o" in tree.scons("LOUD=1").names
    assert "LOUD" in tree.scons("listconfig").out
    assert "ELF64" in tree.scons("check").out
    for target in ("boot", "gdb"):
        assert f"{target.upper():<8}build/x86_64/k" in tree.scons("-n", target).out
    tree.scons("setconfig", "LOUD=1")
    assert "LD k.unchecked" in tree.scons().names


def test_a_kernel_may_have_a_head_object_and_a_symbol_table(tree: Project) -> None:
    tree.edit("SConstruct", "own_head=True", 'head_object={"stack": "s"}, kallsyms=True')
    steps = tree.scons("-n").names
    assert {"HEAD k-head.o", "KSYMS k-kallsyms.o", "LD k.unchecked"} <= steps


def test_a_second_kernel_has_a_name(tree: Project) -> None:
    again = KERNEL.replace('"k",', '"second",')
    tree.write_small(KERNEL + again, kconfig=KCONFIG)
    run = tree.run()
    assert run.status == 2
    assert "there is a target check already: give this kernel a name of its own" in run.err
    tree.edit("SConstruct", '"second", {', 'name="second", target="second", source={')
    assert "CHECK second" in tree.scons().names
    assert "build/x86_64/second" in tree.scons("-n", "boot-second").out


HELP = ["Targets of the tool:", "TIMEOUT=", "LOUD=n", "Print in capitals"]


@pytest.mark.parametrize(
    ("rest", "more", "never"),
    [
        (KERNEL, ["menuconfig", "listconfig"], []),
        (KERNEL.replace("own_head", 'text="Mine costs $5.", own_head'), ["Mine costs $5."], []),
        ("", [], ["menuconfig"]),
        ("env.XenConfigTargets()\n", ["menuconfig"], []),
        ('Help("Theirs.\\n")\n', ["Theirs."], []),
        ('env.XenHelp("Mine.")\n', ["Mine."], []),
    ],
)
def test_help_has_each_part_once(
    tree: Project, rest: str, more: list[str], never: list[str]
) -> None:
    tree.write_small(rest, kconfig=KCONFIG)
    out = tree.scons("-h").out
    for words in [*HELP, *more]:
        assert out.count(words) == 1, words
    for words in never:
        assert words not in out


class Names:
    """An environment that records the names of the methods added to it."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def AddMethod(self, method: object, name: str) -> None:  # noqa: N802 - as SCons has it
        self.names.append(name)


CALLS = {
    "XenHead": "'h.o'",
    "XenSources": "{'y': 'main.c'}",
    "XenObject": "'main.c'",
    "XenScript": "'k.lds.S'",
    "XenOffsets": "'o.h', 'main.c'",
    "XenKallsyms": "'t.o', 'main.c', script='k.lds'",
    "XenImage": "'k', 'main.c', script='k.lds'",
    "XenKernel": "'k', 'main.c', script='k.lds'",
    "XenNotes": "'n', File('k')",
    "XenSbom": "'k.spdx.json', File('k')",
    "XenBoot": "'boot', File('k')",
    "XenGdb": "'gdb', File('k')",
    "XenConfigTargets": "",
    "XenHelp": "'text'",
    "XenSummary": "File('k')",
}


def test_a_forgotten_configuration_is_one_sentence(tree: Project) -> None:
    env = Names()
    generate(env)
    # XenCheck accepts any file, and prints that it is no image.
    methods = [name for name in env.names if name not in ("XenConfigure", "XenCheck")]
    assert [name for name in methods if name not in CALLS] == []
    head = (tree.top / "SConstruct").read_text().partition("env.XenConfigure")[0]
    each = "\n".join(
        f"try:\n    env.{name}({CALLS[name]})\nexcept SystemExit as end:\n    print(end.code)"
        for name in methods
    )
    tree.write("SConstruct", head + each + "\nExit(0)\n")
    run = tree.run()
    assert run.out.split() == ["2"] * len(methods)
    assert run.err.splitlines() == [
        f"scons: *** env.{name}() needs a configuration: call env.XenConfigure() before, in the "
        "same environment or the one that it is cloned from"
        for name in methods
    ]
