# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The bytes that GRUB reads as a kernel file, and the command that loads it.

A file that gzio, xzio or lzopio can read is read unpacked by every command.  x86_64-xen and
i386-xen unwrap a bzImage besides (grub_xen_file, grub-core/loader/i386/xen_file.c), of the same
compressions.
"""

from __future__ import annotations

from enum import Enum

from ....elf import spec
from ....image.container import KernelFile, unwrap, unwrap_stream
from ....image.data import Data, Resized
from ...names import GRUB_LINUX, GRUB_MULTIBOOT, GRUB_MULTIBOOT2, GRUB_XEN, GRUB_XEN_PVH
from ..candidate import Candidate
from ..decoders import XZ_LZMA2, xen_refuses, xz_filters
from ..multiboot import HAS_ADDRESSES
from ..releases import Xen
from ..unwrapped import GZIP, GZIP_MAGIC, Found
from . import multiboot

_XZ_CHECKS = (0, 1, 4, 10)
"""None, CRC32, CRC64 and SHA-256."""
_XZ_BRANCHES = range(4, 10)
"""Filters of branch instructions, of x86 and others."""
_XZ_DICTIONARY = 30
"""Of 128 MiB, for which a domain of 256 MiB still has memory."""
_BZIMAGE = "bzImage"


class Command(Enum):
    """The commands of GRUB that load a kernel."""

    LINUX = "linux"
    MULTIBOOT = "multiboot"
    MULTIBOOT2 = "multiboot2"


_COMMANDS = {
    GRUB_LINUX: Command.LINUX,
    GRUB_MULTIBOOT: Command.MULTIBOOT,
    GRUB_MULTIBOOT2: Command.MULTIBOOT2,
}


def command(candidate: Candidate) -> Command | None:
    """Return the command that loads the file; for i386-xen_pvh, which has all, by its headers.

    None: x86_64-xen or i386-xen, of whose command `linux` this is not true.
    """
    if candidate.loader != GRUB_XEN_PVH:
        return _COMMANDS.get(candidate.loader)
    if multiboot.header_2(candidate.data) is not None:
        return Command.MULTIBOOT2
    return Command.LINUX if multiboot.header(candidate.data) is None else Command.MULTIBOOT


def as_elf(candidate: Candidate) -> tuple[int, tuple[int, int] | None] | None:
    """Return how multiboot or multiboot2 loads a file as ELF; None if they do not.

    The bytes in which the program headers have to be, and moves as in multiboot.Tags.
    """
    data, found = candidate.data, command(candidate)
    header = multiboot.header(data) if found is Command.MULTIBOOT else None
    if header is not None and not header[1] & HAS_ADDRESSES:
        return multiboot.SEARCH, None
    offset = multiboot.header_2(data) if found is Command.MULTIBOOT2 else None
    tags = None if offset is None else multiboot.tags(data, offset)
    if tags is None or tags.addresses is not None:
        return None
    return multiboot.SEARCH_2, tags.moves


def by_grub(kernel: KernelFile, _: Xen) -> Found:
    """Return what GRUB reads as the file: unpacked by a filter, if one knows it."""
    kernel = _outermost(kernel)
    data = _filtered(kernel) if kernel.container[:1] != (_BZIMAGE,) else None
    return Found(data or kernel.file, data or kernel.file)


def _outermost(kernel: KernelFile) -> KernelFile:
    """Return a gzip as such, even if there is the magic of a bzImage in it."""
    if kernel.container[:1] == (_BZIMAGE,) and kernel.file.read(0, 2) == GZIP_MAGIC:
        return unwrap_stream(kernel.path, kernel.file)
    return kernel


def by_grub_xen(kernel: KernelFile, xen: Xen) -> Found:
    """Return what grub_xen_file finds: an ELF file, in a bzImage or not."""
    file = by_grub(kernel, xen).data
    if file is not kernel.file:
        kernel = unwrap(kernel.path, file)
    if kernel.container[:1] != (_BZIMAGE,) or file.read(0, 4) == spec.ELFMAG:
        return Found(file, file)
    data = _filtered(kernel) if kernel.compressed else kernel.payload
    return Found(data or file, file)


def is_damaged(candidate: Candidate) -> bool:
    """Whether the file is gzip that cannot be unpacked wholly.

    gzio checks no sum, and has the size of the content from the end of the file.
    """
    kernel = _outermost(candidate.kernel)
    unwrapped = kernel.container == (GZIP,) or candidate.loader == GRUB_XEN
    return unwrapped and kernel.container[-1:] == (GZIP,) and kernel.payload is None


def _filtered(kernel: KernelFile) -> Data | None:
    """Return the content of a stream; None if it is for no filter, or that refuses it."""
    codec = kernel.container[-1] if kernel.container else None
    if codec == GZIP and xen_refuses(kernel) is None and kernel.payload is not None:
        # The size is what the end of the file says.  gzio and Xen refuse the same flag.
        return Resized(kernel.payload, kernel.stated_size or 0)
    is_read = (codec == "xz" and _reads_xz(kernel)) or (codec == "LZO" and _reads_lzo(kernel))
    return kernel.payload if is_read else None


def _reads_xz(kernel: KernelFile) -> bool:
    """Whether xzio reads a stream (grub-core/lib/xzembed/xz_dec_stream.c, dec_block_header)."""
    if kernel.container == ("xz",) and kernel.file.read(kernel.file.size - 2, 2) != b"YZ":
        # It looks for the footer at the end of the file, and is told of a bzImage's last word.
        return False
    *others, last = xz_filters(kernel) or [(0, b"")]
    plain = len(others) < 2 and all(
        i in _XZ_BRANCHES and not properties for i, properties in others
    )
    known_check = kernel.file.unsigned(kernel.start + 7, 1) in _XZ_CHECKS
    return plain and known_check and last[0] == XZ_LZMA2 and last[1] <= bytes([_XZ_DICTIONARY])


def _reads_lzo(kernel: KernelFile) -> bool:
    """Whether lzopio reads a file, which has to end with its last block (io/lzopio.c)."""
    file = kernel.file
    flags = file.unsigned(kernel.start + 17, 4, big=True) or 0
    place = kernel.start + 38 + (file.unsigned(kernel.start + 33, 1) or 0)
    while place < kernel.end:
        usize, csize = (file.unsigned(place + i, 4, big=True) or 0 for i in (0, 4))
        if not usize:
            return place + 4 == kernel.end
        sums = bool(flags & 0x101) + bool(flags & 0x202 and csize != usize)
        place += 8 + 4 * sums + csize
    return False
