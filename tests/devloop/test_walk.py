# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""240 steps of random walks through a dev loop, some with real gcc and ld; none may be stale.

tests/bench/walk.py does the same for longer, and again for one seed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from devloop.runs import build_commands
from devloop.walk import Tally, Walk
from project import TOP

pytestmark = pytest.mark.build

TOOL = TOP / "site_scons"
SEEDS = range(6)
STEPS = 40
REAL_STEPS = 20

Walks = dict[int, Future[Tally]]


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walks]:
    """The future result of each walk, by seed; two walks run at a time."""
    commands = build_commands(TOOL)
    with ThreadPoolExecutor(2) as pool:

        def walk(seed: int, folder: Path) -> Tally:
            tally = Walk(seed, folder, commands).run(STEPS, stop=True)
            shutil.rmtree(folder)
            return tally

        # pytest's factory is not for threads: the first calls replace each other's folder.
        folders = [tmp_path_factory.mktemp(f"walk{seed}") for seed in SEEDS]
        try:
            yield {seed: pool.submit(walk, seed, folders[seed]) for seed in SEEDS}
        finally:
            pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_image_is_stale(walks: Walks, seed: int) -> None:
    tally = walks[seed].result()
    again = f"python tests/bench/walk.py --seeds {seed}-{seed} --steps {STEPS} --verbose"
    assert tally.reports == [], f"{tally.reports[0]}\nto see it again: {again}"
    assert sum(tally.tried.values()) >= STEPS


def test_no_image_of_real_programs_is_stale(gcc: str, tmp_path: Path) -> None:
    tally = Walk(0, tmp_path, build_commands(TOOL), real=True).run(REAL_STEPS, stop=True)
    assert tally.reports == [], tally.reports[0]
