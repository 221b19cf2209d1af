# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`xen-tool build` starts SCons if and only if something that SCons would read has changed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from project import TOP, Project, Run
from xen_tool import cli

SHORTCUT = TOP / "site_scons/xen_tool/shortcut/__main__.py"
BUILD = "build/x86_64"
REST = """
os.utime("../read")
exec(open("more.py").read())
objects = [env.XenObject(source) for source in sorted(map(str, Glob("src/*.c")))]
image = env.XenImage("k", objects, script="k.lds", loaders=[])
Default(image)
env.XenSummary(image)
"""


class Tree(Project):
    """A small project for scons and xen-tool build, whose SConstruct notes when it is read."""

    def xen_tool_build(self, *arguments: str, **environment: str) -> Run:
        """Run `xen-tool build`, which may fail."""
        # pytest sets this variable, and changes it while a test runs.
        uncounted = ("SCONSFLAGS", "PYTEST_CURRENT_TEST")
        inherited = {name: value for name, value in os.environ.items() if name not in uncounted}
        result = subprocess.run(
            [sys.executable, "-I", "-S", str(SHORTCUT), "-Q", *arguments],
            cwd=self.top,
            env={**inherited, "XDG_CACHE_HOME": str(self.top.parent / "cache"), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in result.stderr + result.stdout, result.stderr
        return Run(result.returncode, result.stdout, result.stderr)

    def build(self, *arguments: str, scons: bool, **environment: str) -> Run:
        """Run `xen-tool build`, which must succeed and leave nothing to do for scons.

        scons: whether the run must read the SConstruct.
        """
        before = self.read_at()
        run = self.xen_tool_build(*arguments, **environment)
        assert run.status == 0, run.out + run.err
        assert (self.read_at() != before) == scons, "through SCons, or not"
        assert self.scons(*arguments, **environment).steps == [], "SCons finds more to do"
        return run

    def read_at(self) -> int:
        """Return the time in ns when the SConstruct was read last."""
        return (self.top.parent / "read").stat().st_mtime_ns


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """The project, built."""
    tree = Tree(tmp_path / "tree")
    tree.write("../read", "")
    tree.write_small(REST, kconfig='config LOUD\n\tbool "loud"\n\tdefault y\n')
    tree.write("more.py", "print('reading')\n")
    tree.write("include/n.h", "#define N 1\n")
    tree.write("src/a.c", '#include "n.h"\nint a = N;\n')
    tree.write("src/b.c", "#ifdef CONFIG_LOUD\nint b = 1;\n#endif\nint c;\n")
    tree.build(scons=True)
    return tree


def image_of(tree: Tree) -> bytes:
    return (tree.top / f"{BUILD}/k").read_bytes()


@pytest.mark.usefixtures("each_scons")
def test_nothing_to_do_prints_the_same_lines(tree: Tree) -> None:
    run = tree.build(scons=False)
    assert run.out == tree.scons().out
    assert run.out.splitlines()[:2] == ["reading", f"scons: `{BUILD}/k' is up to date."]
    with_progress = tree.xen_tool_build().out
    assert with_progress == run.out


def test_targets_are_reported_as_scons_does(tree: Tree) -> None:
    # Objects that another builder reads are no targets; an alias is one.
    aliases = """
parts = env.XenObject(["src/a.c", "src/b.c"])
env.Alias("kernel", env["XEN_BUILD"].File("k"))
env.Alias("both", ["kernel", parts[1]])
"""
    archive = 'Default(env.Command("parts.a", parts, "ar rcsD $TARGET $SOURCES"))\n'
    tree.write("more.py", aliases + archive)
    for words in ([], ["kernel"], ["both"], ["parts.a"], [f"{BUILD}/src/a.o", "kernel"]):
        tree.build(*words, scons=True)
        assert tree.build(*words, scons=False).out == tree.scons(*words).out, words
    tree.write("more.py", aliases)
    tree.build(f"{BUILD}/src/a.o", "kernel", scons=True)
    tree.edit("src/b.c", "int c", "int d")
    run = tree.build(f"{BUILD}/src/a.o", "kernel", scons=False)
    assert f"CC {BUILD}/src/b.o" in run.steps
    assert re.findall("`(.*)' is up to date", run.out) == [f"{BUILD}/src/a.o"]


def test_an_edit_is_built_past_scons(tree: Tree) -> None:
    before = image_of(tree)
    tree.edit("src/a.c", "= N", "= N + 1")
    run = tree.build(scons=False)
    assert run.steps == [
        f"CC {BUILD}/src/a.o",
        f"LD {BUILD}/k.unchecked",
        f"CHECK {BUILD}/k",
    ]
    assert image_of(tree) != before
    tree.edit("include/n.h", "1", "2")
    assert f"CC {BUILD}/src/a.o" in tree.build(scons=False).steps
    assert tree.build(scons=False).steps == []


def test_a_new_kernel_is_built_past_scons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TOP / "site_scons"))
    cli.main(["new", str(tmp_path / "mine")])
    tree = Tree(tmp_path / "mine")
    tree.write("../read", "")
    tree.edit("SConstruct", "\nenv = ", '\nos.utime("../read")\nenv = ')
    tree.build(scons=True)
    tree.edit("main.c", "static char in_bss;", "static char in_bss, more;")
    tree.build(scons=False)


@pytest.mark.usefixtures("each_scons")
def test_a_failure_is_reported_as_scons_does(tree: Tree) -> None:
    tree.edit("src/a.c", "int a", "int int a")
    run = tree.xen_tool_build()
    assert run.status == 2
    assert f"scons: *** [{BUILD}/src/a.o] Error 1" in run.err
    assert f"{BUILD}/k: a" not in run.out
    tree.edit("src/a.c", "int int a", "int a")
    tree.build(scons=False)


def test_another_setting_has_a_stored_reading_of_its_own(tree: Tree) -> None:
    assert f"CC {BUILD}/src/b.o" in tree.build("V=0", "LOUD=0", scons=True).steps
    assert tree.build("V=0", "LOUD=0", scons=False).steps == []
    # The plan without it is known, and its image is not up to date any more.
    assert f"CC {BUILD}/src/b.o" in tree.build(scons=False).steps
    assert f"CC {BUILD}/src/b.o" in tree.build("V=0", "LOUD=0", scons=False).steps


@pytest.mark.parametrize(
    ("more", "changes"),
    [
        ("", lambda tree: tree.write("src/c.c", "int more;\n")),
        ("", lambda tree: (tree.top / "src/b.c").unlink()),
        ("", lambda tree: tree.edit("SConstruct", "sorted(", "sorted( ")),
        ("", lambda tree: tree.write(".config", "# CONFIG_LOUD is not set\n")),
        ("", lambda tree: tree.edit("Kconfig", "default y", "default n")),
        ("", lambda tree: tree.write("site_scons/site_init.py", "")),
        (
            "env.Append(CPPDEFINES=[open('VERSION').read().strip()])",
            lambda tree: tree.write("VERSION", "V2\n"),
        ),
        (
            # A reading that writes a file, as mine.pyc, is not kept.
            "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, '.'); import mine\n"
            "env.Append(CPPDEFINES=[mine.NAME])",
            lambda tree: tree.write("mine.py", "NAME = 'other'\n"),
        ),
        (
            "env.Append(CPPDEFINES=['HAS' if os.path.exists('flag') else 'HAS_NOT'])",
            lambda tree: tree.write("flag", ""),
        ),
        (
            "from pathlib import Path; env.Append(CPPDEFINES=[f'N{len([*Path().glob(\"*.x\")])}'])",
            lambda tree: tree.write("new.x", ""),
        ),
        (
            "env.Command('src/gen.c', ['gen.sh'], 'sh $SOURCE > $TARGET')",
            lambda tree: tree.write("gen.sh", "echo 'int generated = 2;'\n"),
        ),
    ],
)
def test_a_change_of_what_scons_reads_starts_scons(
    tree: Tree, more: str, changes: Callable[[Tree], object]
) -> None:
    tree.write("VERSION", "V1\n")
    tree.write("mine.py", "NAME = 'name'\n")
    tree.write("gen.sh", "echo 'int generated = 1;'\n")
    tree.write("more.py", f"{more}\n")
    tree.build(scons=True)
    assert tree.build(scons=False).steps == []
    changes(tree)
    tree.build(scons=True)
    assert tree.build(scons=False).steps == []


@pytest.mark.usefixtures("each_scons")
@pytest.mark.parametrize(
    "more",
    [
        "import subprocess; subprocess.run(['true'])",
        "os.system('true')",
        "open('log', 'a').write('read')",
        "env.AlwaysBuild(env.Command('stamp', [], 'touch $TARGET')); Default('stamp')",
        "env.AddPostAction(env.XenObject('src/a.c'), 'true')",
        "env.Depends(env.XenObject('src/a.c'), 'Kconfig')",
    ],
)
def test_a_sconscript_with_effects_unknown_to_the_listener_starts_scons_each_time(
    tree: Tree, more: str
) -> None:
    tree.write("more.py", f"{more}\n")
    for _ in range(3):
        before = (tree.top.parent / "read").stat().st_mtime_ns
        assert tree.xen_tool_build().status == 0
        assert (tree.top.parent / "read").stat().st_mtime_ns != before


@pytest.mark.usefixtures("each_scons")
def test_outputs_of_other_builders_from_the_image_are_made_again(tree: Tree) -> None:
    tree.write(
        "more.py",
        "Default(env.Command('k.bin', f'build/x86_64/k', Copy('$TARGET', '$SOURCE')))\n",
    )
    tree.build(scons=True)
    assert tree.build(scons=False).steps == []
    tree.edit("src/a.c", "= N", "= N + 1")
    tree.build(scons=True)
    assert (tree.top / "k.bin").read_bytes() == image_of(tree)
    (tree.top / "k.bin").unlink()
    tree.build(scons=True)


def test_a_generated_header_is_made_for_a_source_that_begins_to_include_it(tree: Tree) -> None:
    more = "env.Command('include/g.h', 'g.in', Copy('$TARGET', '$SOURCE'))\n"
    tree.write("more.py", more)
    tree.write("g.in", "#define G 1\n")
    tree.build(scons=True)
    tree.write("more.py", f"{more}# read again, although not needed\n")
    tree.build(scons=True)
    assert tree.build(scons=False).steps == []
    tree.write("g.in", "#define G 2\n")
    assert tree.build(scons=False).steps == []
    tree.write("src/a.c", '#include "g.h"\nint a = G;\n')
    tree.build(scons=True)
    # From now on the generated header is an input of the build.
    tree.edit("src/b.c", "int c", "int d")
    tree.build(scons=False)
    tree.write("g.in", "#define G 3\n")
    tree.build(scons=True)


def test_another_environment_has_a_stored_reading_of_its_own(tree: Tree) -> None:
    tree.build(scons=True, COLOUR="red")
    tree.build(scons=False, COLOUR="red")
    tree.build(scons=False)


@pytest.mark.usefixtures("each_scons")
def test_other_targets_and_options_go_through_scons(tree: Tree) -> None:
    tree.write("more.py", "env.XenConfigTargets()\n")
    tree.build(scons=True)
    for arguments in (["-n"], ["-q"], ["why", f"TARGET={BUILD}/k"], ["-c"]):
        for _ in range(2):
            before = (tree.top.parent / "read").stat().st_mtime_ns
            assert tree.xen_tool_build(*arguments).status == 0
            assert (tree.top.parent / "read").stat().st_mtime_ns != before
    tree.build(scons=False)


def test_a_damaged_output_or_database_is_mended(tree: Tree) -> None:
    good = image_of(tree)
    (tree.top / f"{BUILD}/k").write_bytes(b"junk")
    tree.build(scons=False)
    assert image_of(tree) == good
    for text in (b"", b"junk", b"0" * 100_000):
        tree.write(f"{BUILD}/.build.db", text)
        assert f"CC {BUILD}/src/a.o" in tree.build(scons=False).steps
        assert image_of(tree) == good


def test_a_damaged_cache_counts_as_missing(tree: Tree) -> None:
    for path in (tree.top.parent / "cache/xen_tool/readings").iterdir():
        path.write_bytes(path.read_bytes()[:-40] + b"x" * 40)
    tree.build(scons=True)
    tree.build(scons=False)


def test_without_a_cache_it_goes_through_scons(tree: Tree) -> None:
    for _ in range(2):
        tree.build(scons=True, XDG_CACHE_HOME="relative")


def test_another_compiler_in_path_is_seen(tree: Tree, tmp_path: Path, gcc: str) -> None:
    first = tmp_path / "bin"
    first.mkdir()
    path = f"{first}:{os.environ['PATH']}"
    tree.xen_tool_build(PATH=path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(f'#!/bin/sh\nexec {gcc} -DELSEWHERE "$@"\n')
    elsewhere.chmod(0o755)
    wrapper = first / "gcc"
    wrapper.write_text(f'#!/bin/sh\nexec {gcc} -DOTHER "$@"\n')
    wrapper.chmod(0o755)
    run = tree.xen_tool_build(PATH=path)
    assert f"CC {BUILD}/src/a.o" in run.steps
    wrapper.write_text(f'#!/bin/sh\nexec {gcc} -DANOTHER "$@"\n')
    # The other compiler may need other arguments.
    assert f"CC {BUILD}/src/a.o" in tree.build(scons=True, PATH=path).steps
    for program in (gcc, elsewhere):
        wrapper.unlink()
        wrapper.symlink_to(program)
        assert f"CC {BUILD}/src/a.o" in tree.build(scons=True, PATH=path).steps
    assert tree.xen_tool_build(PATH=path).steps == []


@pytest.mark.parametrize(
    "during",
    [
        "echo 'env.Append(CCFLAGS=[\"-DX\"])' >> more.py",
        "echo 'int more;' > src/c.c",
        "touch flag",
        "echo 'echo int generated = 2\\;' > gen.sh",
    ],
)
def test_what_changes_while_it_is_built_is_read_by_the_next_run(
    tree: Tree, tmp_path: Path, gcc: str, during: str
) -> None:
    tree.write("gen.sh", "echo 'int generated = 1;'\n")
    more = """
env.Append(CPPDEFINES=["HAS" if os.path.exists("flag") else "HAS_NOT"])
env.Command("src/gen.c", ["gen.sh"], "sh $SOURCE > $TARGET")
"""
    compiler = tmp_path / "gcc"
    compiler.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *src/a.c*) [ -e {tmp_path}/go ] && rm {tmp_path}/go && {during};; esac\n'
        f'exec {gcc} "$@"\n'
    )
    compiler.chmod(0o755)
    tree.write("more.py", more)
    tree.build(f"CC={compiler}", scons=True)
    tree.write("more.py", f"{more}# read again\n")
    tree.edit("src/a.c", "= N", "= N + 1")
    (tmp_path / "go").touch()
    assert tree.xen_tool_build(f"CC={compiler}").status == 0
    assert not (tmp_path / "go").exists()
    tree.build(f"CC={compiler}", scons=True)
    assert tree.build(f"CC={compiler}", scons=False).steps == []
