# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What the conditions of the rules look at: an image, seen by one loader of one Xen.

Image holds what is the same for all loaders, read once and only when asked
for; Subject adds what this loader makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from ...abi import XenElfNote
from ...image.container import KernelFile
from ...image.data import Data
from ...image.elf import ADDRESS_MASK, Elf, Segment, elf_of
from ...image.notes import FoundNote
from .libelf.addresses import Addresses, addresses
from .libelf.parms import Parms, parse
from .releases import KNOWS_HVM, Xen
from .unwrapped import Found, by_libxenguest, by_qemu, by_xen

Unwrap = Callable[[KernelFile, Xen], Found]


class Image:
    """A kernel file, and what some loaders find in it."""

    def __init__(self, kernel: KernelFile, found: Found) -> None:
        self.kernel = kernel
        self.found = found
        """What is in the file's containers."""

    @cached_property
    def elf(self) -> Elf | None:
        """None if it is no ELF."""
        return elf_of(self.found.data)

    def parms(self, *, domu: bool, legacy: bool) -> Parms:
        """What libelf makes of the notes, and of __xen_guest if legacy."""
        assert self.elf is not None
        return parse(self.elf, domu=domu, legacy=legacy)


class Subject:
    """An image before one loader of one Xen."""

    def __init__(self, image: Image, loader: str, xen: Xen) -> None:
        self.image = image
        self.loader = loader
        self.xen = xen

    @property
    def kernel(self) -> KernelFile:
        """The file and its container."""
        return self.image.kernel

    @property
    def data(self) -> Data:
        """The bytes that the loader parses."""
        return self.image.found.data

    @property
    def elf(self) -> Elf:
        """The ELF file; rules that ask for it come after E1."""
        assert self.image.elf is not None
        return self.image.elf

    @property
    def from_bzimage(self) -> bool:
        """Whether the loader found them in a bzImage."""
        return self.data is not self.image.found.file

    @property
    def pvh(self) -> bool:
        """Whether the domain is PVH, to whom it matters."""
        return "-pvh-" in self.loader

    @property
    def knows_hvm(self) -> bool:
        """Whether elf_xen_parse is told for which kind of domain it is asked."""
        return self.xen.has(KNOWS_HVM)

    @property
    def hvm(self) -> bool:
        """What elf_xen_parse is told: that the domain is PVH."""
        return self.pvh and self.knows_hvm

    @cached_property
    def parms(self) -> Parms:
        """What this loader's libelf makes of the notes."""
        return self.image.parms(domu=self.loader.endswith("-domu"), legacy=not self.hvm)

    @cached_property
    def addresses(self) -> Addresses:
        """Where this loader puts the kernel."""
        return addresses(self.elf, self.parms, hvm=self.hvm)

    def address(self, segment: Segment) -> int:
        """Where the segment's first byte is when the kernel runs."""
        return segment.p_paddr + self.addresses.virt_offset & ADDRESS_MASK

    def note(self, n_type: XenElfNote) -> FoundNote | None:
        """The note of that type that counts."""
        return self.parms.counted.get(n_type)


def subjects(kernel: KernelFile, xen: Xen, loaders: Iterable[str]) -> Iterator[Subject]:
    """The file before each of the loaders; what several of them find is read once."""
    found: dict[Unwrap, Found] = {}
    images: dict[int, Image] = {}
    for loader in loaders:
        unwrap = _unwrapped_by(loader)
        if unwrap not in found:
            found[unwrap] = unwrap(kernel, xen)
        image = images.setdefault(id(found[unwrap].data), Image(kernel, found[unwrap]))
        yield Subject(image, loader, xen)


def _unwrapped_by(loader: str) -> Unwrap:
    if loader.endswith("-dom0"):
        return by_xen
    return by_libxenguest if loader.endswith("-domu") else by_qemu
