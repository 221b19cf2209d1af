# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Boot modes on real Xen, with minimal guests that pass, fail and crash.

The first test starts the runs, as many at a time as there are processors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from booted import boot
from guests import guest
from xen_tool.boot import boot as real
from xen_tool.boot.modes import MODES, Place, named
from xen_tool.boot.result.outcome import Outcome

FAILED = "FAIL it: why\nCHECKS: 1\nRESULT: FAIL\n"
SAID = {"xen-pvh-domu": "--- Xen Test Framework ---\nHello World\nTest result: SUCCESS\n"}
"""The output of a guest that passes, if it is not that of guests.py."""

PASSING = [mode.name for mode in MODES if not mode.name.startswith(("xen-pv-", "xen-shim-"))]
"""Modes with a test of a pass here; test_pvh.py and test_pv32.py have those of the other modes."""
WITHOUT_XEN = [mode.name for mode in MODES if mode.place is Place.KERNEL]

Runs = dict[str, "Future[Outcome]"]


@pytest.fixture(scope="module")
def runs(linux_dom0: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """The future outcome of each run, by its name."""
    top = tmp_path_factory.mktemp("guests")

    def start(name: str, mode: str, image: Path) -> None:
        started[name] = pool.submit(boot, image, mode=mode)

    def made(mode: str, text: str | None = None, *, good: bool = True, first: str = "") -> Path:
        folder = top / str(len(started))
        folder.mkdir()
        words = () if text is None else (text,)
        return guest(folder, mode, *words, good=good, first=first)

    started: Runs = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mode in PASSING:
            start(f"{mode} passes", mode, made(mode, SAID.get(mode)))
        for mode in ("xen-pvh-dom0", "qemu-kernel", "xen-pv-domu"):
            start(f"{mode} fails", mode, made(mode, FAILED, good=False))
        for mode in ("xen-pvh-dom0", "xen-pv-domu", "xen-pvh-domu"):
            start(f"{mode} crashes", mode, made(mode, first="ud2\n"))
        start("xen-pv-domu is refused", "xen-pv-domu", made("xen-pvh-domu"))
        greedy = named("xen-pv-domu")._replace(domain=('type = "pv"', "memory = 400"))
        started["dom0 lacks memory"] = pool.submit(real.boot, made(greedy.name), mode=greedy)
        yield started


@pytest.mark.parametrize("mode", PASSING)
def test_a_guest_that_passes(runs: Runs, mode: str) -> None:
    outcome = runs[f"{mode} passes"].result()
    last = SAID[mode].splitlines()[-1] if mode in SAID else "RESULT: PASS"
    assert outcome.reason == f"the guest reported {last}"
    assert outcome.passed
    assert outcome.status == 33
    # The log begins with Xen's first line, except in the mode without Xen.
    assert any("(XEN) Xen version" in line for line in outcome.console) == (mode not in WITHOUT_XEN)


@pytest.mark.parametrize("mode", ["xen-pvh-dom0", "qemu-kernel", "xen-pv-domu"])
def test_a_failed_check(runs: Runs, mode: str) -> None:
    outcome = runs[f"{mode} fails"].result()
    assert outcome.reason == "the guest reported RESULT: FAIL (FAIL it: why)"
    assert outcome.status == 5


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("xen-pvh-dom0", "d0v0 Triple fault - invoking HVM shutdown action 1 at 0000000001000000"),
        ("xen-pv-domu", "d1v0 Unhandled: vec 6, #UD[ffffffff] at ffffffff81000000"),
        ("xen-pvh-domu", "d1v0 Triple fault - invoking HVM shutdown action 1 at 0000000001000000"),
    ],
)
def test_a_crash_is_reported_in_xens_words(runs: Runs, mode: str, words: str) -> None:
    outcome = runs[f"{mode} crashes"].result()
    assert not outcome.passed
    assert outcome.reason == f"the guest crashed: {words}"


def test_a_refusal_is_reported_in_the_toolstacks_words(runs: Runs) -> None:
    outcome = runs["xen-pv-domu is refused"].result()
    assert not outcome.passed
    start = "no result came: xl did not start the domain: xc: error: panic: xg_dom_core.c:"
    assert outcome.reason.startswith(start)
    assert outcome.reason.endswith("no loader found: Invalid kernel")


def test_a_dom0_that_lacks_memory_for_the_domain(runs: Runs) -> None:
    outcome = runs["dom0 lacks memory"].result()
    start = "no result came: dom0 lacks memory (MEM= gives more): xl did not start the domain: "
    assert outcome.reason.startswith(start)
