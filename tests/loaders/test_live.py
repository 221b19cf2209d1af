# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The predicted verdict against the real loaders, case by case, live: Xen for dom0, and QEMU."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from loaders.agreement import agrees_with_machine
from loaders.cases import Case, asked_of
from loaders.good import good_both, good_pv32, good_pv64, good_pvh
from loaders.hypervisor import LIVE_LOADERS, XEN_LOADERS, Answer, Ending, Machines

Ask = Callable[[str, Case], Answer]


@pytest.fixture(scope="module")
def ask(real_machines: Machines, request: pytest.FixtureRequest) -> Ask:
    """A function that returns the answer for a case; all selected cases are started before."""
    answers: dict[tuple[str, str], Future[Answer]] = {}
    for item in request.session.items:
        callspec = getattr(item, "callspec", None)
        if item.path == request.path and callspec:
            loader, case = callspec.params["loader"], callspec.params["case"]
            answers[loader, case.id] = real_machines.ask(loader, case.image)
    return lambda loader, case: answers[loader, case.id].result()


@pytest.mark.parametrize(
    ("loader", "case"),
    [
        pytest.param(loader, case, id=f"{loader}-{case.id}")
        for loader in LIVE_LOADERS
        for case in asked_of(loader)
    ],
)
def test_it_agrees(loader: str, case: Case, ask: Ask, tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(case.image)
    agrees_with_machine(image, loader, ask(loader, case), reports=True)


def test_the_machines_tell_good_images_from_bad(real_machines: Machines) -> None:
    taken = {
        "both": (good_both(), set(LIVE_LOADERS)),
        "pv64": (good_pv64(), {"xen-pv-dom0"}),
        "pv32": (good_pv32(), set()),
        "pvh": (good_pvh(), {"xen-pvh-dom0", "qemu-kernel"}),
    }
    answers = {
        (name, loader): real_machines.ask(loader, bytes(image))
        for name, (image, _) in taken.items()
        for loader in LIVE_LOADERS
    }
    for (name, loader), answer in answers.items():
        expected = Ending.CONSTRUCTED if loader in taken[name][1] else Ending.REFUSED
        assert answer.result().ending is expected, (name, loader, answer.result())


def test_xens_words_are_read(real_machines: Machines) -> None:
    for loader in XEN_LOADERS:
        lines = real_machines.ask(loader, bytes(good_both())[:0x100]).result().lines
        assert any(line.startswith("(XEN) ELF: shdr overflow") for line in lines)
