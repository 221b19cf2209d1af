# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The walk itself is right: the stand-ins report as gcc, as and ld do, and it finds faults."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from devloop import oracle
from devloop.runs import BuildCommand
from devloop.standin import StandIn
from devloop.tree import FOLDERS, SCRIPT, Tree
from devloop.walk import Walk
from project import TOP

TOOL = TOP / "site_scons"
_FLAGS = ["-std=gnu11", "-O2", "-ffreestanding", "-nostdinc", "-DCONFIG_COUNT=1"]
_LAZY = """
import os
import subprocess
import sys

if os.path.exists("build/x86_64/kernel"):
    print("scons: `build/x86_64/kernel' is up to date.")
else:
    sys.exit(subprocess.run([sys.executable, "-m", "SCons", "-Q", *sys.argv[1:]]).returncode)
"""


@pytest.fixture(params=range(4))
def tree(tmp_path: Path, request: pytest.FixtureRequest) -> Tree:
    """A project without outputs, but for the generated header."""
    standin = StandIn(tmp_path / "standin")
    standin.write()
    tree = Tree(tmp_path / "tree", standin, TOOL, real=True)
    tree.random = random.Random(request.param)
    tree.create()
    tree.write("gen/version.h", tree.read("version.in"))
    tree.write("system/maybe0.h", "#define MAYBE 0\n")
    return tree


def reads(program: str, option: str, tree: Tree, source: str) -> list[set[str]]:
    """Compile; return the files that the two depfiles name, of preprocessor and assembler."""
    folders = [word for folder in (*FOLDERS, "gen") for word in ("-I", folder)]
    command = [program, *_FLAGS, *folders, "-isystem", "system", option, "-MF", "p.d"]
    command += ["-MT", "odd target", "-Xassembler", "--MD=a.d", "-c", "-o", "x.o", source]
    subprocess.run(command, cwd=tree.top, check=True)
    return [_names(tree, depfile) for depfile in ("p.d", "a.d")]


def _names(tree: Tree, depfile: str) -> set[str]:
    text = tree.read(depfile).partition(":")[2].replace("\\\n", " ")
    for quoted, character in (("\\ ", "\0"), ("\\#", "#"), ("$$", "$")):
        text = text.replace(quoted, character)
    names = {name.replace("\0", " ") for name in text.split()}
    # A temporary file has another name each time; gcc's own headers are not in the tree.
    return {name for name in names if not os.path.isabs(name) and not name.endswith(".c")}


@pytest.mark.parametrize("option", ["-MD", "-MMD"])
def test_the_compiler_reports_what_gcc_does(gcc: str, tree: Tree, option: str) -> None:
    for source in tree.sources():
        ours = reads(str(tree.standin.cc), option, tree, source)
        assert ours == reads(gcc, option, tree, source), source


@pytest.mark.parametrize(
    "error", ["#error no\n", '#include "none.h"\n', 'asm(".incbin \\"no\\"");\n']
)
def test_a_failed_compilation_leaves_the_depfile_that_gcc_leaves(
    gcc: str, tree: Tree, error: str
) -> None:
    tree.write("bad.c", error)
    left = []
    for program in (gcc, str(tree.standin.cc)):
        command = [program, "-MMD", "-MF", "p.d", "-Wa,--MD=a.d", "-c", "-o", "bad.o", "bad.c"]
        assert subprocess.run(command, cwd=tree.top, capture_output=True, check=False).returncode
        left.append([name for name in ("p.d", "a.d", "bad.o") if tree.exists(name)])
        for name in left[-1]:
            os.unlink(tree.top / name)
    assert left[0] == left[1]


def test_the_linker_reports_what_ld_does(gcc: str, tree: Tree) -> None:
    reports = []
    for compiler, linker in ((gcc, "ld"), (str(tree.standin.cc), str(tree.standin.ld))):
        folders = [word for folder in FOLDERS for word in ("-I", folder)]
        make = [compiler, "-E", "-P", "-x", "c", *folders, "-o", "kernel.lds", SCRIPT]
        subprocess.run(make, cwd=tree.top, check=True)
        tree.write("empty.c", "")
        subprocess.run([compiler, "-c", "-o", "e o$.o", "empty.c"], cwd=tree.top, check=True)
        command = [linker, "-m", "elf_x86_64", "-L", "lds/first", "-Llds/second", "@link.rsp"]
        command += ["-T", "kernel.lds", "-o", "image", "e o$.o", "--dependency-file=image.d"]
        subprocess.run(command, cwd=tree.top, check=True)
        reports.append(tree.read("image.d"))
    assert reports[0] == reports[1]


def test_the_oracle_is_a_clean_build(tmp_path: Path) -> None:
    for seed in range(3):
        standin = StandIn(tmp_path / f"standin{seed}")
        standin.write()
        tree = Tree(tmp_path / f"tree{seed}", standin, TOOL, real=False)
        tree.random = random.Random(seed)
        tree.create()
        command = [sys.executable, "-m", "SCons", "-Q", *tree.arguments()]
        subprocess.run(command, cwd=tree.top, stdout=subprocess.DEVNULL, check=True)
        assert (tree.top / "build/x86_64/kernel").read_bytes() == oracle.image(tree)


def test_a_walk_finds_a_build_that_skips_a_step(tmp_path: Path) -> None:
    (tmp_path / "lazy.py").write_text(_LAZY)
    lazy = BuildCommand("lazy", (sys.executable, str(tmp_path / "lazy.py")), TOOL)
    tally = Walk(0, tmp_path / "walk", [lazy]).run(20, stop=True)
    (report,) = tally.reports
    assert ": stale: line " in report
    assert "what was done since the last good state:\n" in report
    assert all(counts["stale"] == 1 for counts in tally.wrong.values())
