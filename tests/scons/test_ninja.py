# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The build.ninja that SCons writes: ninja itself builds by it what SCons would."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from forked import TOOLPATH
from programs import program
from project import TOP, Project

SCONSTRUCT = f"""import os, shutil
DefaultEnvironment(tools=[])
env = Environment(
    tools=["xen_tool"],
    toolpath=[{TOOLPATH!r}],
    ENV={{"PATH": os.environ["PATH"]}},
    CPPPATH=["#a $$b: c"],
    CCFLAGS=["-DTEXT=\\"$$$$x: it's here\\""],
)
env.XenConfigure("Kconfig")
def copy(target, source, env):
    shutil.copy(str(source[0]), str(target[0]))
env.Command("a $$b: c/made.h", "made.txt", copy)
SConscript("SConscript", exports="env")
"""
SCONSCRIPT = """
Import("env")
Default(env.XenImage("k $$x", ["one.c", "a $$b: c/two.c"], script="k.lds", loaders=[]))
"""
FILES = {
    "SConstruct": SCONSTRUCT,
    "SConscript": SCONSCRIPT,
    "Kconfig": 'config NUMBER\n\tint "number"\n\tdefault 1\n',
    "made.txt": "#define MADE 1\n",
    "a $b: c/h.h": "#define H 1\n",
    "a $b: c/two.c": '#include "h.h"\nint two = H;\n',
    "one.c": '#include "made.h"\nint one = MADE + CONFIG_NUMBER;\nconst char *text = TEXT;\n',
    "three.c": "int three;\n",
    "k.lds": "ENTRY(one) SECTIONS { .data : { *(.data*) *(.rodata*) *(.bss*) } }",
}
ONE, TWO = "CC build/x86_64/one.o", "CC 'build/x86_64/a $b: c/two.o'"
LINK = {"LD 'build/x86_64/k $x.unchecked'", "CHECK 'build/x86_64/k $x'"}


@pytest.fixture
def ninja() -> str:
    """The program ninja, the authority on its own files."""
    return program("ninja")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A small tree with names that are hard to write, and a header of another builder."""
    project = Project(tmp_path / "a $tree: it's")
    for path, text in FILES.items():
        project.write(path, text)
    project.scons("build.ninja")
    return project


def run(ninja: str, project: Project) -> set[str]:
    """Run ninja, which must succeed and then have nothing to do; return the steps that it ran."""
    # If build.ninja is never up to date, ninja makes it 100 times before it gives up.
    result, again = (
        subprocess.run(
            [ninja], cwd=project.top, capture_output=True, text=True, check=False, timeout=30
        )
        for _ in range(2)
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "no work to do" in again.stdout, again.stdout + again.stderr
    lines = result.stdout.splitlines()
    return {line.partition("] ")[2] for line in lines if line.startswith("[")}


def is_as_of_scons(project: Project, image: str, *arguments: str) -> bool:
    """Return whether SCons builds the same objects and image in another folder."""
    project.scons("O=build/other", f"build/other/{image}", *arguments)
    names = [path.relative_to(project.top / "build/x86_64") for path in _objects(project)]
    assert len(names) >= 2
    made, other = (project.top / "build" / folder for folder in ("x86_64", "other"))
    paths = [*map(str, names), image]
    return all((made / path).read_bytes() == (other / path).read_bytes() for path in paths)


def _objects(project: Project) -> list[Path]:
    return list((project.top / "build/x86_64").rglob("*.o"))


def test_ninja_builds_the_reference_kernel(kernel: Project, ninja: str) -> None:
    shortcut = TOP / "site_scons/xen_tool/shortcut/__main__.py"
    subprocess.run([sys.executable, str(shortcut), "build.ninja"], cwd=kernel.top, check=True)
    assert (kernel.top / "build.ninja").read_text().startswith("# Made by xen_tool")
    assert not (kernel.top / "build/x86_64/vmlinux").exists()
    assert len(run(ninja, kernel)) > 30
    assert is_as_of_scons(kernel, "vmlinux")
    kernel.scons()
    kernel.scons("-c")
    assert not (kernel.top / "build/x86_64").exists()
    assert not (kernel.top / "build.ninja").exists()
    # A user's file of that name is not replaced.
    kernel.write("build.ninja", "")
    kernel.scons()
    kernel.scons("-c")
    assert (kernel.top / "build.ninja").exists()


def test_a_source_that_embeds_a_file(project: Project, ninja: str, toolchain: str) -> None:
    with (project.top / "one.c").open("a") as file:
        # For clang this is for GNU as, which makes another object of it.
        file.write('asm(".data\\n.incbin \\"made.txt\\"\\n.text");\n')
    word = f"TOOLCHAIN={toolchain}"
    project.scons("build.ninja", word)
    run(ninja, project)
    assert is_as_of_scons(project, "k $x", word)


def test_edits(project: Project, ninja: str) -> None:
    assert run(ninja, project) >= {"SCONS 'a $b: c/made.h'", ONE, TWO, *LINK}
    assert is_as_of_scons(project, "k $x")
    project.edit("one.c", "+", "-")
    assert run(ninja, project) == {ONE, *LINK}
    project.edit("a $b: c/h.h", "1", "2")
    assert run(ninja, project) == {TWO, *LINK}
    project.edit("made.txt", "1", "2")
    assert run(ninja, project) == {"SCONS 'a $b: c/made.h'", ONE, *LINK}
    assert is_as_of_scons(project, "k $x")


def test_ninja_makes_build_ninja_again_after_edits_of_the_sconscripts(
    project: Project, ninja: str
) -> None:
    run(ninja, project)
    project.edit("SConstruct", "import os, shutil", "import os,  shutil")
    assert not {ONE, TWO} & run(ninja, project)
    shutil.rmtree(project.top / "build")
    assert {ONE, TWO} <= run(ninja, project)
    project.edit("SConscript", '["one.c"', '["three.c", "one.c"')
    done = run(ninja, project)
    assert {"CC build/x86_64/three.o", *LINK} <= done
    assert not {ONE, TWO} & done
    project.edit("Kconfig", "default 1", "default 5")
    assert ONE in run(ninja, project)
    assert is_as_of_scons(project, "k $x")


def test_a_step_that_fails_is_made_again(project: Project, ninja: str) -> None:
    project.edit("SConscript", "loaders=[]", 'loaders=["xen-pv-domu"]')
    project.scons("build.ninja")
    for _ in range(2):
        result = subprocess.run(
            [ninja], cwd=project.top, capture_output=True, text=True, check=False
        )
        assert result.returncode == 1
        assert "would not start with xen-pv-domu" in result.stdout
        assert not (project.top / "build/x86_64/k $x").exists()


def test_a_link_that_is_too_long_for_the_system(project: Project, ninja: str, gcc: str) -> None:
    (project.top / "e.c").touch()
    subprocess.run([gcc, "-c", "e.c"], cwd=project.top, check=True)
    names = [f"{'it is ' * 40}{number}.o" for number in range(600)]
    for name in names:
        shutil.copy(project.top / "e.o", project.top / name)
    project.edit("SConscript", '["one.c"', f'{names} + ["one.c"')
    project.scons("build.ninja")
    assert run(ninja, project) >= LINK


def test_ninja_and_scons_in_turn(project: Project, ninja: str) -> None:
    run(ninja, project)
    # ninja and SCons do not know what the other built: each builds again, and then does nothing.
    assert len(project.scons().steps) == 5
    assert project.up_to_date()
    run(ninja, project)
    project.edit("one.c", "+", "-")
    assert run(ninja, project) == {ONE, *LINK}
    assert project.scons().steps[0] == "CC build/x86_64/one.o"
    assert is_as_of_scons(project, "k $x")


def test_a_name_that_ninja_cannot_have(project: Project) -> None:
    project.write("a|b.c", "int ab;\n")
    project.edit("SConscript", '["one.c"', '["a|b.c", "one.c"')
    before = (project.top / "build.ninja").read_bytes()
    out = project.run("build.ninja")
    assert out.status == 2
    assert "a|b.o': no build.ninja can hold such a name; rename it" in out.err
    assert (project.top / "build.ninja").read_bytes() == before
