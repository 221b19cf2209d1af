# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read an image, and compute the map of each loader that accepts it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ...files import open_regular
from ...image.container import open_kernel
from ...image.elf import elf_of
from ...image.symbols import Symbols
from ...light import NamedTuple
from ...loaders.model.candidate import Candidate, candidates
from ...loaders.model.releases import Xen
from ...loaders.names import PV_DOM0, PV_DOMU, XEN_EFI
from ...loaders.rules.rule import Finding
from ...loaders.verdict import claimed, judge
from . import pv, pvh
from .regions import Map


class Maps(NamedTuple):
    """The maps of one image."""

    image: str
    xen: Xen
    pages: int
    """Pages of memory that the guest has."""
    initrd: int
    """Size of the initrd in bytes; 0: there is none."""
    maps: tuple[Map, ...]
    """The maps of the loaders that accept the image."""
    refused: dict[str, Finding]
    """The refusals of the other loaders that were checked, by loader."""
    symbols: dict[int, str]
    """Symbols by address: those of Marker.linked that have one."""


def read_maps(
    path: str | os.PathLike[str],
    xen: Xen,
    asked: Sequence[str] | None,
    *,
    pages: int,
    initrd: int = 0,
) -> Maps:
    """Return the maps of an image: of each loader that is to be considered, and accepts it.

    asked: the loaders that are considered; None: those that the image claims to support.
    pages: pages of memory that the guest has.  initrd: size of the initrd in bytes.

    Raises XenToolError if the file cannot be opened, read or unpacked.
    """
    with open_kernel(path) as kernel:
        loaders = claimed(kernel) if asked is None else tuple(dict.fromkeys(asked))
        verdicts = {loader: judge(kernel, loader, xen) for loader in loaders}
        refused = {name: verdict.refusal for name, verdict in verdicts.items() if verdict.refusal}
        accepted = [loader for loader in loaders if loader not in refused]
        # QEMU does not read a Linux bzImage as an ELF file: Linux's setup code lays out memory.
        found = (s for s in candidates(kernel, xen, accepted) if s.image.elf is not None)
        maps = [layout(_builder(s), pages, initrd) for s in found]
        wanted = {marker.linked for found in maps for marker in found.markers}
        payload = kernel.inner.payload
        elf = elf_of(payload) if payload else None
        symbols = Symbols(elf).at(wanted) if elf else {}
    return Maps(os.fspath(path), xen, pages, initrd, tuple(maps), refused, symbols)


def size_of(initrd: str | os.PathLike[str]) -> int:
    """Return the size of a file; raise XenToolError if it cannot be opened, or is not a file."""
    descriptor = open_regular(initrd, "the file of an initrd")
    try:
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def _builder(candidate: Candidate) -> Candidate:
    """Return the candidate; for a unified EFI image, the kernel in it as Xen builds dom0 of it."""
    if candidate.loader != XEN_EFI:
        return candidate
    from ...loaders.model.xen_efi import as_dom0

    return as_dom0(candidate)


def layout(candidate: Candidate, pages: int, initrd: int) -> Map:
    """Return the map of the candidate's loader, which must accept the image.

    pages: pages of the guest's memory.  initrd: size in bytes; 0: none.
    """
    if candidate.loader == PV_DOM0:
        return pv.dom0(candidate, pages, initrd)
    if candidate.loader == PV_DOMU:
        return pv.domu(candidate, pages, initrd)
    return pvh.layout(candidate, pages, initrd)
