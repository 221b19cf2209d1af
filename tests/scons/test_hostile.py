# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""File names with special characters: nothing expands, executes or follows them.

All names of a table are in one tree, so that few runs of SCons see them all.
"""

from __future__ import annotations

import os
import shutil
import string
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from project import SECTIONS, Project, Run

BUILD = "build/x86_64"
PUNCTUATION = string.punctuation.replace("/", "")
NAMES = (
    *(f"x{character}y" for character in PUNCTUATION),
    PUNCTUATION.replace('"', ""),
    *("$", "$$", "$(", "$)", "$x", "${x", "$SOURCE", "$(touch PWNED)", "`touch PWNED`"),
    *('${open("PWNED","w")}', "${open('PWNED','w')}", "; touch PWNED;", "%s%d{0}{x}"),
    *("-x", "-o", "--help", "#x", "@x", "~", "\\\\x\\ y", " x y ", "x\ty", "x  y"),
    *("CONFIG_X", "\xe9\u2028\xfc", os.fsdecode(b"\xff\xfe\x80"), "x" * 200),
)
PLACES = (
    *("$(touch PWNED)", '${open("PWNED","w")}', "-x", "@x", "#x", " a\tb ", "x'y\"=z"),
    *("x\\y\\", "%s,:;&|*?[x]{y}", os.fsdecode(b"\xff\xfe"), "x" * 200),
)
"""Where folders have the names: the checkout itself, or the build directory ($O)."""

ONE_IMAGE = """
Default(env.XenImage("k", Glob("*.c") + Glob("*.S"), script="k.lds", loaders=[]))
"""
MANY_IMAGES = """
one = env.XenObject("one.c")
for number, script in enumerate(Glob("scripts/*.lds")):
    Default(env.XenImage(f"k{number}", one, script=script, loaders=[]))
"""
Stamps = dict[str, tuple[int, int]]


class Tree(Project):
    """A tree whose names may be any bytes; each run of SCons has a time limit."""

    def write(self, path: str, text: str | bytes) -> Path:
        """Write a file of the tree."""
        return super().write(path, os.fsencode(text))

    def run(self, *arguments: str, **environment: str) -> Run:
        """Run SCons, which may fail, but without a traceback or a file PWNED."""
        result = subprocess.run(
            [sys.executable, "-m", "SCons", "-Q", *arguments],
            cwd=self.top,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=20,
            check=False,
        )
        assert "Traceback" not in result.stderr + result.stdout, result.stderr + result.stdout
        assert not [*self.top.rglob("PWNED")], "something was executed"
        return Run(result.returncode, result.stdout, result.stderr)

    def stamps(self, suffix: str) -> Stamps:
        """Return of each output with a suffix what changes when its step runs."""
        files = [path for path in (self.top / BUILD).rglob("*") if path.name.endswith(suffix)]
        return {path.name: (s.st_ino, s.st_mtime_ns) for path in files if (s := path.stat())}

    def edit_all(self, paths: Iterable[str], more: str) -> None:
        """Append a text to each of these files."""
        for path in paths:
            with (self.top / path).open("a") as file:
                file.write(more)


def tree_at(top: Path, rest: str) -> Tree:
    """Write a tree; rest is the end of its SConstruct, which says what is built."""
    tree = Tree(top)
    tree.write_small(rest)
    tree.write("include/n.h", "#define N 1\n")
    return tree


def not_made_again(before: Stamps, after: Stamps) -> list[str]:
    """Return the outputs that were not made again; before and after must have the same ones."""
    assert before.keys() == after.keys()
    return [name for name, stamp in before.items() if after[name] == stamp]


def check_edit(tree: Tree, paths: Sequence[str], more: str, ends: str) -> None:
    """Edit these files; one output of each must be made again, and no other."""
    before = tree.stamps(ends)
    assert len(before) == len(paths)
    tree.edit_all(paths, more)
    tree.scons("-j2")
    assert not_made_again(before, tree.stamps(ends)) == []
    assert tree.up_to_date()


def test_sources_and_headers(tmp_path: Path) -> None:
    tree = tree_at(tmp_path / "tree", ONE_IMAGE)
    for number, name in enumerate(NAMES):
        quotes = "<>" if '"' in name else '""'
        tree.write(f"include/{name}", f"int v{number} = 1;\n")
        tree.write(f"{name}.c", f"#include {quotes[0]}{name}{quotes[1]}\n")
    tree.scons("-j2")
    assert tree.up_to_date()
    check_edit(tree, [f"{name}.c" for name in NAMES], "static int more;\n", ".o")
    check_edit(tree, [f"include/{name}" for name in NAMES], "static int less;\n", ".o")


def test_embedded_files(tmp_path: Path) -> None:
    tree = tree_at(tmp_path / "tree", ONE_IMAGE)
    for name in NAMES:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        tree.write(f"data/{name}", "1")
        tree.write(f"{name}.S", f'.data\n.incbin "data/{escaped}"\n')
    tree.scons("-j2")
    assert tree.up_to_date()
    check_edit(tree, [f"data/{name}" for name in NAMES], "2", ".o")


def test_scripts(tmp_path: Path) -> None:
    tree = tree_at(tmp_path / "tree", MANY_IMAGES)
    tree.write("one.c", "int one;\n")
    # GNU ld's language has no escape for a quote.
    names = [name for name in NAMES if '"' not in name]
    for name in names:
        tree.write(f"included/{name}", "symbol = 1;\n")
        tree.write(f"scripts/{name}.lds", f'INCLUDE "included/{name}"\n{SECTIONS}')
    tree.scons("-j2")
    assert tree.up_to_date()
    check_edit(tree, [f"included/{name}" for name in names], "other = 2;\n", ".unchecked")
    check_edit(tree, [f"scripts/{name}.lds" for name in names], "third = 3;\n", ".unchecked")


@pytest.mark.parametrize("name", PLACES, ids=ascii)
def test_folders(tmp_path: Path, name: str) -> None:
    tree = tree_at(tmp_path / name, ONE_IMAGE)
    tree.write("a.c", '#include "n.h"\nint a = N;\n')
    tree.write("b.S", '.data\n.incbin "k.lds"\n')
    folder = f"O=out/{name}"
    run = tree.run(folder)
    if name.startswith("-"):
        assert (run.status, len(run.err.splitlines())) == (2, 1)
        assert "programs would take it for an option" in run.err
        folder = f"O=out/x{name}"
        run = tree.run(folder)
    assert run.status == 0, run.err
    assert (tree.top / folder[2:] / "k").is_file()
    assert tree.up_to_date(folder)
    tree.edit("include/n.h", "1", "2")
    assert [step[:2] for step in tree.scons(folder).steps] == ["CC", "LD", "CH"]


@pytest.mark.parametrize("where", ["saved", "typed"])
def test_values_of_strings(tmp_path: Path, where: str) -> None:
    names = [name for name in NAMES if name.isprintable()]
    tree = tree_at(tmp_path / "tree", ONE_IMAGE)
    lines, kconfig = [], []
    for number, name in enumerate(names):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        kconfig.append(f'config S{number}\n\tstring "a string"\n')
        lines.append(f'CONFIG_S{number}="{escaped}"\n')
        tree.write(f"data/{name}", f"{number}")
        tree.write(f"s{number}.c", f"const char *s{number} = CONFIG_S{number};\n")
        tree.write(f"t{number}.S", f".data\n.incbin CONFIG_S{number}\n")
    tree.write("Kconfig", "".join(kconfig))
    tree.edit("SConstruct", '"#include"', '"#include"], ASFLAGS=["-Wa,-Idata"')
    tree.write(".config", "".join(lines) if where == "saved" else "")
    typed = [f"S{number}={name}" for number, name in enumerate(names)] if where == "typed" else []
    tree.scons("-j2", *typed)
    image = (tree.top / BUILD / "k").read_bytes()
    for name in names:
        assert os.fsencode(name) + b"\0" in image, name
    assert tree.up_to_date(*typed)
    before = tree.stamps(".o")
    tree.edit_all([f"data/{name}" for name in names], "2")
    tree.scons("-j2", *typed)
    assert len(not_made_again(before, tree.stamps(".o"))) == len(names)


def test_a_step_whose_depfile_cannot_carry_a_name_runs_again(tmp_path: Path) -> None:
    tree = tree_at(tmp_path / "tree", ONE_IMAGE)
    tree.write("data/x\\", "1\n")
    # A blank follows the backslash.
    tree.write("a.S", '.data\n.incbin "data/x\\\\"\n')
    for run in (tree.run(), tree.run()):
        assert f"CC {BUILD}/a.o" in run.steps
        assert f"note: {BUILD}/a.o is built again next time: 'data/x" in run.err


@pytest.mark.parametrize("name", ["a\nb.c", "inc\nlude/m.h"], ids=["source", "header"])
def test_a_line_break_in_a_name_is_reported(tmp_path: Path, name: str) -> None:
    tree = tree_at(tmp_path / "tree", ONE_IMAGE)
    tree.edit("SConstruct", '"#include"', 'Dir("#inc\\nlude")')
    tree.write("inc\nlude/m.h", "int m;\n")
    tree.write("a.c", '#include "m.h"\n')
    tree.write(name, "int b;\n")
    for run in (tree.run(), tree.run()):
        if name.endswith(".c"):
            assert (run.status, len(run.err.splitlines())) == (2, 1)
            assert f"{name!r}: no depfile can carry a name with a line break" in run.err
        else:
            assert f"CC {BUILD}/a.o" in run.steps
            assert "a.o is built again next time: 'inc" in run.err


DAMAGES: dict[str, Callable[[Path, Path], object]] = {
    "empty": lambda path, _: path.write_bytes(b""),
    "junk": lambda path, _: path.write_bytes(bytes(range(256)) * 100),
    "nested": lambda path, _: path.write_bytes(b"[" * 1_000_000),
    "NULs": lambda path, _: path.write_bytes(b"\0" * 100_000),
    "folder": lambda path, _: (path / "below").mkdir(parents=True),
    "FIFO": lambda path, _: os.mkfifo(path),
    "link to itself": lambda path, _: path.symlink_to(path.name),
    "link elsewhere": lambda path, elsewhere: path.symlink_to(elsewhere),
    "link to nothing": lambda path, elsewhere: path.symlink_to(elsewhere.with_name("PWNED")),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A tree that was built; it may be built again."""
    tree = tree_at(tmp_path_factory.mktemp("built") / "tree", ONE_IMAGE)
    tree.write("a.c", '#include "n.h"\nint a = N;\n')
    tree.write("b.c", 'const char b[] = "number 0";\n')
    tree.scons()
    return tree


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", [".build.db", ".lock"])
def test_a_damaged_state_file(built: Tree, tmp_path: Path, file: str, damage: str) -> None:
    path = built.top / BUILD / file
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    path.unlink()
    DAMAGES[damage](path, elsewhere)
    number = os.urandom(8).hex()
    built.write("b.c", f'const char b[] = "number {number}";\n')
    run = built.run("-j2")
    if run.status:
        (message,) = run.err.splitlines()
        assert f"{BUILD}/{file}" in message
        assert "remove it" in message or "type O=" in message
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        built.scons()
    # A folder in the place of the record may stay, with a note.
    shutil.rmtree(path, ignore_errors=True)
    assert number.encode() in (built.top / BUILD / "k").read_bytes()
    # Without a record everything is built again.
    built.scons()
    assert built.up_to_date()
    assert elsewhere.read_text() == "precious"
    assert os.listdir(tmp_path) == ["elsewhere"]


def test_cleaning_follows_no_link(tmp_path: Path) -> None:
    tree = tree_at(tmp_path / "tree", ONE_IMAGE.replace("*.c", "src/*.c"))
    tree.write("src/a.c", '#include "n.h"\nint a = N;\n')
    tree.scons()
    precious = tree.write("precious/a.o", "precious")
    folder = tree.top / BUILD / "src"
    folder.rename(tree.top / "was")
    folder.symlink_to("../../precious")
    tree.run("-c")
    assert precious.read_text() == "precious"
    assert not (tree.top / BUILD / "k").exists()
