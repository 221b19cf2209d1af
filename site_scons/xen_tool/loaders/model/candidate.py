# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""An image as one loader of one Xen sees it: the argument of the conditions of rules.

Image holds what is the same for several loaders, each part read once, when it is first needed;
Candidate adds what depends on the loader and on the release of Xen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from ...abi import XenElfNote
from ...image.container import KernelFile
from ...image.data import Data
from ...image.elf import ADDRESS_MASK, Elf, Segment, elf_of
from ...image.notes import FoundNote
from ..names import GRUB_XEN, XEN_EFI
from .libelf.addresses import Addresses, addresses
from .libelf.parms import Parms, parse
from .releases import KNOWS_HVM, Xen
from .unwrapped import Found, by_libxenguest, by_qemu, by_xen

Unwrap = Callable[[KernelFile, Xen], Found]


class Image:
    """A kernel file, and the data that some loaders find in it."""

    def __init__(self, kernel: KernelFile, found: Found) -> None:
        self.kernel = kernel
        self.found = found
        """What the loaders find in the file's containers."""

    @cached_property
    def elf(self) -> Elf | None:
        """The ELF file; None if the data is not one."""
        return elf_of(self.found.data)

    def parms(self, *, domu: bool, legacy: bool) -> Parms:
        """Return what libelf parses from the notes, and from __xen_guest if legacy is true."""
        assert self.elf is not None
        return parse(self.elf, domu=domu, legacy=legacy)


class Candidate:
    """An image as one loader of one Xen sees it."""

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
        """The ELF file.  Rules that use it follow one that refuses other files, such as E1."""
        assert self.image.elf is not None
        return self.image.elf

    @property
    def from_bzimage(self) -> bool:
        """Whether the loader found the data in a bzImage."""
        return self.data is not self.image.found.file

    @property
    def pvh(self) -> bool:
        """Whether the domain is PVH."""
        return "-pvh-" in self.loader

    @property
    def knows_hvm(self) -> bool:
        """Whether elf_xen_parse of this Xen has an argument for the kind of domain."""
        return self.xen.has(KNOWS_HVM)

    @property
    def hvm(self) -> bool:
        """The argument hvm of elf_xen_parse: whether it knows that the domain is PVH."""
        return self.pvh and self.knows_hvm

    @cached_property
    def parms(self) -> Parms:
        """The notes as this loader's libelf parses them."""
        return self.image.parms(domu=self.loader.endswith("-domu"), legacy=not self.hvm)

    @cached_property
    def addresses(self) -> Addresses:
        """The addresses at which this loader puts the kernel."""
        return addresses(self.elf, self.parms, hvm=self.hvm)

    def address(self, segment: Segment) -> int:
        """Return the address of a segment's first byte when the kernel runs."""
        return segment.p_paddr + self.addresses.virt_offset & ADDRESS_MASK

    def note(self, n_type: XenElfNote) -> FoundNote | None:
        """Return the note of a type that libelf uses: the last one; None if there is none."""
        return self.parms.counted.get(n_type)


def candidates(kernel: KernelFile, xen: Xen, loaders: Iterable[str]) -> Iterator[Candidate]:
    """Yield the file as each of the loaders sees it; what is the same for several is read once."""
    found: dict[Unwrap, Found] = {}
    images: dict[int, Image] = {}
    for loader in loaders:
        unwrap = _unwrapped_by(loader)
        if unwrap not in found:
            found[unwrap] = unwrap(kernel, xen)
        image = images.setdefault(id(found[unwrap].data), Image(kernel, found[unwrap]))
        yield Candidate(image, loader, xen)


def _unwrapped_by(loader: str) -> Unwrap:
    """Return the function that finds the data that a loader parses."""
    if loader.endswith("-dom0"):
        return by_xen
    if loader.startswith("grub-"):
        from .grub.files import by_grub, by_grub_xen

        return by_grub_xen if loader == GRUB_XEN else by_grub
    if loader == XEN_EFI:
        from .xen_efi import by_xen_efi

        return by_xen_efi
    return by_libxenguest if loader.endswith("-domu") else by_qemu
