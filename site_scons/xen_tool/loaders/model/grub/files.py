# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The bytes that GRUB reads as a kernel file, and the command that loads it.

A file that a filter knows is read unpacked by every command.  x86_64-xen and i386-xen unwrap a
bzImage besides (grub_xen_file, grub-core/loader/i386/xen_file.c), of the same compressions.
"""

from __future__ import annotations

from enum import Enum

from ....elf import spec
from ....image.container import (
    BZIMAGE,
    KernelFile,
    has_setup_header,
    refuse_unread,
    unwrap,
    unwrap_stream,
)
from ....image.data import Data
from ....image.elf import elf_of
from ...names import GRUB_LINUX, GRUB_MULTIBOOT, GRUB_MULTIBOOT2, GRUB_XEN_PVH
from ..candidate import Candidate
from ..multiboot import HAS_ADDRESSES
from ..releases import Xen
from ..unwrapped import Found
from . import multiboot
from .elf import unreadable
from .filters import filtered
from .linux import HEADER

_XZ_MAGIC = b"\xfd7zXZ\0"
_XZ_SIZE = 4
"""Bytes behind the xz payload of a bzImage: its size."""


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
    """Return what GRUB reads as the file: unpacked by filters, if they know it."""
    if kernel.container[:1] == (BZIMAGE,):
        # A stream is one, even if there is the magic of a bzImage in it.
        kernel = unwrap_stream(kernel.path, kernel.file)
        refuse_unread(kernel)
    stream = filtered(kernel)
    data = (stream and stream.data) or kernel.file
    return Found(data, data, stream)


def by_grub_xen(kernel: KernelFile, xen: Xen) -> Found:
    """Return what grub_xen_file finds: an ELF file, in a bzImage or not."""
    found = by_grub(kernel, xen)
    file = found.file
    is_unpacked = found.stream is None or found.stream.data is not None
    if not is_unpacked or has_elf_header(file) or refused_bzimage(file) is not None:
        return found
    if file is not kernel.file:
        kernel = unwrap(kernel.path, file)
        refuse_unread(kernel)
    payload = file.part(kernel.start, kernel.end - kernel.start)
    is_xz = payload.read(0, len(_XZ_MAGIC)) == _XZ_MAGIC
    if is_xz and file.size < kernel.end <= file.size + _XZ_SIZE:
        # The last word does not count, so that it need not be there.
        payload = file.part(kernel.start, kernel.end - _XZ_SIZE - kernel.start)
        kernel = unwrap_stream(kernel.path, payload)
    stream = filtered(kernel)
    return Found((stream and stream.data) or payload, file, stream)


def has_elf_header(data: Data) -> bool:
    """Whether grub_elf_file takes a file for ELF (grub-core/kern/elf.c, grub_elf_check_header)."""
    elf = elf_of(data)
    if elf is None or elf.ei_class not in (spec.ELFCLASS32, spec.ELFCLASS64) or elf.big:
        return False
    version = data.unsigned(spec.EI_DATA + 1, 1)
    enough = data.size >= spec.EHDR_SIZE[64]
    return enough and version == elf.e_version == spec.EV_CURRENT


def refused_bzimage(file: Data) -> str | None:
    """Return why grub_xen_file looks for no payload in a file that is not ELF, in its words."""
    if unreadable(file, 0, HEADER) is not None:
        return "not xen image"
    is_linux = file.unsigned(0x1FE, 2) == 0xAA55 and has_setup_header(file)
    if not is_linux or (file.unsigned(0x206, 2) or 0) < 0x208:
        return "version too old for xen boot"
    return "payload too short" if (file.unsigned(0x24C, 4) or 0) < 6 else None


def unread(candidate: Candidate) -> str | None:
    """Return why a command cannot read what it looks at first, in GRUB's words."""
    stream, data, by = candidate.image.found.stream, candidate.data, command(candidate)
    if stream is not None and stream.unsupported is not None:
        return stream.unsupported
    wanted = {Command.MULTIBOOT: multiboot.SEARCH, Command.MULTIBOOT2: multiboot.SEARCH_2}
    return unreadable(data, 0, min(data.size, wanted.get(by, HEADER) if by else 0))


def is_damaged(candidate: Candidate) -> bool:
    """Whether the file is a stream, or a bzImage with one, that cannot be unpacked wholly."""
    stream = candidate.image.found.stream
    return stream is not None and stream.data is None and stream.unsupported is None
