# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Random images: judged in little time and memory, and for a domU as the real library judges.

XEN_TOOL_IMAGES=N tries so many images; XEN_TOOL_FIRST_IMAGE=N begins with another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from loaders.agreement import libxenguest_says
from loaders.judging import Judged, judge, prepare
from loaders.libxenguest import Answer, Libxenguest
from loaders.mutations import mutated
from xen_tool.loaders.verdict import Verdict

_COUNT = int(os.environ.get("XEN_TOOL_IMAGES", "20000"))
_FIRST = int(os.environ.get("XEN_TOOL_FIRST_IMAGE", "0"))
_CHUNK = 500
_CHUNKS = [
    (first, min(_CHUNK, _FIRST + _COUNT - first))
    for first in range(_FIRST, _FIRST + _COUNT, _CHUNK)
]


@pytest.fixture(scope="module")
def judged() -> Iterator[dict[int, Future[list[Judged]]]]:
    """What becomes of each chunk, by its first image; all are begun at once."""
    with ProcessPoolExecutor(
        os.cpu_count(), mp_context=get_context("spawn"), initializer=prepare
    ) as pool:
        yield {first: pool.submit(judge, first, count) for first, count in _CHUNKS}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("first", [first for first, _ in _CHUNKS])
def test_random_images(
    first: int, judged: dict[int, Future[list[Judged]]], real_libxenguest: Libxenguest
) -> None:
    wrong = []
    for image in judged[first].result():
        try:
            assert image.failure is None
            _agrees(image, real_libxenguest)
        except AssertionError as error:
            wrong.append(f"XEN_TOOL_FIRST_IMAGE={image.seed} XEN_TOOL_IMAGES=1: {error}")
    assert not wrong, "\n\n".join(wrong[:3])


def _agrees(image: Judged, library: Libxenguest) -> None:
    content = mutated(image.seed)
    for loader, verdict in image.verdicts.items():
        if loader.endswith("-domu"):
            answer = library.ask(content, pvh=loader == "xen-pvh-domu")
            if not _only_the_end_differs(verdict, answer):
                libxenguest_says(verdict, answer)


def _only_the_end_differs(verdict: Verdict, answer: Answer) -> bool:
    """Whether it is about bytes behind the whole content of a stream.

    We unpack as Xen does, which wants the stream's own end, and minds nothing behind that.
    libxenguest takes xz and lzma without their end, and zstd and lz4 with nothing behind it.
    """
    words = "\n".join(answer.errors)
    strict = "unable to ZSTD decompress" in words or "unable to LZ4 decompress" in words
    lenient = any("LZMA decompress OK" in x or "XZ decompress OK" in x for x in answer.lines)
    return (verdict.rule == "Z3" and lenient) or (verdict.rule not in ("Z3", "Z2") and strict)
