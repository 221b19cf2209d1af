# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""XenImage with names of sources works as with XenObject."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from project import Project, reference_kernel
from sources import SOURCES

BUILD = "build/x86_64"
LIB = f"{BUILD}/{SOURCES}/lib.o"
SOURCE = f"{SOURCES}/lib.c"
BY_NAME = f'[f"#{SOURCES}/{{source}}" for source in sources]'
BY_NODE = "env.XenObject(sources)"
LINK = [f"LD {BUILD}/vmlinux.unchecked", f"CHECK {BUILD}/vmlinux"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference kernel, built by names of sources, until all steps are recorded."""
    kernel = reference_kernel(tmp_path_factory.mktemp("named") / "kernel")
    kernel.edit(f"{SOURCES}/SConscript", BY_NODE, BY_NAME)
    kernel.edit("SConstruct", "\nvmlinux =", "\nscript = env.XenScript(script)[0]\nvmlinux =")
    kernel.scons()
    assert kernel.up_to_date()
    return kernel.top


@pytest.fixture
def named(built: Path, tmp_path: Path) -> Project:
    """A copy of the built tree."""
    shutil.copytree(built, tmp_path / "named")
    return Project(tmp_path / "named")


def test_names_of_sources_make_the_same_image(named: Project, built_kernel: Project) -> None:
    image = (built_kernel.top / f"{BUILD}/vmlinux").read_bytes()
    assert (named.top / f"{BUILD}/vmlinux").read_bytes() == image


def test_a_target_is_compiled_by_its_name(named: Project) -> None:
    named.edit(SOURCE, "#include <", "int more;\n#include <")
    assert named.scons(LIB).steps == [f"CC {LIB}"]
    assert named.scons().steps == LINK


def test_why_names_the_changed_object(named: Project) -> None:
    named.edit(SOURCE, "#include <", "int more;\n#include <")
    named.scons()
    assert f"-> {LIB}\n" in named.scons("why", f"TARGET={BUILD}/vmlinux.unchecked").out


def test_junk_in_an_objects_place_is_removed(named: Project) -> None:
    good = (named.top / LIB).read_bytes()
    (named.top / LIB).write_bytes(b"junk")
    named.scons()
    assert (named.top / LIB).read_bytes() == good
    (named.top / LIB).unlink()
    assert named.scons().steps == [f"CC {LIB}"]


def test_clean_removes_every_object(named: Project) -> None:
    named.scons("-c")
    assert not list(named.top.glob("build/**/*.o"))


def test_an_object_that_a_sconscript_names_is_made_first(named: Project) -> None:
    line = f'env.Command("lib.dis", "{LIB}", Copy("$TARGET", "$SOURCE"))'
    text = (named.top / "SConstruct").read_text()
    named.write("SConstruct", f"{text}\n{line}\n")
    named.edit(SOURCE, "#include <", "int more;\n#include <")
    assert named.scons("lib.dis").steps == [f"CC {LIB}"]
    assert (named.top / "lib.dis").read_bytes() == (named.top / LIB).read_bytes()
    assert named.scons().steps == LINK


def test_default_and_depends_take_an_objects_name(named: Project) -> None:
    named.write("extra", "1")
    text = (named.top / "SConstruct").read_text()
    named.write("SConstruct", f'{text}\nDefault("{LIB}")\nDepends("{LIB}", "extra")\n')
    named.scons()
    assert named.up_to_date()
    named.write("extra", "2")
    assert named.scons().steps == [f"CC {LIB}"]


def test_a_second_image_of_the_same_sources(named: Project) -> None:
    second = 'Default(env.XenImage("second", [head, objects], script=script))'
    named.write("SConstruct", (named.top / "SConstruct").read_text() + second + "\n")
    steps = named.scons().steps
    assert [step for step in steps if step.startswith("CC")] == []
    named.edit(SOURCE, "#include <", "int more;\n#include <")
    steps = named.scons().steps
    assert steps.count(f"CC {LIB}") == 1
    images = [(named.top / f"{BUILD}/{name}").read_bytes() for name in ("vmlinux", "second")]
    assert images[0] == images[1]
    assert named.up_to_date()


def test_the_same_source_compiled_in_another_way(named: Project) -> None:
    other = 'Default(env.Clone(CCFLAGS=["-O1"]).XenImage("o1", [head, objects], script=script))'
    named.write("SConstruct", (named.top / "SConstruct").read_text() + other + "\n")
    run = named.run()
    assert run.status == 2
    assert ".o would be made in two ways: " in run.err


@pytest.mark.parametrize("source", ['"own.c"', 'inner.XenObject("own.c")'])
def test_a_folder_of_headers_is_below_its_sconscript(named: Project, source: str) -> None:
    named.write("sub/include/own.h", "#define OWN 1\n")
    named.write("sub/own.c", '#include "own.h"\nint own = OWN;\n')
    named.write("sub/own.lds", "ENTRY(own)\nSECTIONS { .data : { *(.data) } }\n")
    named.write(
        "sub/SConscript",
        'Import("env")\n'
        'inner = env.Clone(CPPPATH=["include"], LINKFLAGS=[])\n'
        'Default(inner.XenImage("own", [OWN], script="own.lds", loaders=[]))\n'.replace(
            "OWN", source
        ),
    )
    text = (named.top / "SConstruct").read_text()
    named.write("SConstruct", f'{text}SConscript("sub/SConscript", exports="env")\n')
    compiled = f"CC {BUILD}/sub/own.o"
    assert compiled in named.scons().steps
    assert named.up_to_date()
    named.write("sub/include/own.h", "#define OWN 2\n")
    assert compiled in named.scons().steps


def test_a_source_that_a_command_makes_below_the_build_directory(named: Project) -> None:
    made = f"{BUILD}/made.c"
    named.edit(
        "SConstruct",
        "\nvmlinux =",
        f'\nenv.Command("{made}", "word", "echo int made = $$(cat $SOURCE)\\\\; > $TARGET")'
        f'\nobjects.append("#{made}")\nvmlinux =',
    )
    named.write("word", "1")
    assert f"CC {BUILD}/made.o" in named.scons().steps
    assert named.up_to_date()
    named.write("word", "2")
    assert f"CC {BUILD}/made.o" in named.scons().steps


def test_a_source_that_is_not_there(named: Project) -> None:
    (named.top / SOURCE).unlink()
    run = named.run()
    assert run.status == 2
    assert "SConscript:" in run.err
    assert "lib.c: there is no such file" in run.err
