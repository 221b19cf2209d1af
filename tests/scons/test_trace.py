# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A trace has every step that ran, when it ran, and the milestones of a boot."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from project import Project
from report import perfetto

REST = """
env.Default(env.XenImage("k", ["a.c", "b.c"], script="k.lds", loaders="none"))
"""


def small(top: Path) -> Project:
    project = Project(top)
    project.write_small(REST)
    project.write("a.c", "int a;\n")
    project.write("b.c", "int b;\n")
    return project


def events(project: Project) -> list[dict[str, Any]]:
    return perfetto.read((project.top / "build/x86_64/trace.json").read_bytes())


def steps(found: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """Return the start and the end of each step in microseconds."""
    spans = {e["name"]: e for e in found if e["ph"] == "X" and e["tid"]}
    return {name: (e["ts"], e["ts"] + e["dur"]) for name, e in spans.items()}


def test_a_trace_has_the_steps_that_ran_in_their_order(tmp_path: Path) -> None:
    project = small(tmp_path)
    run = project.scons("trace", "-j2")
    assert run.out.endswith("build/x86_64/trace.json: open it in https://ui.perfetto.dev\n")
    found = events(project)
    ran = steps(found)
    assert set(run.steps) == {name for name in ran if name.split()[0].isupper()}
    link = ran["LD build/x86_64/k.unchecked"]
    for name in ("CC build/x86_64/a.o", "CC build/x86_64/b.o"):
        assert ran[name][1] <= link[0]
    assert link[1] <= ran["CHECK build/x86_64/k"][0]
    (whole,) = [e for e in found if e["name"] == "scons"]
    assert all(start >= 0 and end <= whole["dur"] for start, end in ran.values())
    assert any(e["name"] == "judge build/x86_64/k" for e in found)


def test_spans_of_a_row_do_not_overlap(tmp_path: Path) -> None:
    project = small(tmp_path)
    project.scons("trace", "-j2")
    rows: dict[int, list[tuple[int, int]]] = {}
    for event in events(project):
        if event["ph"] == "X" and event["tid"]:
            rows.setdefault(event["tid"], []).append((event["ts"], event["ts"] + event["dur"]))
    assert len(rows) == 2
    for spans in rows.values():
        ordered = sorted(spans)
        for (_, end), (start, _) in pairwise(ordered):
            assert end <= start


def test_a_trace_has_only_steps_that_ran_and_also_failed_ones(tmp_path: Path) -> None:
    project = small(tmp_path)
    project.scons()
    project.scons("trace")
    assert steps(events(project)) == {}
    project.write("a.c", "broken\n")
    assert project.run("trace", "k").status == 2
    (failed,) = [e for e in events(project) if e["name"] == "CC build/x86_64/a.o"]
    assert failed["args"]["error"] == "Error 1"
    assert failed["args"]["command"][-1] == "a.c"


@pytest.mark.usefixtures("xen_under_qemu")
def test_the_trace_of_a_boot_has_its_phases_and_checks(built_kernel: Project) -> None:
    run = built_kernel.scons("trace", "boot")
    found = [event for event in events(built_kernel) if event["pid"] == 2]
    phases = [event for event in found if event["ph"] == "X"]
    assert [event["name"] for event in phases] == ["QEMU starts", "Xen", "guest"]
    for one, other in pairwise(phases):
        assert one["ts"] + one["dur"] <= other["ts"]
    checks = [line for line in run.out.splitlines() if line.startswith(("PASS ", "RESULT: "))]
    assert checks and [event["name"] for event in found if event["ph"] == "i"] == checks
