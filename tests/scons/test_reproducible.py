# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The same tree makes the same objects and images, whoever builds it, where and when."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from project import TOP, Project, reference_kernel

SCONSTRUCT = f"""import os
import shutil
DefaultEnvironment(tools=[])
env = Environment(
    tools=["xen_tool"],
    toolpath=[{str(TOP / "site_scons")!r}],
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
    """Zig as another Python environment has it; whether there is one at all."""
    found = importlib.util.find_spec("ziglang")
    if found is None or found.origin is None:
        return False
    folder.mkdir()
    (folder / "__init__.py").touch()
    installed = Path(found.origin).parent
    (folder / "lib").symlink_to(installed / "lib")
    # By its own place it knows its headers'.
    shutil.copyfile(installed / "zig", folder / "zig")
    (folder / "zig").chmod(0o755)
    return True


def build(project: Project, *arguments: str, other: bool = False) -> dict[str, bytes]:
    """Builds, as another user elsewhere if need be; the objects and images by their names."""
    environment = dict(os.environ)
    if other:
        temporary = project.top.parent / "somewhere else"
        temporary.mkdir()
        environment |= {"TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "USER": "nobody"}
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
    """The files that are not the same."""
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
    """What the folder of a compilation is called in debug information, a header in __FILE__."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        (unit, *_) = elf.get_dwarf_info().iter_CUs()
        folder = unit.get_top_DIE().attributes["DW_AT_comp_dir"].value.decode()
        (data,) = (s.data() for s in elf.iter_sections() if s.name == ".data")
    # clang leaves a `./` out.
    return folder, os.path.normpath(data.rstrip(b"\0").decode())


def test_what_a_user_calls_a_folder_counts(tmp_path: Path, toolchain: str) -> None:
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


def test_a_moved_tree_is_up_to_date(tmp_path: Path) -> None:
    project = tree(tmp_path / "one")
    project.edit("SConstruct", '"-I" + os.path.abspath("absolute")', '"-Iabsolute"')
    project.scons()
    moved = Project(project.top.rename(tmp_path / "other"))
    assert moved.up_to_date()
    commands = json.loads((moved.top / "build/x86_64/compile_commands.json").read_text())
    assert {entry["directory"] for entry in commands} == {str(moved.top)}
    assert f"-ffile-prefix-map={moved.top}=." in commands[0]["arguments"]
