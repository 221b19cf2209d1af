# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""boot.boot() for tests, which also compares the verdict with what the loader did."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from xen_tool.boot import boot as real
from xen_tool.boot import follow
from xen_tool.boot.console.console import tell
from xen_tool.boot.modes import named
from xen_tool.boot.result.outcome import Outcome
from xen_tool.debian.suites import NotServed, hypervisor
from xen_tool.loaders.model.releases import Xen
from xen_tool.report.image_report import read_report


class Hurry:
    """A clock for boot() that passes the time limit as soon as the console prints given words.

    A test of a guest that hangs thus ends when the guest hangs, not after the real limit.
    """

    def __init__(self, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._words = words
        self._ahead = 0.0
        for module in (real, follow):
            monkeypatch.setattr(module, "time", self)

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def echo(self, line: str) -> None:
        if self._words in line:
            self._ahead = 1e6


def served(*versions: str) -> None:
    """Skip the test if no hypervisor of these versions can be had; a skipped test fails CI."""
    for version in versions:
        with suppress(NotServed):
            hypervisor(version, tell)
            return
    pytest.skip(f"neither this machine nor its mirror has a Xen {' or '.join(versions)}")


REFUSED = (
    "Xen panicked: Could not construct domain 0",
    "xl did not start the domain",
    "Error loading uncompressed kernel",
    "invalid kernel header",
)


def boot(image: Path, *, mode: str = "pv", release: str = "4.17", **options: Any) -> Outcome:
    """Call boot.boot(); assert that a loader refuses the image only if the verdict says so.

    release: that of the hypervisor that boots, for the verdict.
    """
    outcome = real.boot(image, mode=mode, **options)
    how = named(mode)
    xen = Xen.parse(release)._replace(pv32=how.modelled.pv32)
    verdict = read_report(image, xen, [how.loader]).verdicts[how.loader]
    refused = any(words in outcome.reason for words in REFUSED)
    assert verdict.accepted == (not refused), (verdict, outcome.reason)
    return outcome
