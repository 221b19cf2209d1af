# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compare a predicted verdict with what the real loader did and printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loaders import hypervisor, libxenguest
from loaders.hypervisor import Ending
from xen_tool.errors import XenToolError
from xen_tool.image.container import open_kernel
from xen_tool.loaders.model.releases import Xen
from xen_tool.loaders.names import QEMU
from xen_tool.loaders.verdict import Verdict, judge

as_domu = pytest.mark.parametrize(
    ("loader", "xen", "capabilities"),
    [
        ("xen-pv-domu", "4.17", libxenguest.CAPABILITIES),
        ("xen-pv-domu", "4.17+pv32", libxenguest.PV32_CAPABILITIES),
        ("xen-pvh-domu", "4.17", libxenguest.CAPABILITIES),
    ],
    ids=["pv", "pv32", "pvh"],
)
"""A decorator: the test runs for each kind of domU."""

BEYOND_LIBXENGUEST = {"U5", "U8"}
"""Rules of what the library does later, where it needs a hypervisor, or counts pages."""

ON_THE_MACHINE = {"Q7"}
"""Warnings that an image may never run, which depends on where the machine has memory."""


def agrees_with_libxenguest(
    image: Path, loader: str, xen: Xen, answer: libxenguest.Answer
) -> Verdict:
    """Assert that the verdict for a domU agrees with the library's answer."""
    verdict = _judge(image, loader, xen)
    libxenguest_says(verdict, answer)
    return verdict


def libxenguest_says(verdict: Verdict, answer: libxenguest.Answer) -> None:
    """Assert that a verdict for a domU agrees with the library's answer, and has its words."""
    both = f"libxenguest: {answer}\npredicted: {verdict}"
    assert answer.death is None, both
    if verdict.rule in BEYOND_LIBXENGUEST:
        assert answer.accepted, both
        return
    assert verdict.accepted == answer.accepted, both
    if not answer.accepted:
        assert verdict.message, both
        assert verdict.message in "\n".join(answer.lines), both


def agrees_with_machine(
    image: Path, loader: str, answer: hypervisor.Answer, *, reports: bool
) -> Verdict:
    """Assert that the verdict agrees with what a live loader did.

    reports: the image reports that it runs.  If QEMU starts it without such a report, the verdict
    must be a refusal or an error.
    """
    log = "\n".join(answer.lines).replace("(XEN) ", "")
    verdict = _judge(image, loader, _release(log))
    both = f"{loader}: {answer.ending.value}\n{log}\npredicted: {verdict}"
    if answer.ending is Ending.CONSTRUCTED:
        assert verdict.accepted, both
        # With QEMU, CONSTRUCTED means that the image ran; it runs even if segments are nowhere.
        errors = [
            error
            for error in verdict.errors
            # It may have been started as a bzImage, not by its PVH entry.
            if not error.message.endswith("is nowhere") and error.id != "Q10"
        ]
        assert not errors or loader != QEMU, both
    elif answer.ending is Ending.SILENT:
        dead = verdict.errors or [note for note in verdict.warnings if note.id in ON_THE_MACHINE]
        assert not reports or not verdict.accepted or dead, both
    else:
        # What depends on the machine's memory is predicted as a warning.
        warned = any(warning.message in log for warning in verdict.warnings)
        assert warned or not verdict.accepted, both
        # QEMU reads on behind a PT_NOTE at the file's end, and then dies or not by what lies there.
        wordless = "QEMU died of SIGSEGV" in log
        assert warned or wordless or (verdict.message and verdict.message in log), both
    return verdict


def _release(log: str) -> Xen:
    """Return the release of the Xen that printed a log, or if it is unknown, that of its series."""
    match = re.search(r"Xen version (\d+\.\d+)(\.\d+)?", log)
    if match is None:
        return Xen()
    try:
        return Xen.parse(match[1] + (match[2] or ""))
    except XenToolError:
        return Xen.parse(match[1])


def _judge(image: Path, loader: str, xen: Xen) -> Verdict:
    with open_kernel(image) as kernel:
        return judge(kernel, loader, xen)
