# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Builds of small plans: the steps that run, and the files that remain after a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from programs import program
from xen_tool.build.plan import Group
from xen_tool.build.step import LINK, Step
from xen_tool.errors import XenToolError

from .engine import Engine, write


def nothing_to_do(engine: Engine, *paths: str) -> bool:
    shown = engine.build(*paths)
    return shown.begun == [] and not shown.result.failures


def two_objects(engine: Engine) -> str:
    """An output that concatenates two objects; the source of one includes a header."""
    write("a.c", '#include "a.h"\nint a = A;\n')
    write("a.h", "#define A 1\n")
    write("b.c", "int b = 1;\n")
    return engine.joined("out/all", engine.compile("a"), engine.compile("b"))


def test_a_second_build_does_nothing(engine: Engine) -> None:
    target = two_objects(engine)
    assert engine.build(target).begun == ["out/a.o", "out/b.o", "out/all"]
    assert nothing_to_do(engine, target)


def test_an_edit_runs_what_depends_on_it_and_its_revert_restores_every_byte(
    engine: Engine,
) -> None:
    target = two_objects(engine)
    engine.build(target)
    good = Path(target).read_bytes()
    write("a.h", "#define A 2\n")
    assert engine.build(target).begun == ["out/a.o", "out/all"]
    assert Path(target).read_bytes() != good
    write("a.h", "#define A 1\n")
    assert engine.build(target).begun == ["out/a.o", "out/all"]
    assert Path(target).read_bytes() == good


def test_an_edit_that_is_reverted_before_the_build_runs_nothing(engine: Engine) -> None:
    target = two_objects(engine)
    engine.build(target)
    write("a.h", "#define A 2\n")
    write("a.h", "#define A 1\n")
    assert nothing_to_do(engine, target)


def test_a_build_stops_at_an_equal_object(engine: Engine) -> None:
    target = two_objects(engine)
    engine.build(target)
    write("a.c", '#include "a.h"\nint a = A; /* the same */\n')
    assert engine.build(target).begun == ["out/a.o"]
    assert nothing_to_do(engine, target)


def test_only_what_was_asked_for_is_made(engine: Engine) -> None:
    two_objects(engine)
    assert engine.build("out/b.o").begun == ["out/b.o"]


def test_other_flags_run_a_step(engine: Engine) -> None:
    write("a.c", "int a;\n")
    engine.build(engine.compile("a"))
    other = Engine(engine.plan.groups["cc"].files[0])
    assert other.build(other.compile("a", "-O2")).begun == ["out/a.o"]


def test_a_linker_is_run_again_for_another_object_only(engine: Engine, gnu_as: str) -> None:
    linker = program("ld")
    two_objects(engine)
    target = engine.link("out/all.o", linker, "out/a.o", "out/b.o")
    assert engine.build(target).begun == ["out/a.o", "out/b.o", target]
    assert nothing_to_do(engine, target)
    write("b.c", "int b = 2;\n")
    assert engine.build(target).begun == ["out/b.o", target]


@pytest.mark.parametrize("place", ["a script", "the command line"])
def test_a_library_that_appears_in_an_earlier_folder_runs_the_link(
    engine: Engine, gnu_as: str, place: str
) -> None:
    linker = program("ld")
    two_objects(engine)
    engine.build("out/a.o", "out/b.o")
    write("script.lds", "INPUT(-lb)" if place == "a script" else "")
    os.makedirs("first")
    os.makedirs("second")
    subprocess.run(["ar", "rcs", "second/libb.a", "out/b.o"], check=True)
    files = ("out/a.o", "script.lds", *["-lb"] * (place == "the command line"))
    flags = (linker, "-e0", "-Lfirst", "-Lsecond")
    engine.plan.group("ld", Group((linker,)))
    engine.plan.add(Step("LD", ("out/all.o",), files[:2], LINK, flags, files, "ld"))
    assert engine.build("out/all.o").begun == ["out/all.o"]
    assert nothing_to_do(engine, "out/all.o")
    shutil.copy("second/libb.a", "first")
    assert engine.build("out/all.o").begun == ["out/all.o"]
    assert nothing_to_do(engine, "out/all.o")
    # ld prefers it to an archive in the same folder.
    subprocess.run([linker, "-shared", "-o", "first/libb.so", "out/b.o"], check=True)
    assert engine.build("out/all.o").begun == ["out/all.o"]
    assert nothing_to_do(engine, "out/all.o")


def test_only_a_linker_without_the_option_is_run_again(engine: Engine) -> None:
    write("ld", "#!/bin/sh\necho run >> runs\n. ./program\n")
    Path("ld").chmod(0o755)
    target = engine.link("out/all.o", str(Path("ld").absolute()))
    write("program", "echo undefined symbol; exit 1")
    assert engine.build(target).output == {target: b"undefined symbol\n"}
    assert Path("runs").read_text() == "run\n"
    write("program", 'case $* in *--dependency-file*) echo $*; exit 1; esac; : > "$3"')
    shown = engine.build(target)
    assert Path("runs").read_text() == "run\n" * 3
    assert shown.output == {target: b""}
    assert "does not report what it reads" in shown.notes[target]


def test_a_toolchain_of_another_content_runs_a_step(engine: Engine) -> None:
    write("tool", "1")
    engine.plan.groups["script"] = Group(("tool",))
    target = engine.script("out/x", 'echo made > "$out"')
    engine.build(target)
    write("tool", "2")
    assert engine.build(target).begun == [target]
    assert nothing_to_do(engine, target)


def test_a_removed_or_changed_output_is_made_again(engine: Engine) -> None:
    target = two_objects(engine)
    engine.build(target)
    good = Path("out/a.o").read_bytes()
    write("out/a.o", "junk")
    assert engine.build(target).begun == ["out/a.o"]
    assert Path("out/a.o").read_bytes() == good
    os.unlink("out/a.o")
    assert engine.build(target).begun == ["out/a.o"]


def test_only_the_symbols_that_are_mentioned_count(engine: Engine) -> None:
    write("a.c", "#ifdef CONFIG_A\nint a;\n#endif\n")
    engine.plan.symbols = {"A": "y", "B": "y"}
    target = engine.compile("a")
    engine.build(target)
    engine.plan.symbols = {"A": "y", "B": ""}
    assert nothing_to_do(engine, target)
    engine.plan.symbols = {"A": "", "B": ""}
    assert engine.build(target).begun == [target]


def test_a_failing_step_removes_its_output_and_is_tried_again(engine: Engine) -> None:
    target = two_objects(engine)
    engine.build(target)
    write("a.c", "int a = ;\n")
    shown = engine.build(target)
    assert shown.failed == ["out/a.o"]
    assert b"a.c:1:" in shown.output["out/a.o"]
    assert shown.result.failures[0].status == 1
    assert not Path("out/a.o").exists()
    assert engine.build(target).failed == ["out/a.o"]
    write("a.c", "int a = 3;\n")
    assert engine.build(target).begun == ["out/a.o", "out/all"]
    assert nothing_to_do(engine, target)


def test_a_failure_ends_a_build(engine: Engine) -> None:
    target = two_objects(engine)
    write("a.c", "int a = ;\n")
    shown = engine.build(target)
    assert shown.begun == ["out/a.o"]
    assert not Path("out/b.o").exists()


def test_with_keep_going_what_does_not_need_a_failure_is_made(engine: Engine) -> None:
    target = two_objects(engine)
    write("a.c", "int a = ;\n")
    shown = engine.build(target, keep_going=True)
    assert shown.begun == ["out/a.o", "out/b.o"]
    assert shown.failed == ["out/a.o"]
    write("a.c", "int a;\n")
    assert engine.build(target).begun == ["out/a.o", "out/all"]


def test_a_function_that_raises_fails_and_is_tried_again(engine: Engine) -> None:
    write("x", "bad")

    def run(step: Step) -> None:
        write("out/x", "half")
        if Path("x").read_text() == "bad":
            raise XenToolError("it is bad")

    target = engine.function("out/x", ["x"], run)
    shown = engine.build(target)
    assert shown.errors == {target: "it is bad"}
    assert [failure.reason for failure in shown.result.failures] == ["it is bad"]
    assert not Path(target).exists()
    write("x", "good")
    assert engine.build(target).begun == [target]
    assert nothing_to_do(engine, target)


def test_a_function_that_makes_nothing_fails(engine: Engine) -> None:
    target = engine.function("out/x", [], lambda step: None)
    assert engine.build(target).errors == {target: f"FN made no {target}"}


def test_a_command_that_makes_nothing_fails(engine: Engine) -> None:
    target = engine.script("out/x", "true")
    shown = engine.build(target)
    assert shown.failed == [target]
    assert "made no out/x" in shown.errors[target]


def test_a_command_that_fails_after_it_wrote_leaves_nothing(engine: Engine) -> None:
    target = engine.script("out/x", 'echo half > "$out"; echo more > "$out.more"; exit 3')
    shown = engine.build(target)
    assert shown.errors == {target: "Error 3"}
    assert shown.result.failures[0].status == 3
    assert {path.name for path in Path("out").iterdir()} <= {".lock", ".build.db"}


def test_a_command_that_a_signal_ends_fails(engine: Engine) -> None:
    target = engine.script("out/x", "kill -KILL $$")
    shown = engine.build(target)
    assert shown.result.failures[0].status == -9
    assert not shown.result.interrupted


def test_a_program_that_is_not_there_fails(engine: Engine) -> None:
    target = engine.script("out/x", "true")
    Path("out_x.sh").unlink()
    assert engine.build(target).result.failures[0].status == 127


def test_what_a_command_prints_comes_whole(engine: Engine) -> None:
    target = engine.script("out/x", 'echo one; echo two >&2; echo "$out"; : > "$out"')
    assert engine.build(target).output[target] == b"one\ntwo\nout/x\n"


def test_a_missing_source_is_reported(engine: Engine) -> None:
    shown = engine.build(engine.compile("gone"))
    assert shown.begun == []
    assert "`gone.c' not found" in shown.result.failures[0].reason


def test_an_order_only_input_is_made_first_and_its_change_runs_nothing(engine: Engine) -> None:
    write("x", "1")
    engine.joined("out/first", "x")
    target = engine.joined("out/second", after=["out/first"])
    assert engine.build(target).begun == ["out/first", target]
    write("x", "2")
    assert engine.build(target).begun == ["out/first"]


def test_a_header_that_another_step_makes_counts_once_it_was_read(engine: Engine) -> None:
    write("a.c", '#include "out/made.h"\nint a = A;\n')
    write("x", "#define A 1\n")
    engine.joined("out/made.h", "x")
    write("out/made.h", "#define A 0\n")
    engine.compile("a", "-I.")
    engine.build("out/made.h", "out/a.o")
    write("x", "#define A 2\n")
    assert engine.build("out/a.o").begun == ["out/made.h", "out/a.o"]


def test_files_that_came_to_read_each_other_end_no_build_for_ever(engine: Engine) -> None:
    objects = engine.compile("a"), engine.compile("b")
    embeds = 'asm(".incbin \\"out/{}.o\\"");\n'
    for a, b in (("", ""), (embeds.format("b"), ""), (embeds.format("b"), embeds.format("a"))):
        write("a.c", a)
        write("b.c", b)
        assert engine.build(*objects).failed == []
    # Records refer to each other.
    assert engine.build(*objects).failed == []
    write("b.c", "int b;\n")
    for _ in range(2):
        assert engine.build(*objects).failed == []
    assert engine.build(*objects).begun == []


def test_steps_that_are_made_of_each_other_are_an_error(engine: Engine) -> None:
    engine.joined("out/a", "out/b")
    engine.joined("out/b", "out/a")
    with pytest.raises(XenToolError, match="would be made of each other: out/"):
        engine.build("out/a")


def test_a_damaged_database_makes_all_anew(engine: Engine) -> None:
    target = two_objects(engine)
    engine.build(target)
    Path("out/.build.db").write_bytes(b"junk")
    assert engine.build(target).begun == ["out/a.o", "out/b.o", "out/all"]
    assert nothing_to_do(engine, target)


def test_a_header_that_would_be_found_first_runs_a_step(engine: Engine) -> None:
    write("a.c", "#include <a.h>\nint a = A;\n")
    write("second/a.h", "#define A 1\n")
    write("first/other.h")
    target = engine.compile("a", "-Ifirst", "-Isecond")
    engine.build(target)
    write("first/unrelated.h")
    assert nothing_to_do(engine, target)
    write("first/a.h", "#define A 2\n")
    assert engine.build(target).begun == [target]
    os.unlink("first/a.h")
    assert engine.build(target).begun == [target]
    assert nothing_to_do(engine, target)
