# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The sources of images: their types, flags and places."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from project import Project

BUILD = "build/x86_64"


def project_of(top: Path, sources: str, more: str = "", configure: str = "") -> Project:
    project = Project(top)
    image = f'env.XenImage("k", {sources}, script="k.lds", loaders=[])\n'
    project.write_small(f"{more}\n{image}", kconfig='config LOUD\n\tbool "loud"\n')
    project.edit("SConstruct", '"Kconfig"', f'"Kconfig"{configure}')
    project.write("a.c", "int a = 1;\n")
    return project


def commands(project: Project, *arguments: str) -> dict[str, str]:
    """The command that makes each file."""
    lines = project.scons("V=1", *arguments).out.splitlines()
    return {words[words.index("-o") + 1]: line for line in lines if "-o" in (words := line.split())}


def symbols(project: Project) -> str:
    command = ["nm", str(project.top / f"{BUILD}/k")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("sources", ['Glob("*.c")', '[File("a.c")]', '["a.c"]', '"a.c"'])
def test_sources_as_nodes_and_names(tmp_path: Path, sources: str) -> None:
    project = project_of(tmp_path, sources)
    assert f"CC {BUILD}/a.o" in project.scons().steps
    assert " D a\n" in symbols(project)
    assert project.up_to_date()


def test_assembler_and_c_plus_plus_are_compiled(tmp_path: Path) -> None:
    project = project_of(tmp_path, '["b.s", "c.cpp", "d.S"]')
    project.write("b.s", ".globl b\nb: nop\n")
    project.write("c.cpp", 'extern "C" { int c = 1; }\n')
    project.write("d.S", "#define D d\n.globl D\nD: nop\n")
    made = commands(project)
    assert "-std=" not in made[f"{BUILD}/c.o"]
    assert {line.split()[-1] for line in symbols(project).splitlines()} >= {"b", "c", "d"}


@pytest.mark.parametrize("sources", ['["a.c", "README"]', '[File("a.txt")]', '["b.rs"]'])
def test_what_cannot_be_linked_is_refused_by_name(tmp_path: Path, sources: str) -> None:
    run = project_of(tmp_path, sources).run()
    assert run.status == 2
    assert "is neither a source nor an object" in run.err
    assert len(run.err.splitlines()) == 1


def test_a_library_by_name_and_by_file(tmp_path: Path) -> None:
    more = 'env.Append(LIBPATH=["lib"], LIBS=["one", File("lib/libtwo.a")])'
    project = project_of(tmp_path, '["a.c"]', more)
    project.write("a.c", "extern int one, two;\nint *a = &one, *b = &two;\n")
    (project.top / "lib").mkdir()
    for number, name in enumerate(("one", "two")):
        source = project.write(f"lib/{name}.c", f"int {name} = {number};\n")
        subprocess.run(["gcc", "-c", "-o", f"{name}.o", source.name], cwd=source.parent, check=True)
        subprocess.run(["ar", "rcD", f"lib{name}.a", f"{name}.o"], cwd=source.parent, check=True)
    project.scons()
    assert project.up_to_date()
    (project.top / "lib/libone.a").write_bytes((project.top / "lib/libtwo.a").read_bytes())
    assert "undefined reference to `one'" in project.run().err


def test_every_variable_of_flags_counts_where_scons_has_it(tmp_path: Path) -> None:
    names = ("CFLAGS", "CXXFLAGS", "CCFLAGS", "CPPFLAGS", "ASFLAGS", "ASPPFLAGS")
    more = "; ".join(f'env.Append({name}=["-DIN_{name}"])' for name in names)
    project = project_of(tmp_path, '["a.c", "b.cc", "c.S"]', more)
    project.write("b.cc", "int b;\n")
    project.write("c.S", "nop\n")
    made = commands(project)
    for path, counted in (
        ("a.o", {"CFLAGS", "CCFLAGS", "CPPFLAGS"}),
        ("b.o", {"CXXFLAGS", "CCFLAGS", "CPPFLAGS"}),
        ("c.o", {"ASFLAGS", "ASPPFLAGS", "CCFLAGS", "CPPFLAGS"}),
    ):
        assert {name for name in names if f"-DIN_{name} " in made[f"{BUILD}/{path}"]} == counted


def test_a_users_flag_wins(tmp_path: Path) -> None:
    more = 'low = env.XenObject("low.c", CCFLAGS=["-m32", "-O0", "-std=c99"])'
    project = project_of(tmp_path, '["a.c"]', f"{more}; Default(low)")
    project.write("low.c", "int low(void) { return sizeof(long) == 4 ? 1 : -1; }\n")
    command = commands(project)[f"{BUILD}/low.o"]
    assert "-mcmodel=kernel" not in command
    assert command.index("-O2") < command.index("-O0")
    assert command.index("-std=gnu11") < command.index("-std=c99")


def test_a_macro_that_is_a_string_is_as_from_scons_own_builder(tmp_path: Path) -> None:
    # Between SCons and a compiler is a shell, for which users escape quotes.
    escaped = 'CPPDEFINES={"A": \'\\\\"one \\\\\\\\n\\\\"\'}, CCFLAGS=[\'-DB=\\\\"2\\\\"\']'
    plain = 'CPPDEFINES={"A": \'"one \\\\n"\'}, CCFLAGS=[\'-DB="2"\']'
    more = f"""
for tool in ("cc", "gcc", "as"):
    env.Tool(tool)
env.Object("by-scons.o", "macros.c", {escaped})
env.XenObject("escaped.o", "macros.c", {escaped})
env.XenObject("plain.o", "macros.c", {plain})
"""
    project = project_of(tmp_path, '["a.c"]', more)
    project.write("macros.c", "const char text[] = A B;\n")
    project.scons()
    for name in ("by-scons.o", f"{BUILD}/escaped.o", f"{BUILD}/plain.o"):
        assert b"one \n2\0" in (tmp_path / name).read_bytes(), name


def test_a_deleted_map_is_made_again(tmp_path: Path) -> None:
    project = project_of(tmp_path, '["a.c"]', 'env.Append(LINKFLAGS=["-Map=k.map"])')
    project.scons()
    assert project.up_to_date()
    text = (project.top / "k.map").read_text()
    (project.top / "k.map").unlink()
    project.scons()
    assert (project.top / "k.map").read_text() == text
    assert project.up_to_date()


def test_a_users_own_depfile_stays_theirs(tmp_path: Path) -> None:
    more = 'env.Append(CCFLAGS=["-MMD", "-MF", "mine.d"], CPPPATH=["."])'
    project = project_of(tmp_path, '["a.c"]', more)
    project.write("a.h", "#define A 1\n")
    project.write("a.c", '#include "a.h"\nint a = A;\n')
    project.scons()
    text = (project.top / "mine.d").read_text()
    assert "a.h" in text
    assert text.startswith(f"{BUILD}/a.o: ")
    assert project.up_to_date()
    project.write("a.h", "#define A 2\n")
    assert f"CC {BUILD}/a.o" in project.scons().steps


@pytest.mark.parametrize("words", ["--dependency-file=mine.d", "--dependency-file mine.d"])
def test_a_users_own_dependency_file_of_a_link_stays_theirs(tmp_path: Path, words: str) -> None:
    project = project_of(tmp_path, '["a.c"]', f"env.Append(LINKFLAGS={words!r})")
    project.scons()
    text = (project.top / "mine.d").read_text()
    assert text.startswith(f"{BUILD}/k.unchecked:")
    assert f"{BUILD}/a.o" in text
    assert project.up_to_date()
    (project.top / "mine.d").unlink()
    assert f"LD {BUILD}/k.unchecked" in project.scons().steps


@pytest.mark.parametrize("order", [1, -1], ids=["image first", "object first"])
def test_an_image_named_as_a_folder_beside_it(tmp_path: Path, order: int) -> None:
    project = Project(tmp_path)
    image = 'env.XenImage("k", ["a.c"], script="k.lds", loaders=[])\n'
    object_of_k = 'env.XenObject("k/b.c")\n'
    project.write_small("".join([image, object_of_k][::order]))
    project.write("a.c", "int a;\n")
    project.write("k/b.c", "int b;\n")
    # The folder of the object takes the image's name below the build directory, too.
    run = project.run()
    assert run.status == 2
    assert f"{BUILD}/k" in run.err
    assert len(run.err.splitlines()) == 1
    project.edit("SConstruct", object_of_k, "")
    project.scons("O=elsewhere")
    assert (project.top / "elsewhere/k").is_file()


@pytest.mark.usefixtures("each_scons")
def test_a_build_directory_outside_is_built_by_default(tmp_path: Path) -> None:
    project = project_of(tmp_path / "tree", '["a.c"]')
    outside = tmp_path / "outside"
    project.scons(f"O={outside}")
    assert (outside / "k").is_file()
    assert project.up_to_date(f"O={outside}")


def test_clean_removes_empty_folders_on_the_way_to_a_build_directory(tmp_path: Path) -> None:
    project = project_of(tmp_path / "tree", '["a.c"]')
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "empty").mkdir(parents=True)
    (project.top / "link").symlink_to(elsewhere)
    project.write("kept/file", "")
    for folder, left in (
        ("out/x/y/build", project.top / "out"),
        ("kept/x/build", project.top / "kept/x"),
        (str(elsewhere / "x/build"), elsewhere / "x/build"),
    ):
        project.scons(f"O={folder}")
        assert left.exists()
        project.scons("-c", f"O={folder}")
        assert not left.exists(), folder
    assert (project.top / "kept").exists()
    assert (elsewhere / "x").exists()
    project.scons("-c", "O=link/empty/build")
    assert (elsewhere / "empty").exists()


def test_a_folder_with_headers_is_no_build_directory(tmp_path: Path) -> None:
    project = project_of(tmp_path, '["a.c"]')
    project.write("include/mine.h", "")
    run = project.run("O=include")
    assert run.status == 2
    assert "outputs would land among the sources: it has include/mine.h" in run.err


def test_the_projects_own_autoconf_is_not_taken(tmp_path: Path) -> None:
    project = project_of(tmp_path, '["a.c"]', 'env.Append(CPPPATH=["include"])')
    project.write("include/autoconf.h", "#error not this one\n")
    project.write("a.c", "#ifdef CONFIG_LOUD\nint loud;\n#endif\n")
    project.scons("LOUD=1")
    assert " loud\n" in symbols(project)


@pytest.mark.usefixtures("each_scons")
def test_a_variant_directory_finds_headers_beside_the_sources(tmp_path: Path) -> None:
    project = project_of(
        tmp_path,
        "objects",
        'objects = SConscript("src/SConscript", exports="env", variant_dir="variant")',
    )
    project.write(
        "src/SConscript", 'Import("env")\nobjects = env.XenObject("b.c")\nReturn("objects")\n'
    )
    project.write("src/b.h", "#define B 1\n")
    project.write("src/b.c", '#include "b.h"\nint b = B;\n')
    assert f"CC {BUILD}/variant/b.o" in project.scons().steps
    assert project.up_to_date()
    project.write("src/b.h", "#define B 2\n")
    assert f"CC {BUILD}/variant/b.o" in project.scons().steps


def test_settings_count_beside_a_sconstructs_own_arguments(tmp_path: Path) -> None:
    project = project_of(tmp_path, '["a.c"]', configure=', arguments={"LOUD": "1"}')
    run = project.run("V=1", "LUOD=1", "ARCH=i386")
    assert run.status == 0
    assert "-mcmodel=kernel" in run.out
    notes = [line for line in run.err.splitlines() if "has no effect" in line]
    assert [note.split()[2] for note in notes] == ["ARCH=i386", "LUOD=1"]


@pytest.mark.parametrize(("flag", "other"), [("-gsplit-dwarf", "a.dwo"), ("--coverage", "a.gcno")])
@pytest.mark.parametrize("toolchain", ["gcc", "clang"], indirect=True)
def test_an_object_names_the_files_beside_it_by_their_places(
    tmp_path: Path, toolchain: str, flag: str, other: str
) -> None:
    project = project_of(tmp_path, '["a.c"]', f'env.Append(CCFLAGS=["-g", "{flag}"])')
    project.write("a.c", "int a(int b);\nint a(int b) { return b ? 1 : 2; }\n")
    word = f"TOOLCHAIN={toolchain}"
    project.scons(word, f"{BUILD}/a.o")
    assert (project.top / BUILD / other).exists()
    text = (project.top / BUILD / "a.o").read_bytes()
    named = other.replace("gcno", "gcda").encode()
    assert re.search(rb"[/\0]%s\0" % re.escape(named), text)
    assert b".part" not in text
    assert project.up_to_date(word, f"{BUILD}/a.o")
    (project.top / BUILD / other).unlink()
    assert f"CC {BUILD}/a.o" in project.scons(word, f"{BUILD}/a.o").steps
    assert (project.top / BUILD / other).exists()
