# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The same tree makes the same objects and images, by any user, anywhere and at any time."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from forked import TOOLPATH
from project import Project, reference_kernel

SCONSTRUCT = f"""import os
import shutil
DefaultEnvironment(tools=[])
env = Environment(
    tools=["xen_tool"],
    toolpath=[{TOOLPATH!r}],
    ENV={{"PATH": os.environ["PATH"]}},
    CCFLAGS=["-g", "-I" + os.path.abspath("absolute")],
    CPPPATH=["#include"],
)
env.XenConfigure("Kconfig")
"""
IMAGE = """
sources = [Glob(f"*.{suffix}") for suffix in ("c", "cc", "S")]
Default(env.XenImage("kernel", sources, script="k.lds", loaders=[]))
"""
FILES = {
    "Kconfig": 'config XEN\n\tbool "Xen"\n',
    "include/here.h": "#include <stddef.h>\nstruct here { size_t size; const char *file; };\n",
    "absolute/there.h": "char there[] = __FILE__;\n",
    "main.c": '#include "here.h"\n#include "there.h"\nstruct here here = {1, __FILE__};\n',
    "embeds.c": '#include "here.h"\nasm(".section .rodata\\n.incbin \\"data.bin\\"\\n.text");\n'
    "size_t embeds(struct here *here);\nsize_t embeds(struct here *here) { return here->size; }\n",
    "plus.cc": "namespace { struct S { S(); int v; } s; S::S() : v(1) {} }\n",
    "entry.S": ".globl _start\n_start: hlt\n.asciz __FILE__\n",
    "data.S": '.section .rodata\n.incbin "data.bin"\n',
    "data.bin": "data",
    "k.lds": "SECTIONS { .text : { *(.text*) *(.rodata*) }\n. = ALIGN(4096);\n"
    ".data : { *(.data*) *(.bss*) } }",
}


def tree(top: Path, sconstruct: str = SCONSTRUCT + IMAGE) -> Project:
    """A small kernel with debug information, paths and embedded files."""
    project = Project(top)
    for path, text in {**FILES, "SConstruct": sconstruct}.items():
        project.write(path, text)
    return project


def other_zig(folder: Path) -> bool:
    """Copy zig, as if it were in another Python environment; return whether there is a zig."""
    found = importlib.util.find_spec("ziglang")
    if found is None or found.origin is None:
        return False
    folder.mkdir()
    (folder / "__init__.py").touch()
    installed = Path(found.origin).parent
    (folder / "lib").symlink_to(installed / "lib")
    # zig finds its headers relative to itself.
    shutil.copyfile(installed / "zig", folder / "zig")
    (folder / "zig").chmod(0o755)
    return True


def build(project: Project, *arguments: str, other: bool = False) -> dict[str, bytes]:
    """Build, with other as another user at another time; return objects and images by name."""
    environment = dict(os.environ)
    if other:
        temporary = project.top.parent / "somewhere else"
        temporary.mkdir()
        environment |= {"TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "USER": "another"}
        environment |= {"HOME": str(temporary), "TMPDIR": str(temporary)}
        if other_zig(temporary / "ziglang"):
            environment["PYTHONPATH"] = str(temporary)
        for path in project.top.rglob("*"):
            os.utime(path, (1e9, 1e9), follow_symlinks=False)
    subprocess.run(
        [sys.executable, "-m", "SCons", "-Q", "-s", "-j1" if other else "-j2", *arguments],
        cwd=project.top,
        env=environment,
        umask=0o077 if other else 0o022,
        check=True,
    )
    made = (path for path in project.top.rglob("*") if path.name in ("kernel", "vmlinux"))
    found = [path for path in (*project.top.rglob("*.o"), *made) if path.is_file()]
    assert len(found) > 5
    return {str(path.relative_to(project.top)): path.read_bytes() for path in found}


def differ(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Return the names of the files that differ."""
    assert one.keys() == other.keys()
    return [name for name in one if one[name] != other[name]]


def test_two_folders(tmp_path: Path, toolchain: str) -> None:
    word = f"TOOLCHAIN={toolchain}"
    one = build(tree(tmp_path / "one"), word)
    there = tmp_path / "a longer, other name"
    assert differ(one, build(tree(there / "it's here"), word, other=True)) == []
    for content in one.values():
        assert os.fsencode(tmp_path) not in content


@pytest.mark.parametrize("toolchain", ["gcc", "zig"], indirect=True)
def test_two_folders_of_the_reference_kernel(tmp_path: Path, toolchain: str) -> None:
    one, other = (reference_kernel(tmp_path / name) for name in ("one", "other/place"))
    for kernel in (one, other):
        kernel.edit("SConstruct", 'CCFLAGS=["-Wall"', 'CCFLAGS=["-g", "-Wall"')
    word = f"TOOLCHAIN={toolchain}"
    assert differ(build(one, word), build(other, word, other=True)) == []


def test_two_build_directories_elsewhere(tmp_path: Path) -> None:
    project = tree(tmp_path / "tree")
    project.edit("SConstruct", '["-g"', '["-g3"')
    made = []
    for name in ("here", "there, elsewhere"):
        project.scons(f"O={tmp_path / name}")
        made.append({path.name: path.read_bytes() for path in (tmp_path / name).glob("*.o")})
    assert len(made[0]) == 5
    assert differ(*made) == []


def names(path: Path) -> tuple[str, str]:
    """Return the folder of a compilation in debug information, and the name in __FILE__."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        (unit, *_) = elf.get_dwarf_info().iter_CUs()
        folder = unit.get_top_DIE().attributes["DW_AT_comp_dir"].value.decode()
        (data,) = (s.data() for s in elf.iter_sections() if s.name == ".data")
    # clang leaves out a leading `./`.
    return folder, os.path.normpath(data.rstrip(b"\0").decode())


def test_a_users_prefix_map_wins(tmp_path: Path, toolchain: str) -> None:
    top, header = tmp_path / "tree", "absolute/there.h"
    expected = {
        f"-ffile-prefix-map={top}=/src": ("/src", f"/src/{header}"),
        f"-ffile-prefix-map={tmp_path}=/src": ("/src/tree", f"/src/tree/{header}"),
        f"-fdebug-prefix-map={top}=/src": ("/src", header),
        f"-fmacro-prefix-map={top}=/src": (".", f"/src/{header}"),
        f"-ffile-prefix-map={top}/absolute=/src": (".", "/src/there.h"),
        "-ffile-prefix-map=elsewhere=/src": (".", header),
    }
    lines = (
        f"Default(env.XenObject({f'{number}.o'!r}, 'main.c', CCFLAGS=env['CCFLAGS'] + [{word!r}]))"
        for number, word in enumerate(expected)
    )
    project = tree(top, "\n".join([SCONSTRUCT, *lines]))
    project.write("main.c", '#include "there.h"\n')
    project.scons(f"TOOLCHAIN={toolchain}")
    found = (names(top / f"build/x86_64/{number}.o") for number in range(len(expected)))
    assert dict(zip(expected, found, strict=True)) == expected


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder for temporary files, in which none is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    yield
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("temporary")
@pytest.mark.parametrize("where", ["build/x86_64", "outside"])
def test_the_target_lists_equal_outputs(tmp_path: Path, where: str) -> None:
    project = tree(tmp_path / "tree")
    # A link out of the tree has the same target in a copy.
    (project.top / "include/here.h").rename(tmp_path / "shared.h")
    (project.top / "include/here.h").symlink_to("../../shared.h")
    build = tmp_path / where if where == "outside" else where
    out = project.scons("reproducible", f"O={build}").out
    assert f"reproducible: {build}/kernel and 5 objects are the same\n" in out
    # As typed in a folder of the tree.
    below = Project(project.top / "include")
    out = below.scons("-u", "reproducible", f"O={build}", f"{project.top / build}/main.o").out
    assert f"reproducible: {build}/main.o is the same\n" in out


@pytest.mark.usefixtures("temporary")
def test_the_target_names_different_outputs(tmp_path: Path) -> None:
    project = tree(tmp_path / "tree")
    project.write("main.c", "char stamp[] = __TIME__;\n")
    project.scons()
    built = int(time.time())
    while int(time.time()) == built:
        time.sleep(0.05)
    run = project.run("reproducible")
    assert run.status == 2
    times = re.fullmatch(
        r"scons: \*\*\* \[reproducible\] build/x86_64/main.o differs when it is built again: "
        r"section \.data, stamp\+0x[0-7]\n"
        r'  here:  "(..:..:..)"\n  there: "(..:..:..)"\n'
        r"  and 2 more of 9 files\n",
        run.err,
    )
    assert times is not None
    assert times[1] < times[2] or times[1].startswith("23:59")


OTHERS = """
import time
def write(target, source, env):
    with open(str(target[0]), "w") as file:
        file.write(str(env["TELL"]()))
def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
for name, tell in {
    "same": lambda: "same",
    "umask": umask,
    "jobs": lambda: GetOption("num_jobs"),
    "zone": lambda: time.strftime("%z"),
    "user": lambda: os.environ.get("USER"),
    "locale": lambda: os.environ.get("LC_ALL"),
    "place": lambda: Dir("#").abspath,
    "moment": lambda: time.time_ns(),
}.items():
    Default(env.Command(f"{name}.txt", [], write, TELL=tell))
# Bytes that are no text, which would be shown as such.
noise = "LC_ALL=C tr -dc '\\\\200-\\\\377' < /dev/urandom | head -c 16 > $TARGET"
Default(env.Command("random.bin", [], noise))
"""


def test_the_target_knows_other_builders(tmp_path: Path) -> None:
    project = tree(tmp_path / "tree", SCONSTRUCT + IMAGE + OTHERS)
    project.edit("data.S", "data.bin", "random.bin")
    # This says that paths are to stay.
    project.edit("SConstruct", '["-g"', '["-g", "-fmacro-prefix-map=/=/"')
    run = project.run("reproducible", "--json")
    assert run.status == 2
    document = json.loads(run.out)
    found = {each.pop("file"): each for each in document["differences"]}
    texts = {"umask", "jobs", "zone", "user", "locale", "place", "moment"}
    names = ("data.o", "main.o", "kernel.unchecked", "kernel")
    images = {f"build/x86_64/{name}" for name in names}
    assert found.keys() == {*(f"{name}.txt" for name in texts), "random.bin", *images}
    header = found["build/x86_64/main.o"]
    assert (header["section"], header["symbol"].partition("+")[0]) == (".data", "there")
    assert header["here"] == f'"{project.top}/absolute/there.h"'
    place = found["place.txt"]
    assert (place["section"], place["symbol"], place["line"]) == (None, None, 1)
    assert place["here"] == f'"{project.top}"'
    assert place["there"] != place["here"]
    assert found["build/x86_64/data.o"]["section"] == ".rodata"
    assert re.fullmatch("(.. ){7}..", found["random.bin"]["here"])
    (project.top / "same.txt").unlink()
    assert "same.txt is the same" in project.scons("reproducible", "same.txt").out


@pytest.mark.usefixtures("temporary")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Command('x.bin', [], 'test $$PWD = TOP && touch x.bin')", "Error 1"),
        ("Command('x.bin', '../outside', 'cp $SOURCE $TARGET')", "outside' not found"),
        ("Command('../x.bin', [], 'touch $TARGET')", "x.bin lies outside of"),
    ],
)
def test_the_target_says_if_it_cannot_tell(tmp_path: Path, line: str, words: str) -> None:
    top = tmp_path / "tree"
    project = tree(top, f"{SCONSTRUCT}Default(env.{line.replace('TOP', str(top))})\n")
    (tmp_path / "outside").touch()
    run = project.run("reproducible")
    assert run.status == 2
    assert words in run.err
    assert "a copy of the tree" in run.err.splitlines()[-1]


def test_a_moved_tree_is_up_to_date(tmp_path: Path) -> None:
    project = tree(tmp_path / "one")
    project.edit("SConstruct", '"-I" + os.path.abspath("absolute")', '"-Iabsolute"')
    project.scons()
    moved = Project(project.top.rename(tmp_path / "other"))
    assert moved.up_to_date()
    commands = json.loads((moved.top / "build/x86_64/compile_commands.json").read_text())
    assert {entry["directory"] for entry in commands} == {str(moved.top)}
    assert f"-ffile-prefix-map={moved.top}=." in commands[0]["arguments"]
