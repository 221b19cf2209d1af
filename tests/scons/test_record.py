# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Steps are up to date by their records: by contents, and no dependency is missing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from project import Project

BUILD = "build/x86_64"
LIB = f"{BUILD}/arch/x86/xen/lib.o"
VMLINUX = f"{BUILD}/vmlinux"
LINK = [f"LD {VMLINUX}.unchecked", f"CHECK {VMLINUX}"]
SOURCE = "arch/x86/xen/lib.c"


def considered(kernel: Project, *arguments: str) -> set[str]:
    """Return the objects that SCons itself judged in a run."""
    out = kernel.scons("--taskmastertrace=-", *arguments).out
    return {line.split("'")[1] for line in out.splitlines() if ".o'" in line and "Task." in line}


def test_scons_looks_at_no_object(built_kernel: Project) -> None:
    assert considered(built_kernel) == set()
    built_kernel.edit(SOURCE, "#include", "/* */\n#include")
    assert considered(built_kernel) == set()


@pytest.mark.parametrize("target", [LIB, VMLINUX, f"{BUILD}/arch/x86/xen/xen-head.o"])
def test_an_output_that_another_program_wrote_is_made_again(
    built_kernel: Project, target: str
) -> None:
    path = built_kernel.top / target
    good = path.read_bytes()
    image = (built_kernel.top / VMLINUX).read_bytes()
    path.write_bytes(b"junk")
    built_kernel.scons()
    assert path.read_bytes() == good
    # The new file has the same time and size, too.
    status = path.stat()
    changed = bytearray(good)
    changed[-1] ^= 1
    path.write_bytes(changed)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    built_kernel.scons()
    assert path.read_bytes() == good
    assert (built_kernel.top / VMLINUX).read_bytes() == image


def test_an_object_of_another_source_is_made_again(built_kernel: Project) -> None:
    good = (built_kernel.top / LIB).read_bytes()
    shutil.copy2(built_kernel.top / LIB.replace("lib.o", "setup.o"), built_kernel.top / LIB)
    built_kernel.scons()
    assert (built_kernel.top / LIB).read_bytes() == good


def test_a_source_that_is_replaced_by_an_older_one(built_kernel: Project) -> None:
    backup = built_kernel.write("backup.c", (built_kernel.top / SOURCE).read_text() + "int old;\n")
    os.utime(backup, (1e9, 1e9))
    os.replace(backup, built_kernel.top / SOURCE)
    assert f"CC {LIB}" in built_kernel.scons().steps


def test_a_source_of_another_content_with_the_same_time_and_size(built_kernel: Project) -> None:
    path = built_kernel.write(SOURCE, (built_kernel.top / SOURCE).read_text() + "int a;\n")
    # SCons trusts a time that is older than two days.
    os.utime(path, (1e9, 1e9))
    built_kernel.scons()
    built_kernel.edit(SOURCE, "int a;", "int b;")
    os.utime(path, (1e9, 1e9))
    assert f"CC {LIB}" in built_kernel.scons().steps
    assert built_kernel.up_to_date()


def test_an_object_of_a_killed_run_is_not_taken_as_up_to_date(built_kernel: Project) -> None:
    image = (built_kernel.top / VMLINUX).read_bytes()
    text = (built_kernel.top / SOURCE).read_text()
    built_kernel.write(SOURCE, text + "int more = 1;\n")
    good = (built_kernel.top / LIB).read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-m", "SCons", "-Q"], cwd=built_kernel.top, stdout=subprocess.DEVNULL
    )
    while _content(built_kernel.top / LIB) in (None, good):
        assert process.poll() is None, "it was over before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    # The source is reverted, as by undo in an editor: SCons finds the contents that it knows.
    built_kernel.write(SOURCE, text)
    built_kernel.scons()
    assert (built_kernel.top / LIB).read_bytes() == good
    assert (built_kernel.top / VMLINUX).read_bytes() == image


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def test_a_header_that_will_be_made_where_one_was_looked_for(built_kernel: Project) -> None:
    built_kernel.write("include/late.h", "int late;\n")
    built_kernel.edit("SConstruct", "CCFLAGS=", 'CPPPATH=["#include"], CCFLAGS=')
    built_kernel.edit(SOURCE, "#include", '#include "late.h"\n#include')
    built_kernel.scons()
    command = "echo 'int later;' > $TARGET"
    made = f'env.Command("#arch/x86/xen/late.h", [], "{command}")\n'
    built_kernel.edit("SConstruct", "head = env", f"{made}head = env")
    assert f"CC {LIB}" in built_kernel.scons().steps
    assert b"later" in (built_kernel.top / LIB).read_bytes()


def test_a_source_that_is_compiled_twice_with_other_folders(built_kernel: Project) -> None:
    built_kernel.write("two.c", '#include "where.h"\n')
    built_kernel.write("near/where.h", "extern int near;\n")
    text = """
objects += [
    env.XenObject(name, "two.c", CPPPATH=[f"#{folder}" for folder in folders])
    for name, folders in (("wide", ["first", "near"]), ("close", ["near"]))
]
vmlinux = """
    built_kernel.edit("SConstruct", "vmlinux = ", text)
    built_kernel.scons()
    built_kernel.write("first/where.h", "extern int first;\n")
    assert built_kernel.scons().steps == [f"CC {BUILD}/wide.o"]


def _depends(kernel: Project) -> None:
    kernel.write("extra", "1")
    kernel.edit("SConstruct", "vmlinux = ", 'env.Depends(objects[0], "extra")\nvmlinux = ')
    kernel.scons()
    kernel.write("extra", "2")


def _always(kernel: Project) -> None:
    kernel.edit("SConstruct", "vmlinux = ", "AlwaysBuild(objects[0])\nvmlinux = ")


def _post_action(kernel: Project) -> None:
    text = 'env.AddPostAction(objects[0], "touch posted")\nvmlinux = '
    kernel.edit("SConstruct", "vmlinux = ", text)


@pytest.mark.usefixtures("each_scons")
@pytest.mark.parametrize("ask", [_depends, _always, _post_action])
def test_depends_alwaysbuild_and_actions_run_the_step_again(
    built_kernel: Project, ask: Callable[[Project], None]
) -> None:
    ask(built_kernel)
    assert f"CC {BUILD}/arch/x86/xen/setup.o" in built_kernel.scons().steps


@pytest.mark.usefixtures("each_scons")
def test_options_of_scons_see_all_steps(built_kernel: Project) -> None:
    assert built_kernel.run("-q").status == 0
    assert built_kernel.scons("-n").steps == []
    built_kernel.edit(SOURCE, "#include", "extern int x;\n#include")
    assert built_kernel.run("-q").status == 1
    assert built_kernel.scons("-n").steps == [f"CC {LIB}", *LINK]
    assert LIB in built_kernel.scons("--tree=all").out
    built_kernel.scons("-c")
    assert not (built_kernel.top / BUILD).exists()


@pytest.mark.usefixtures("each_scons")
def test_cleaning_an_object_removes_it_alone(built_kernel: Project) -> None:
    before = {path for path in (built_kernel.top / BUILD).rglob("*") if path.is_file()}
    built_kernel.scons("-c", LIB)
    after = {path for path in (built_kernel.top / BUILD).rglob("*") if path.is_file()}
    assert before - after == {built_kernel.top / LIB}
    # Its contents are the same, so no other step runs.
    assert built_kernel.scons().steps == [f"CC {LIB}"]


def test_the_order_of_objects_counts(built_kernel: Project) -> None:
    built_kernel.edit("SConstruct", "[head, objects]", "[head, objects[::-1]]")
    assert built_kernel.scons().steps == LINK


def test_an_object_that_is_not_linked_any_more(built_kernel: Project) -> None:
    built_kernel.write("arch/x86/xen/extra.c", "int extra;\n")
    built_kernel.edit("arch/x86/xen/SConscript", "lib.c", "lib.c extra.c")
    built_kernel.scons()
    built_kernel.edit("arch/x86/xen/SConscript", "lib.c extra.c", "lib.c")
    assert built_kernel.scons().steps == LINK


def test_the_record_of_an_object_outlives_it(built_kernel: Project) -> None:
    extra = built_kernel.top / BUILD / "arch/x86/xen/extra.o"
    built_kernel.write("arch/x86/xen/extra.c", "int extra;\n")
    built_kernel.edit("arch/x86/xen/SConscript", "lib.c", "lib.c extra.c")
    built_kernel.scons()
    good = extra.read_bytes()
    built_kernel.edit("arch/x86/xen/SConscript", "lib.c extra.c", "lib.c")
    extra.unlink()
    built_kernel.edit(SOURCE, "#include", "extern int x;\n#include")
    assert f"CC {LIB}" in built_kernel.scons().steps
    # SCons' database knows the object, too, and would accept any file of its name.
    extra.write_bytes(b"junk")
    built_kernel.edit("arch/x86/xen/SConscript", "lib.c", "lib.c extra.c")
    built_kernel.scons()
    assert extra.read_bytes() == good


@pytest.mark.parametrize("file", [".build.db", ".sconsign.dblite"])
def test_a_lost_record_comes_back(built_kernel: Project, file: str) -> None:
    image = (built_kernel.top / VMLINUX).read_bytes()
    (built_kernel.top / BUILD / file).unlink()
    compiled = [step for step in built_kernel.scons().steps if step.startswith("CC")]
    # SCons' database does not decide what is up to date.
    assert bool(compiled) == (file == ".build.db")
    assert (built_kernel.top / VMLINUX).read_bytes() == image
    assert built_kernel.up_to_date()


def test_steps_that_another_version_recorded_run_again(built_with_tool: Project) -> None:
    with (built_with_tool.top / "site_scons/xen_tool/build/discover.py").open("a") as file:
        file.write("# another version, which may see more\n")
    assert f"CC {LIB}" in built_with_tool.scons().steps


def test_a_copy_of_the_tree_builds_and_is_then_up_to_date(
    built_kernel: Project, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(built_kernel.top, moved, symlinks=True)
    kernel = Project(moved)
    kernel.scons()
    assert kernel.up_to_date()
    assert (moved / VMLINUX).read_bytes() == (built_kernel.top / VMLINUX).read_bytes()


def test_why_names_an_output_that_another_program_wrote(built_kernel: Project) -> None:
    (built_kernel.top / LIB).write_bytes(b"junk")
    built_kernel.scons()
    lines = built_kernel.scons("why", f"TARGET={LIB}").out.splitlines()
    assert lines[1:] == ["  - its file was changed after it was made"]


def test_only_what_lies_in_the_build_directory_is_removed(
    built_kernel: Project, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    built_kernel.scons(f"O={first}")
    shutil.copytree(first, second)
    # The copied record refers to the first folder, which has changed since then.
    image = first / "vmlinux"
    image.unlink()
    image.write_bytes(b"newer")
    built_kernel.scons(f"O={second}")
    assert image.read_bytes() == b"newer"


@pytest.mark.parametrize("run", [("olddefconfig",), ("-n",), ("-q",), ("-h",)])
def test_a_run_that_does_not_build_removes_nothing(
    built_kernel: Project, run: tuple[str, ...]
) -> None:
    # Another build may run there.
    (built_kernel.top / LIB).write_bytes(b"half")
    built_kernel.run(*run)
    assert (built_kernel.top / LIB).read_bytes() == b"half"


def test_environments_that_share_a_folder_share_the_record(built_kernel: Project) -> None:
    built_kernel.write("other.c", "int other;\n")
    text = """
other = env.Clone()
other.XenConfigure("kconfig/Kconfig", defconfig="kconfig/configs/{arch}_defconfig")
Default(other.XenObject("other.c"))
"""
    path = built_kernel.top / "SConstruct"
    path.write_text(path.read_text() + text)
    # SCons warns that two environments then write the same configuration.
    assert built_kernel.run().status == 0
    for sources in (["other.c"], ["other.c", SOURCE]):
        for source in sources:
            path = built_kernel.top / source
            path.write_text(f"{path.read_text()}int more_{len(sources)} = 1;\n")
        assert "CC other.o" in built_kernel.run().names
        assert built_kernel.run().steps == []


def test_a_lost_database_of_scons_does_not_make_the_image_dirty(
    built_kernel: Project,
) -> None:
    made = 'env.Command("#arch/x86/xen/made.h", "word", "cat $SOURCE > $TARGET")\n'
    built_kernel.edit("SConstruct", "head = env", f"{made}head = env")
    built_kernel.write("word", "#define MADE 1\n")
    built_kernel.edit(SOURCE, "#include", '#include "made.h"\n#include')
    built_kernel.scons()
    assert built_kernel.up_to_date()
    (built_kernel.top / BUILD / ".sconsign.dblite").unlink()
    assert built_kernel.scons().steps == []


@pytest.mark.usefixtures("each_scons")
def test_a_file_that_an_object_requires_is_made_before_it(built_kernel: Project) -> None:
    made = 'stamp = env.Command("stamp", "word", Copy("$TARGET", "$SOURCE"))\n'
    built_kernel.write("word", "1")
    built_kernel.edit("SConstruct", "vmlinux = ", f"{made}Requires(objects[0], stamp)\nvmlinux = ")
    assert built_kernel.scons().steps == []
    assert (built_kernel.top / "stamp").read_text() == "1"
    built_kernel.write("word", "2")
    assert built_kernel.scons().steps == []
    assert (built_kernel.top / "stamp").read_text() == "2"
