# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Which images are booted, in which modes: those whose loader takes the image."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ...errors import XenToolError
from ...loaders.model.releases import Xen
from ...report.report import Report, read_report
from ...report.text import verdict_lines
from .. import CPUS
from ..console import log
from ..given import NOTHING, Given
from ..modes import MODES, Mode

_FOR_NOBODY = "it is for no loader, as xen-tool check says of it"


class Options(NamedTuple):
    """What boot.boot() is given besides image and mode."""

    timeout: float | None = None
    cpus: int = CPUS
    qemu: str | None = None
    xen: str | None = None
    given: Given = NOTHING


class Case(NamedTuple):
    """An image in a mode."""

    name: str
    """For people."""
    image: Path
    mode: Mode | None
    """None: no mode suits it."""
    options: Options = Options()
    stem: str = ""
    """What its files are called, without an ending; no other case's are."""
    refusal: tuple[str, ...] = ()
    """What the loaders say of an image that no mode suits."""


def of_images(images: Sequence[str], modes: Sequence[Mode], options: Options) -> list[Case]:
    """Return a case for each image in each of the modes, or in each that suits it.

    Raises XenToolError for an image that cannot be read.
    """
    found = []
    for image in dict.fromkeys(images):
        report = read_report(image, _release(options.xen))
        suiting = list(modes or suited(report))
        if suiting:
            found += [Case(image, Path(image), mode, options) for mode in suiting]
        else:
            lines = tuple(verdict_lines(report, report.asked)) or (_FOR_NOBODY,)
            found.append(Case(image, Path(image), None, options, refusal=lines))
    return with_stems(found)


def suited(report: Report) -> Iterator[Mode]:
    """The modes that an image is for and whose loader takes it."""
    for mode in MODES:
        if mode.loader in report.asked and mode.bits in (None, report.elf_class):
            asked = report
            if mode.modelled.pv32 != report.xen.pv32:
                xen = report.xen._replace(pv32=mode.modelled.pv32)
                asked = read_report(report.image, xen, [mode.loader])
            if asked.takes(mode.loader):
                yield mode


def with_stems(cases: Iterable[Case]) -> list[Case]:
    """The same cases, each with a stem of its own."""
    taken: set[str] = set()
    found = []
    for case in cases:
        stem = first = log.stem(case.image, case.mode) if case.mode else ""
        number = 1
        while stem in taken:
            number += 1
            stem = f"{first}-{number}"
        if stem:
            taken.add(stem)
        found.append(case._replace(stem=stem))
    return found


def _release(xen: str | None) -> Xen:
    """The Xen whose loaders are asked: of a version that the user named, else the default."""
    if xen and not os.path.exists(xen):
        with contextlib.suppress(XenToolError):
            return Xen.parse(xen)
    return Xen()
