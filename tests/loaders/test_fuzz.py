# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Random images: verdicts take little time and memory, and agree with the real libxenguest.

XEN_TOOL_IMAGES=N tries N images; XEN_TOOL_IMAGES_SEED=N chooses other images.  The last seed is
a different one in each run.  An image that fails is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from loaders.judging import judge, prepare

# 20,000 of them are different.
_COUNT = int(os.environ.get("XEN_TOOL_IMAGES", "22000"))
_FIRST = int(os.environ.get("XEN_TOOL_IMAGES_SEED", "0"))
_CHUNK = 500
_FIXED = range(_FIRST, _FIRST + -(-_COUNT // _CHUNK))
_NEW = 1_000_000 + int(os.environ["XEN_TOOL_NEW_SEED"])


@pytest.fixture(scope="module")
def judged(
    libxenguest_files: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[int, Future[str]]]:
    """What is wrong with the images of each seed, or ""; all processes start at once."""
    folder = tmp_path_factory.mktemp("images")
    with ProcessPoolExecutor(
        os.cpu_count(),
        mp_context=get_context("spawn"),
        initializer=prepare,
        initargs=libxenguest_files,
    ) as pool:
        yield {
            seed: pool.submit(judge, seed, min(_CHUNK, _COUNT), folder / f"image-{seed}")
            for seed in (*_FIXED, _NEW)
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("seed", [*_FIXED, pytest.param(_NEW, id="new")])
def test_random_images(seed: int, judged: dict[int, Future[str]]) -> None:
    wrong = judged[seed].result()
    assert not wrong, f"XEN_TOOL_IMAGES_SEED={seed} XEN_TOOL_IMAGES={_CHUNK}: {wrong}"
