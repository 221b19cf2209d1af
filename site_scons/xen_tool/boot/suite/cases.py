# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Choose the modes of each image: those whose loader accepts it, or those that are named."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ...errors import XenToolError
from ...loaders.model.releases import Xen
from ...report.image_report import Report, read_report
from ...report.report_text import verdict_lines
from ..boot_settings import DEFAULTS, BootSettings
from ..console import log
from ..modes import MODES, Mode

_NO_LOADER = "its notes claim no loader; see xen-tool check"


class Options(NamedTuple):
    """The arguments of boot.boot() besides image and mode."""

    timeout: float | None = None
    cpus: int | None = None
    qemu: str | None = None
    xen: str | None = None
    settings: BootSettings = DEFAULTS


class Case(NamedTuple):
    """An image to boot in a mode."""

    name: str
    """The name in the results."""
    image: Path
    mode: Mode | None
    """None if no mode suits the image."""
    options: Options = Options()
    stem: str = ""
    """The name of its files without a suffix, different for each case; "" if mode is None."""
    refusal: tuple[str, ...] = ()
    """Lines on why the loaders refuse an image that no mode suits."""


def of_images(images: Sequence[str], modes: Sequence[Mode], options: Options) -> list[Case]:
    """Return a case for each image in each of the modes, or, if there are none, in each that suits.

    An image that no mode suits has one case, without a mode.
    Raises XenToolError for an image that cannot be read.
    """
    found = []
    for image in dict.fromkeys(images):
        report = read_report(image, _release(options.xen))
        suiting = list(modes or suited(report))
        if suiting:
            found += [Case(image, Path(image), mode, options) for mode in suiting]
        else:
            lines = tuple(verdict_lines(report, report.asked)) or (_NO_LOADER,)
            found.append(Case(image, Path(image), None, options, refusal=lines))
    return with_stems(found)


def suited(report: Report) -> Iterator[Mode]:
    """Yield the modes whose loader the image claims to support, and which accepts the image."""
    for mode in MODES:
        if mode.loader in report.asked and mode.bits in (None, report.elf_class):
            judged = report
            if mode.modelled.pv32 != report.xen.pv32:
                xen = report.xen._replace(pv32=mode.modelled.pv32)
                judged = read_report(report.image, xen, [mode.loader])
            if judged.takes(mode.loader):
                yield mode


def with_stems(cases: Iterable[Case]) -> list[Case]:
    """Return the cases, each with a different stem."""
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
    """Return the Xen by whose rules images are checked: of the version in xen, else the default."""
    if xen and not os.path.exists(xen):
        with contextlib.suppress(XenToolError):
            return Xen.parse(xen)
    return Xen()
