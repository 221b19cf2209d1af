# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The dirty steps that are found by the mark of a build are those found by judging each step."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from xen_tool.build import lock
from xen_tool.build.plan import Group, Plan
from xen_tool.build.session import Session
from xen_tool.build.slots import Slots

from .engine import Engine, Shown, write

MARK = "all of it"
TARGETS = ("out/image", "out/list")


def tree(engine: Engine) -> None:
    """Add the steps of TARGETS, in which two sources include a header, and of another target."""
    for name in ("a", "b", "c", "other"):
        write(f"{name}.c", f'#include "{name if name == "c" else "ab"}.h"\nint {name} = N;\n')
    for name in ("ab", "c", "other"):
        write(f"sub/{name}.h", "#define N 1\n")
    a, b, c, other = (engine.compile(name, "-Ifirst", "-Isub") for name in ("a", "b", "c", "other"))
    engine.joined("out/part", a, b)
    engine.joined("out/image", "out/part", c, after=["out/made"])
    engine.joined("out/made", "c.c")
    engine.joined("out/list", b)
    engine.joined("out/unwanted", other)


def session(engine: Engine) -> Session:
    return Session(engine.plan, engine.functions, {}, Shown())


def marked(engine: Engine) -> None:
    """Build everything, and mark it as up to date, as entry points do."""
    assert not engine.build(*TARGETS, "out/unwanted").result.failures
    now = session(engine)
    assert not now.dirty_steps(TARGETS)
    now.mark(MARK)
    now.close()


EDITS: dict[str, Callable[[], object]] = {
    "a source": lambda: write("a.c", "int a = 7;\n"),
    "a header": lambda: write("sub/ab.h", "#define N 2\n"),
    "a header of what is asked for only": lambda: write("sub/c.h", "#define N 2\n"),
    "the same text": lambda: write("b.c", Path("b.c").read_text()),
    "a header before another": lambda: write("first/c.h", "#define N 3\n"),
    "a file that no name was looked for": lambda: write("sub/new.h"),
    "a lost object": lambda: os.unlink("out/c.o"),
    "another object": lambda: write("out/b.o", "x"),
    "a lost target": lambda: os.unlink("out/image"),
    "a lost source": lambda: os.unlink("c.c"),
    "what must be there before": lambda: os.unlink("out/made"),
    "what no step reads": lambda: write("other.c", "int other;\n"),
}


@pytest.mark.parametrize(
    "edits", [*((e,) for e in EDITS), *itertools.pairwise(EDITS)], ids=" and ".join
)
def test_the_mark_finds_the_same_dirty_steps_as_judging_each_step(
    engine: Engine, edits: tuple[str, ...]
) -> None:
    tree(engine)
    marked(engine)
    for edit in edits:
        EDITS[edit]()
    by_looking = session(engine)
    assert not by_looking.dirty_steps(TARGETS) or edits != ("the same text",)
    assert set(session(engine).dirty_steps(TARGETS, mark=MARK)) == set(
        by_looking.dirty_steps(TARGETS)
    )


@pytest.mark.parametrize(
    "edit", ["a source", "a header of what is asked for only", "a lost object"]
)
def test_only_steps_that_read_a_changed_file_are_judged(
    engine: Engine, edit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(engine)
    marked(engine)
    EDITS[edit]()
    expected = set(session(engine).dirty_steps(TARGETS))

    def walk(*_arguments: object) -> None:
        raise AssertionError("all steps are looked at")

    monkeypatch.setattr(Plan, "closure", walk)
    assert set(session(engine).dirty_steps(TARGETS, mark=MARK)) == expected


def test_a_changed_compiler_makes_all_its_steps_dirty(engine: Engine, gcc: str) -> None:
    compiler = "./compiler"
    write(compiler, f'#!/bin/sh\nexec {gcc} "$@"\n')
    os.chmod(compiler, 0o755)
    engine = Engine(compiler)
    tree(engine)
    marked(engine)
    write(compiler, f'#!/bin/sh\nexec {gcc} -w "$@"\n')
    dirty = session(engine).dirty_steps(TARGETS, mark=MARK)
    assert {"out/a.o", "out/b.o", "out/c.o", "out/image"} <= set(dirty)
    assert "out/made" not in dirty


def test_a_step_with_other_flags_is_dirty(engine: Engine) -> None:
    # Another command line makes another plan, and so another mark.
    tree(engine)
    marked(engine)
    again = Engine(engine.plan.groups["cc"].files[0])
    tree(again)
    again.plan.groups["cc"] = Group(again.plan.groups["cc"].files, gas="never")
    again.plan.steps["out/a.o"] = again.plan.steps["out/a.o"]._replace(flags=("cc", "-O2"))
    assert "out/a.o" in session(again).dirty_steps(TARGETS, mark="another")


@pytest.mark.parametrize("is_at_work", [False, True])
def test_what_another_process_has_built_since_is_not_marked(
    engine: Engine, gcc: str, is_at_work: bool
) -> None:
    tree(engine)
    assert not engine.build(*TARGETS).result.failures
    now = session(engine)
    assert not now.dirty_steps(TARGETS)
    other = Engine(gcc)
    tree(other)
    other.plan.steps["out/a.o"] = other.plan.steps["out/a.o"]._replace(flags=(gcc, "-c", "-Isub"))
    others = session(other)
    assert not others.build(TARGETS, slots=Slots(1)).failures
    if not is_at_work:
        others.close()
    # mark() does not wait for the lock.
    now.mark(MARK)
    now.close()
    others.close()
    assert "out/a.o" in session(engine).dirty_steps(TARGETS, mark=MARK)


def test_a_file_that_a_killed_build_wrote_during_the_check_is_made_again(engine: Engine) -> None:
    tree(engine)
    assert not engine.build(*TARGETS).result.failures
    good = Path("out/a.o").read_bytes()
    looked, look = os.pipe(), os.pipe()
    if not (killed := os.fork()):
        try:
            session(engine).open()
            os.write(look[1], b"1")
            os.read(looked[0], 1)
            write("out/a.o", "half")
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.read(look[0], 1)
    now = session(engine)
    assert not now.dirty_steps(TARGETS)
    os.write(looked[1], b"1")
    os.waitpid(killed, 0)
    assert not now.build(TARGETS, slots=Slots(1)).failures
    now.close()
    assert Path("out/a.o").read_bytes() == good


def test_a_process_that_waits_for_a_build_directory_holds_no_other(
    engine: Engine, gcc: str
) -> None:
    # Two processes that build two kernels, each another first, would wait for ever.
    one, two = Engine(gcc), Engine(gcc)
    two.plan.folder = "two"
    first, second = session(one), session(two)
    first.open()
    lock_of_two = lock.acquire("two")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(second.open)
        handle = lock.acquire("out")
        assert not waiting.done()
        os.close(handle)
        os.close(lock_of_two)
        waiting.result()
    second.close()
