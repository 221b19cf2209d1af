# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read an image, and compute what each loader that takes it lays out."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ...files import open_regular
from ...image.container import open_kernel
from ...image.elf import elf_of
from ...image.symbols import Symbols
from ...light import NamedTuple
from ...loaders.model.releases import Xen
from ...loaders.model.subject import Subject, subjects
from ...loaders.names import PV_DOM0, PV_DOMU
from ...loaders.verdict import Verdict, claimed, judge
from . import pv, pvh
from .regions import Map


class Maps(NamedTuple):
    """What is told of one image."""

    image: str
    xen: Xen
    pages: int
    initrd: int
    maps: tuple[Map, ...]
    """Of the loaders that take the image."""
    refused: tuple[Verdict, ...]
    """Of those that do not."""
    symbols: dict[int, str]
    """Names of the addresses that the markers were linked at."""


def read_maps(
    path: str | os.PathLike[str],
    xen: Xen,
    asked: Sequence[str] | None,
    *,
    pages: int,
    initrd: int = 0,
) -> Maps:
    """Compute the maps for the asked loaders; None: for those that the image claims to be for.

    Raises XenToolError if the file cannot be opened, read or unpacked.
    """
    maps, refused = [], []
    with open_kernel(path) as kernel:
        loaders = claimed(kernel) if asked is None else tuple(dict.fromkeys(asked))
        verdicts = {loader: judge(kernel, loader, xen) for loader in loaders}
        refused = [verdict for verdict in verdicts.values() if not verdict.accepted]
        accepted = [loader for loader in loaders if verdicts[loader].accepted]
        # What QEMU takes for a Linux is no ELF file to it, and it is for Linux's setup to lay out.
        found = (s for s in subjects(kernel, xen, accepted) if s.image.elf is not None)
        maps = [layout(s, pages, initrd) for s in found]
        wanted = {marker.linked for found in maps for marker in found.markers}
        elf = elf_of(kernel.payload) if kernel.payload else None
        symbols = Symbols(elf).at(wanted) if elf else {}
    return Maps(os.fspath(path), xen, pages, initrd, tuple(maps), tuple(refused), symbols)


def size_of(initrd: str | os.PathLike[str]) -> int:
    """Bytes of a file.  Raises XenToolError if it cannot be opened, or is no file."""
    descriptor = open_regular(initrd, "the file of an initrd")
    try:
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def layout(subject: Subject, pages: int, initrd: int) -> Map:
    """What the subject's loader lays out, of an image that it takes."""
    if subject.loader == PV_DOM0:
        return pv.dom0(subject, pages, initrd)
    if subject.loader == PV_DOMU:
        return pv.domu(subject, pages, initrd)
    return pvh.layout(subject, pages, initrd)
