# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Each span, moment and phase of a trace is one that Perfetto shows."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from report import perfetto
from xen_tool.report.trace import TimedConsole, Trace


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let nanoseconds pass."""
    now = [10**15]

    def wait(nanoseconds: int) -> None:
        now[0] += nanoseconds

    monkeypatch.setattr("xen_tool.report.trace.time.perf_counter_ns", lambda: now[0])
    return wait


@pytest.mark.parametrize("seed", range(20))
def test_no_span_is_dropped(clock: Callable[[int], None], seed: int) -> None:
    chance = random.Random(seed)
    found = Trace()
    running: list[str] = []
    # It begins with the enclosing span.
    clock(2600)
    found.span("judge", 0)
    count = 1
    for number in range(300):
        # Also several events in one microsecond.
        clock(chance.choice((0, 1, 400, 600, 1499, 1500, 70_000)))
        if running and chance.random() < 0.5:
            path = running.pop(chance.randrange(len(running)))
            found.end(path, "CC", error="")
            count += 1
        elif len(running) < 4 and chance.random() < 0.7:
            running.append(f"{number}.o")
            found.begin(running[-1])
        else:
            start = found.now()
            clock(chance.choice((0, 300, 2600)))
            found.span(f"judge {number}", start)
            count += 1
    found.span("scons", 0)
    events = perfetto.read(found.content())
    assert len(events) == count + 1
    assert {event["tid"] for event in events} == {0, 1, 2, 3, 4}


def test_the_console_of_a_boot_gives_its_phases(clock: Callable[[int], None]) -> None:
    found = Trace()
    clock(1600)
    console = TimedConsole(found)
    for line in (
        *("", "(XEN) Xen version 4.17", "(XEN) Dom0 has 1 VCPU", "", "hello", "(XEN) late"),
        *("PASS clock", "FAIL timer", "(XEN) Panic on CPU 0:", "RESULT: FAIL"),
    ):
        clock(700)
        console.see(line)
    clock(2000)
    console.close()
    events = perfetto.read(found.content())
    phases = [(e["name"], e["ts"], e["ts"] + e["dur"]) for e in events if e["ph"] == "X"]
    assert phases == [("QEMU starts", 1, 3), ("Xen", 3, 5), ("guest", 5, 10)]
    moments = [event["name"] for event in events if event["ph"] == "i"]
    assert moments == ["PASS clock", "FAIL timer", "(XEN) Panic on CPU 0:", "RESULT: FAIL"]


def test_names_may_have_any_characters() -> None:
    found = Trace()
    for name in ("é.c", "\U0001f600.c", "\udcff.c", 'a"\\\x1b\n.c'):
        found.begin(name)
        found.end(name, "CC", command=["cc", name], error=name)
    found.span("scons", 0)
    first, *names = [event["name"] for event in perfetto.read(found.content())]
    assert first == "scons"
    assert names == ["CC é.c", "CC \U0001f600.c", "CC ?.c", 'CC a"\\\x1b\n.c']
