# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Judge random images in a separate process, whose memory and time are limited.

For ProcessPoolExecutor: prepare() begins the process, judge() does the work.
"""

from __future__ import annotations

import random
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path

from loaders.agreement import libxenguest_says
from loaders.cases import CASES
from loaders.libxenguest import Libxenguest
from loaders.mutations import changed
from xen_tool.errors import XenToolError
from xen_tool.image.container import unwrap
from xen_tool.image.data import Data
from xen_tool.loaders.model.releases import Xen
from xen_tool.loaders.verdict import Verdict, verdicts

SECONDS = 2.0
"""Processor time in seconds, for the verdicts of all loaders on an image."""
MEMORY = 64 << 20
"""Bytes of memory for the verdicts, besides what the process has already."""
_JUDGED = 0.95
"""The least share of images with verdicts; others need more memory to be unpacked."""

_HARD = resource.getrlimit(resource.RLIMIT_AS)[1]
_libraries: list[Libxenguest] = []


class _TooLong(Exception):  # noqa: N818
    pass


def prepare(bridge: Path, library_path: str) -> None:
    """Import all modules, so that limits apply to the images alone."""
    _libraries.append(Libxenguest(bridge, library_path))
    for case in CASES:
        with suppress(Exception):
            _verdicts(case.image)
    signal.signal(signal.SIGPROF, _too_long)


def judge(seed: int, count: int, kept: Path) -> str:
    """Judge a number of random images; return what is wrong with one, or "".

    Of several images with wrong verdicts it is the one with the fewest changed bytes, which is
    written to the file kept.
    """
    chance = random.Random(seed)
    judged, wrong = 0, []
    for _ in range(count):
        case = chance.choice(CASES)
        image = changed(chance, case.image)
        try:
            judged += _judge(image)
        except Exception as error:
            wrong.append((_distance(case.image, image), case.id, image, error))
    if wrong:
        distance, name, image, fault = min(wrong, key=lambda each: each[0])
        kept.write_bytes(image)
        return f"{kept}: {name} with {distance} other bytes: {type(fault).__name__}: {fault}"
    return "" if judged > count * _JUDGED else f"only {judged} of {count} were judged"


def _distance(one: bytes, other: bytes) -> int:
    return sum(a != b for a, b in zip_longest(one, other))


def _judge(image: bytes) -> bool:
    """Compare the verdicts on an image with libxenguest's.

    Return False if there are none, because the image needs more memory to be unpacked.
    """
    try:
        with _limits():
            found = _verdicts(image)
    except XenToolError as error:
        if "there is not enough memory to unpack it" not in str(error):
            raise
        return False
    for loader, verdict in found.items():
        if loader.endswith("-domu"):
            answer = _libraries[0].ask(image, pvh=loader == "xen-pvh-domu")
            libxenguest_says(verdict, answer)
    return True


@contextmanager
def _limits() -> Iterator[None]:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, _HARD))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (_HARD, _HARD))


def _verdicts(image: bytes) -> dict[str, Verdict]:
    with unwrap("image", Data.of_bytes(image)) as kernel:
        return verdicts(kernel, Xen())


def _too_long(*_: object) -> None:
    raise _TooLong(f"more than {SECONDS} s")
