# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`xen-tool build NAME=value` goes past SCons if the SConscripts do not depend on that symbol.

Tree.build() runs SCons with the same words after each build, which must find nothing to do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from shortcut.test_past_scons import BUILD, REST, Tree

pytestmark = pytest.mark.build

KCONFIG = """\
config XEN
	bool
	default y
config XEN_PV
	bool "pv"
	default y
config LOUD
	bool "loud"
	default y
config FOLLOWS
	def_bool LOUD
config QUIET
	bool "quiet"
config DEEP
	bool "deep"
	depends on QUIET
config TEXT
	string "text"
"""
CHANGED = [f"CONFIG {BUILD}/.config", f"CC {BUILD}/src/b.o", f"LD {BUILD}/k.unchecked"]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A project, built; b.c uses the symbol LOUD."""
    tree = Tree(tmp_path / "tree")
    tree.write("../read", "")
    tree.write_small(REST, kconfig=KCONFIG)
    tree.write("more.py", "print('reading')\n")
    tree.write("src/a.c", "int a;\n")
    tree.write("src/b.c", "#ifdef CONFIG_LOUD\nint b = 1;\n#endif\nint c;\n")
    tree.build(scons=True)
    return tree


def test_a_new_value_is_built_as_by_scons(tree: Tree) -> None:
    run = tree.build("LOUD=0", scons=False)
    assert run.steps == [*CHANGED, f"CHECK {BUILD}/k"]
    assert tree.build("LOUD=0", scons=False).out == tree.scons("LOUD=0").out
    assert "boot LOUD=0\n" in run.out
    assert CHANGED[1] in tree.build(scons=False).steps
    # Settings for the same values, spelled in another way, compile nothing.
    text = tree.build("CONFIG_TEXT=a b", "LOUD=y", scons=False)
    assert text.steps == CHANGED[:1]
    assert text.out.endswith("boot 'CONFIG_TEXT=a b' LOUD=y\n")
    assert tree.build("LOUD=1", "LOUD=1", scons=True).steps == CHANGED[:1]


def test_a_setting_that_scons_comments_on_goes_through_scons(tree: Tree) -> None:
    for words in (["NOPE=1"], ["LOUD=5"], ["LOUD=1", "LOUD=0"], ["FOLLOWS=0"], ["V=2"]):
        run, by_scons = tree.xen_tool_build(*words), tree.run(*words)
        assert (run.status, run.err) == (2, by_scons.err), words
    assert "switches on QUIET" in tree.build("DEEP=1", scons=True).err


@pytest.mark.parametrize(
    "more",
    [
        "env['XEN_CONFIG'].enabled('LOUD')",
        "env['XEN_CONFIG'].values.get('FOLLOWS')",
        "dict(env['XEN_CONFIG'].values)",
        "{**env['XEN_CONFIG'].values}",
        "env['XEN_CONFIG'].autoconf",
        "env.XenSources({'LOUD': 'src/a.c'})",
        "ARGUMENTS.get('LOUD')",
        "import mine",
        "env.Clone().XenConfigure('Kconfig')",
        "import sys; print('warned', file=sys.stderr)",
    ],
)
def test_sconscripts_that_could_depend_on_it_are_read(tree: Tree, more: str) -> None:
    tree.write("site_scons/mine.py", "import sys\nNAMES = sys.argv\n")
    tree.write("more.py", f"{more}\n")
    for words in ([], ["LOUD=0"]):
        before = tree.read_at()
        assert tree.xen_tool_build(*words).status == 0
        assert tree.read_at() != before


def test_sconscripts_that_read_other_symbols_are_not_read_again(tree: Tree) -> None:
    tree.write("more.py", "env['XEN_CONFIG'].enabled('QUIET'); list(env['XEN_CONFIG'].values)\n")
    tree.build(scons=True)
    tree.build("LOUD=0", scons=False)
    # The reading for other values, of which this one was derived, is not valid any more.
    tree.edit("Kconfig", 'string "text"', 'string "another"')
    tree.build("LOUD=0", "XEN_PV=1", scons=True)
