# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Files of other builders that sources embed, in trees that are built from nothing."""

from __future__ import annotations

from pathlib import Path

from project import SECTIONS, Project

JOINED = """
parts = []
for name in ("a", "b", "c"):
    part = env.XenObject(f"{name}.S")
    parts += env.Command(f"build/x86_64/{name}.joined.o", part, "$XENLD -r -o $TARGET $SOURCE")
env.XenImage("kernel", [parts, env.XenObject("main.c")], script="k.lds", loaders=[])
"""
"""Libraries, each linked with ld -r, as of Unikraft."""
NESTED = """
ld = "$XENLD -e 0 --oformat binary -Ttext 0 -o $TARGET $SOURCE"
for name in ("b", "c"):
    env.Command(f"build/x86_64/{name}.bin", env.XenObject(f"{name}.S"), ld)
env.XenImage("kernel", [env.XenObject("a.S"), env.XenObject("main.c")], script="k.lds", loaders=[])
env.Append(CPPPATH=["$XEN_BUILD"])
"""
"""A program in a program in the image."""


def _tree(top: Path, sconstruct: str, embedding: dict[str, str]) -> Project:
    project = Project(top)
    project.write_small(sconstruct)
    project.write("k.lds", SECTIONS)
    project.write("main.c", "int main_c;\n")
    project.write("data", "some data")
    for name, line in embedding.items():
        project.write(f"{name}.S", f".data\n{line}\n")
    return project


def test_outputs_of_sources_that_embed_do_not_wait_for_each_other(tmp_path: Path) -> None:
    embedding = {
        "a": '.incbin "data"',
        "b": '#define BLOB "data"\n.incbin BLOB',
        "c": "#ifdef BLOB\n.incbin BLOB\n#endif",
    }
    tree = _tree(tmp_path, JOINED, embedding)
    tree.scons()
    assert tree.up_to_date()
    tree.write("data", "other data")
    assert tree.scons().names & {"CC a.o", "CC b.o", "CC c.o"} == {"CC a.o", "CC b.o"}


def test_an_embedded_file_is_made_before_its_source_is_compiled(tmp_path: Path) -> None:
    embedding = {"a": '.incbin "b.bin"', "b": '.incbin "c.bin"', "c": ".long 0x11223344"}
    tree = _tree(tmp_path, NESTED, embedding)
    tree.scons()
    assert b"\x44\x33\x22\x11" in (tmp_path / "build/x86_64/kernel").read_bytes()
    tree.edit("c.S", "0x11223344", "0x55667788")
    tree.scons()
    assert b"\x88\x77\x66\x55" in (tmp_path / "build/x86_64/kernel").read_bytes()
    assert tree.up_to_date()


def test_generated_sources_in_one_folder_with_what_is_made_of_them(tmp_path: Path) -> None:
    sconstruct = """
for name in ("a", "b"):
    source = env.Command(f"build/x86_64/{name}.c", [], f"echo 'int {name};' > $TARGET")
    env.Command(f"build/x86_64/{name}.bin", env.XenObject(source), "cp $SOURCE $TARGET")
"""
    tree = _tree(tmp_path, sconstruct, {})
    tree.scons()
    assert tree.up_to_date()


def test_an_image_in_itself(tmp_path: Path) -> None:
    sconstruct = """
part = env.XenObject("a.S")
image = env.XenImage("kernel", [part, env.XenObject("main.c")], script="k.lds", loaders=[])
env.Command("build/x86_64/packed", image, "cp $SOURCE $TARGET")
env.Depends(part, "build/x86_64/packed")
"""
    tree = _tree(tmp_path, sconstruct, {"a": '.incbin "build/x86_64/packed"'})
    run = tree.run()
    assert run.status == 2
    assert run.err == (
        "scons: *** [build/x86_64/kernel] it is made of build/x86_64/a.o, which a SConscript makes "
        "depend on it: leave out one of the two\n"
    )
