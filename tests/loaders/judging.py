# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Judges random images in a process of its own, whose memory and time are limited.

For ProcessPoolExecutor: prepare() begins the process, judge() does the work.
"""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loaders.cases import CASES
from loaders.mutations import mutated
from xen_tool.errors import XenToolError
from xen_tool.image.container import unwrap
from xen_tool.image.data import Data
from xen_tool.loaders.verdict import Verdict, verdicts
from xen_tool.loaders.xen import Xen

SECONDS = 2.0
"""Of the processor's time, for the verdicts of all loaders."""
MEMORY = 64 << 20
"""Bytes, beside what the process has already."""


_HARD = resource.getrlimit(resource.RLIMIT_AS)[1]


@dataclass(frozen=True)
class Judged:
    """What became of one image."""

    seed: int
    verdicts: dict[str, Verdict]
    failure: str | None = None
    """What was raised that should not be."""


class _TooLong(Exception):  # noqa: N818
    pass


def prepare() -> None:
    """Loads all that is ever loaded."""
    for case in CASES:
        _verdicts(case.image)
    signal.signal(signal.SIGPROF, _too_long)


def judge(first: int, count: int) -> list[Judged]:
    """Judges mutated(first) and those that follow it."""
    return [_judge(seed) for seed in range(first, first + count)]


def _judge(seed: int) -> Judged:
    image = mutated(seed)
    try:
        with _limits():
            return Judged(seed, _verdicts(image))
    except XenToolError:
        return Judged(seed, {})
    except Exception as error:
        return Judged(seed, {}, f"{type(error).__name__}: {error}")


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
