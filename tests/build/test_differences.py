# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The sentences that say why a step is dirty: one for each kind of difference."""

from __future__ import annotations

from typing import Any

import pytest

from xen_tool.build.contents import MISSING
from xen_tool.build.differences import Made, Reason, reasons
from xen_tool.build.record import FAILED

pytestmark = pytest.mark.unit

BEFORE = Made(
    path="out/a.o",
    command=("cc", "-c", "a.c", "-o", "out/a.o"),
    toolchain={"/bin/cc": "1", "/lib/as": "2"},
    symbols={"SMP": "y", "NR": ""},
    inputs={"a.c": "3", "a.h": "4"},
    outputs={"out/a.o": "5", "out/a.dwo": "6"},
    holds_names=True,
    dirty="",
)


def why(**now: Any) -> list[str]:
    found = reasons(BEFORE, BEFORE._replace(**now), lambda symbol: (f"{symbol}.h", "b.c"))
    return list(map(str, found))


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        ({"inputs": {"a.c": "3", "a.h": "4", "b.h": "7"}}, "b.h is read now"),
        ({"inputs": {"a.c": "3", "a.h": MISSING}}, "a.h is gone"),
        ({"inputs": {"a.c": "3", "a.h": "8"}}, "a.h changed"),
        ({"outputs": {"out/a.o": MISSING, "out/a.dwo": "6"}}, "its file was missing"),
        ({"outputs": {"out/a.o": "5", "out/a.dwo": MISSING}}, "out/a.dwo was missing"),
        ({"outputs": {"out/a.o": "8", "out/a.dwo": "6"}}, "its file was changed after it was made"),
        (
            {"outputs": {"out/a.o": "5", "out/a.dwo": "8"}},
            "out/a.dwo was changed after it was made",
        ),
        ({"holds_names": False}, "a new file exists where a header or library was searched for"),
        ({"command": (*BEFORE.command, "-D", "A b")}, "the command has -D 'A b' now"),
        ({"command": BEFORE.command[:3]}, "the command no longer has -o out/a.o"),
        ({"command": BEFORE.command[::-1]}, "the command has its words in another order"),
        ({"toolchain": {"/bin/cc": "8", "/lib/as": "2"}}, "the toolchain changed: /bin/cc"),
        ({"toolchain": {"/bin/cc": "1"}}, "the toolchain changed: /lib/as"),
        (
            {"symbols": {"SMP": "", "NR": ""}},
            "CONFIG_SMP changed from y to not set (SMP.h, b.c mention it)",
        ),
        (
            {"symbols": {"SMP": "y", "NR": "8"}},
            "CONFIG_NR changed from not set to 8 (NR.h, b.c mention it)",
        ),
    ],
)
def test_one_difference(now: dict[str, Any], sentence: str) -> None:
    assert why(**now) == [sentence]


def test_nothing_is_different() -> None:
    # A toolchain at another path counts as the same; an input in the command is named once.
    assert why() == why(toolchain={"/opt/cc": "1", "/lib/as": "2"}) == []
    assert why(inputs={**BEFORE.inputs, "b.o": "7"}, command=(*BEFORE.command, "b.o")) == [
        "b.o is read now"
    ]


def test_outputs_of_a_failed_step_are_not_called_missing() -> None:
    gone = BEFORE._replace(outputs={"out/a.o": MISSING})
    assert list(reasons(BEFORE._replace(dirty=FAILED), gone, lambda _: ())) == [Reason(FAILED)]


def test_only_some_of_many_files_are_named() -> None:
    def mentioned(*files: str) -> str:
        return str(Reason("CONFIG_A changed", files)).partition(" (")[2]

    assert str(Reason("its file was missing")) == "its file was missing"
    assert mentioned("a.c") == "a.c mentions it)"
    assert mentioned("a.c", "b.c", "c.c", "d.c") == "a.c, b.c, c.c, d.c mention it)"
    assert (
        mentioned("a.c", "b.c", "c.c", "d.c", "e.c") == "a.c, b.c, c.c, d.c and 1 more mention it)"
    )
