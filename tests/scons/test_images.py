# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Several images of the same objects: each is linked from what the same run has made."""

from __future__ import annotations

from pathlib import Path

import pytest

from project import SECTIONS, Project

BUILD = "build/x86_64/sub"
MAIN = f"CC {BUILD}/main.o"

SCONSCRIPT = """
Import("env")
env = env.Clone(CPPPATH=["include"])
names = ["main.c", "other.c"]

def objects():
    return [env.XenObject(name) for name in names]

for image, sources in IMAGES.items():
    env.XenImage(image, sources, script="images.lds", loaders=[])
"""
SOURCE = '#include "number.h"\nint number(void) { return NUMBER; }\n'
IMAGES = {
    "nodes": 'dict.fromkeys("ab", objects())',
    "names": 'dict.fromkeys("ab", names)',
    "names, then nodes": '{"a": names, "b": objects()}',
    "nodes, then names": '{"a": objects(), "b": names}',
    "three of nodes": 'dict.fromkeys("abc", objects())',
    "three of names": 'dict.fromkeys("abc", names)',
    # SCons visits the objects before the image, as their names sort before its name.
    "one behind its nodes": '{"z": objects()}',
}


def project_of(top: Path, images: str) -> Project:
    """Write a project of these images, and build it until all steps are recorded."""
    project = Project(top)
    project.write_small('SConscript("sub/SConscript", exports="env")\n')
    project.write("sub/SConscript", SCONSCRIPT.replace("IMAGES", images))
    project.write("sub/images.lds", SECTIONS)
    project.write("sub/include/number.h", "#define NUMBER 1\n")
    project.write("sub/main.c", SOURCE)
    project.write("sub/other.c", "int other(void) { return 4; }\n")
    project.scons()
    assert project.up_to_date()
    return project


def linked(names: str) -> list[str]:
    """Return the steps that make the images of these names."""
    steps = ("LD {}/{}.unchecked", "CHECK {}/{}")
    return [step.format(BUILD, name) for name in names for step in steps]


def images(project: Project) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (project.top / BUILD).glob("?")}


def images_from_nothing(project: Project) -> dict[str, bytes]:
    project.scons("-c")
    project.scons()
    return images(project)


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
@pytest.mark.parametrize("shared", IMAGES.values(), ids=IMAGES)
def test_every_image_is_linked_from_a_new_object(tmp_path: Path, shared: str, jobs: str) -> None:
    project = project_of(tmp_path, shared)
    before = images(project)
    project.edit("sub/include/number.h", "1", "2")
    expected = sorted([MAIN, *linked("".join(before))])
    assert sorted(project.scons("-n", jobs).steps) == expected
    assert sorted(project.scons(jobs).steps) == expected
    after = images(project)
    assert after != before
    assert project.up_to_date(jobs)
    assert after == images_from_nothing(project)


@pytest.mark.usefixtures("each_scons")
@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
@pytest.mark.parametrize("sources", ["objects()", "names"])
def test_no_image_is_linked_from_an_object_that_failed(
    tmp_path: Path, sources: str, jobs: str
) -> None:
    project = project_of(tmp_path, f'{{**dict.fromkeys("ab", {sources}), "c": {sources}[1:]}}')
    project.edit("sub/main.c", "NUMBER", "NUMBERS")
    project.edit("sub/other.c", "4", "5")
    run = project.run("-k", jobs)
    assert run.status == 2
    assert sorted(run.steps) == sorted([MAIN, f"CC {BUILD}/other.o", *linked("c")])
    project.edit("sub/main.c", "NUMBERS", "NUMBER")
    assert sorted(project.scons("-k", jobs).steps) == sorted([MAIN, *linked("ab")])
    assert images(project) == images_from_nothing(project)


@pytest.mark.usefixtures("each_scons")
@pytest.mark.parametrize("sources", ["objects()", "names"])
def test_an_object_that_scons_judges_itself(tmp_path: Path, sources: str) -> None:
    project = project_of(tmp_path, f'dict.fromkeys("ab", {sources})')
    project.edit("sub/main.c", "number.h", "made.h")
    made = 'env.Command("include/made.h", "include/number.h", Copy("$TARGET", "$SOURCE"))'
    project.edit("sub/SConscript", "\nfor ", f"\n{made}\nfor ")
    assert MAIN in project.scons().steps
    assert project.up_to_date()
    project.edit("sub/include/number.h", "1", "2")
    assert sorted(project.scons().steps) == sorted([MAIN, *linked("ab")])


@pytest.mark.usefixtures("each_scons")
@pytest.mark.parametrize("sources", ["objects()", "names"])
def test_an_object_that_is_made_again_as_it_was(tmp_path: Path, sources: str) -> None:
    project = project_of(tmp_path, f'dict.fromkeys("ab", {sources})')
    before = images(project)
    (project.top / BUILD / "main.o").unlink()
    (project.top / BUILD / "b").unlink()
    (project.top / BUILD / "b.unchecked").unlink()
    assert sorted(project.scons().steps) == sorted([MAIN, *linked("b")])
    assert images(project) == before


@pytest.mark.parametrize("jobs", ["-j1", "-j4"])
def test_an_object_of_another_build_directory_is_made_before(tmp_path: Path, jobs: str) -> None:
    project = Project(tmp_path)
    project.write_small(
        """
other = env.Clone()
other.XenConfigure("Kconfig", arguments={}, build="other")
part = other.XenObject("part.c")
image = env.XenImage("k", [env.XenObject("main.c"), part], script="k.lds", loaders=[])
Default(env.XenObject("main.c"), image)
"""
    )
    project.write("main.c", "int number(void) { return 1; }\n")
    project.write("part.c", "int part = 1;\n")
    steps = ["CC other/part.o", "LD build/x86_64/k.unchecked", "CHECK build/x86_64/k"]
    assert project.scons(jobs).steps[-2:] == steps[1:]
    project.edit("part.c", "1", "2")
    assert project.scons(jobs).steps == steps
    assert project.up_to_date()
