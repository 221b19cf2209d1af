# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The explanation of a build is short, however much was built: each cause appears once."""

from __future__ import annotations

from xen_tool.build import story
from xen_tool.build.database import Database
from xen_tool.build.differences import Reason

from .engine import Engine, write


def story_of(target: str) -> list[str]:
    database = Database("out/.build.db")
    records = story.recorded(database)
    return list(story.as_text(target, story.of_last_build(database, records, target)))


def test_a_symbol_is_named_once_with_the_files_that_mention_it(engine: Engine) -> None:
    write("h.h", "#define A CONFIG_A\n")
    for number in range(6):
        write(f"s{number}.c", "int CONFIG_A;\n" if number == 0 else '#include "h.h"\nint x;\n')
    target = engine.joined("out/k", *(engine.compile(f"s{number}") for number in range(6)))
    engine.plan.symbols = {"A": ""}
    engine.build(target)
    engine.plan.symbols = {"A": "y"}
    write("s5.c", '#include "h.h"\nint CONFIG_A;\n')
    assert engine.build(target).begun[-1] == "out/k"
    assert story_of("out/s0.o") == ["  - CONFIG_A changed from not set to y (s0.c mentions it)"]
    assert story_of("out/s1.o") == ["  - CONFIG_A changed from not set to y (h.h mentions it)"]
    assert story_of(target) == [
        "  - CONFIG_A changed from not set to y (h.h, s0.c, s5.c mention it)",
        *(f"      -> out/s{number}.o" for number in range(4)),
        "      -> and 2 more",
        "  - s5.c changed",
        "      -> out/s5.o",
        "  which went into",
        "      -> out/k",
    ]


def test_the_story_of_a_thousand_objects_is_short() -> None:
    objects = [f"o{number}" for number in range(1000)]
    changes = {name: [Reason("it"), Reason(f"{name}.c changed")] for name in objects}
    link = [Reason(f"{name} changed") for name in objects]
    (first, *others), results = story.story({**changes, "k": link}, [*objects, "k"])
    assert first == story.Cause("it", dict.fromkeys(objects, ()))
    assert (len(others), results) == (1000, ["k"])
    lines = list(story.as_text("k", story.Story([first, *others], results)))
    assert len(lines) < 35
    assert lines[:2] == ["  - it", "      -> o0"]
    assert lines[-3:] == ["  - and 989 more reasons", "  which went into", "      -> k"]


def test_reasons_are_kept_as_lines() -> None:
    reason = Reason("CONFIG_A changed from n to y", ("a b.h", "c.c"))
    assert Reason.parse(reason.line) == reason
    assert str(reason) == "CONFIG_A changed from n to y (a b.h, c.c mention it)"
