# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A plan has one step per output and orders its steps, and survives writing and reading."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xen_tool.build import fields, stored
from xen_tool.build.plan import Group, Plan
from xen_tool.build.step import COMPILE, LINK, Step
from xen_tool.errors import XenToolError


def step(output: str, *inputs: str, after: tuple[str, ...] = ()) -> Step:
    return Step("X", (output,), inputs, "function", after=after)


def plan_of(*steps: Step) -> Plan:
    plan = Plan("out")
    for each in steps:
        plan.add(each)
    return plan


def test_a_file_that_is_made_in_two_ways_is_an_error() -> None:
    plan = plan_of(Step("CC", ("a.o",), ("a.c",), COMPILE, ("cc",), ("a.c",)))
    other = Step("CC", ("a.o",), ("a.c",), COMPILE, ("cc", "-O2"), ("a.c",))
    with pytest.raises(XenToolError, match=r"a\.o would be made in two ways: .*-O2"):
        plan.add(other)


def test_two_functions_that_make_one_file_are_an_error() -> None:
    with pytest.raises(XenToolError, match="two ways"):
        plan_of(Step("A", ("x", "y"), (), "f"), Step("B", ("z", "y"), (), "f"))


def test_the_same_step_can_be_registered_twice() -> None:
    plan = plan_of(step("a", "b"), step("a", "b"))
    assert list(plan.closure(["a"])) == [step("a", "b")]


def test_a_group_of_another_content_gets_another_name() -> None:
    plan = Plan("out")
    assert plan.group("cc", Group(("gcc",))) == "cc"
    assert plan.group("cc", Group(("gcc",))) == "cc"
    assert plan.group("cc", Group(("clang",))) == "cc'"


def test_the_closure_has_what_is_needed_first_and_nothing_else() -> None:
    plan = plan_of(
        step("image", "a.o", "b.o"), step("a.o", "a.c", after=("conf",)), step("b.o"),
        step("conf"), step("other"),
    )  # fmt: skip
    assert [s.path for s in plan.closure(["image"])] == ["conf", "a.o", "b.o", "image"]


def test_the_closure_follows_what_a_step_was_found_to_read() -> None:
    plan = plan_of(step("a.o", "a.c"), step("made.h"))
    found = plan.closure(["a.o"], lambda s: ["made.h"] if s.path == "a.o" else [])
    assert [s.path for s in found] == ["made.h", "a.o"]


def test_the_closure_ends_in_a_circle() -> None:
    plan = plan_of(step("a", "b"), step("b", "a"))
    assert {s.path for s in plan.closure(["a"])} == {"a", "b"}


WORD = st.text(st.sampled_from("a\\n\n \t'\"=*/é\udcff")) | st.just("")
WORDS = st.lists(WORD, max_size=4).map(tuple)
SHARED = st.sampled_from([("cc", "-c"), ("ld", "a\nb", "\\n", "")])


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    plan = Plan(draw(WORD))
    plan.cache, plan.cache_limit = draw(WORD), draw(st.integers(0, 1 << 40))
    plan.symbols = draw(st.dictionaries(WORD, WORD, max_size=3))
    plan.configured = frozenset(draw(WORDS))
    plan.environment = draw(st.dictionaries(WORD, WORD, max_size=3))
    for name in draw(st.lists(WORD, max_size=3, unique=True)):
        plan.groups[name] = Group(draw(WORDS), draw(WORD), draw(WORDS))
    outputs = draw(st.lists(WORD, max_size=4, unique=True))
    for output in outputs:
        symbols = draw(st.none() | WORDS)
        action = draw(st.sampled_from([COMPILE, LINK, "f"]))
        flags, files = draw(SHARED | WORDS), draw(WORDS)
        names = (draw(WORD), (output, f"{output}2" * 9), draw(WORDS))
        plan.add(Step(*names, action, flags, files, draw(WORD), symbols, draw(WORDS)))
    return plan


@given(plans())
@settings(deadline=None)
def test_a_plan_is_read_as_it_was_written(plan: Plan) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "plan")
        stored.write(path, plan)
        again = stored.read(path)
    assert again is not None
    # Steps are created when they are requested.
    again.steps = {path: again.steps[path] for path in again.steps}
    assert vars(again) == vars(plan)
    assert list(again.steps) == list(plan.steps)


def test_steps_that_share_flags_still_share_them(tmp_path: Path) -> None:
    path, flags = str(tmp_path / "plan"), ("cc", "-c")
    plan = plan_of(
        Step("CC", ("a.o",), (), COMPILE, flags), Step("CC", ("b.o",), (), COMPILE, flags)
    )
    stored.write(path, plan)
    again = stored.read(path)
    assert again is not None
    assert again.steps["a.o"].flags is again.steps["b.o"].flags


@pytest.mark.parametrize("place", range(4, 10))
@pytest.mark.parametrize("count", ["x", "", "1", "7"])
def test_a_plan_with_a_wrong_count_is_none(tmp_path: Path, place: int, count: str) -> None:
    path = str(tmp_path / "plan")
    stored.write(path, plan_of(step("a", "b")))
    read = fields.read(path)
    if read[place] != count:
        read[place] = count
        fields.write(path, read)
        assert stored.read(path) is None


def test_a_plan_that_is_not_there_or_of_another_version_is_none(tmp_path: Path) -> None:
    path = str(tmp_path / "plan")
    assert stored.read(path) is None
    stored.write(path, plan_of(step("a")))
    fields.write(path, ["xen_tool plan 0", *fields.read(path)[1:]])
    assert stored.read(path) is None
