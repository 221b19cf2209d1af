# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The bytes that GRUB reads as a kernel file, and the command that loads it.

Every command reads a file unpacked if a filter knows it.  x86_64-xen and i386-xen unwrap a
bzImage as well (grub_xen_file, grub-core/loader/i386/xen_file.c), of the same compressions.
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
    """Return the command that loads the file; None for x86_64-xen and i386-xen.

    i386-xen_pvh has all of these commands: the headers of the file choose one.  x86_64-xen and
    i386-xen load with another command `linux`, which xen.py models.
    """
    if candidate.loader != GRUB_XEN_PVH:
        return _COMMANDS.get(candidate.loader)
    if multiboot.header_2(candidate.data) is not None:
        return Command.MULTIBOOT2
    return Command.LINUX if multiboot.header(candidate.data) is None else Command.MULTIBOOT


def as_elf(candidate: Candidate) -> tuple[int, tuple[int, int] | None] | None:
    """Return search and moves, as elf.wrong_elf takes them, if GRUB loads the file as an ELF file.

    None if it is not loaded by multiboot or multiboot2, or by the addresses of the header.
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
    """Return what GRUB reads as the file: if filters know it as a stream, its content."""
    if kernel.container[:1] == (BZIMAGE,):
        # The filters know a stream even if the magic of a bzImage is in it.
        kernel = unwrap_stream(kernel.path, kernel.file)
        refuse_unread(kernel)
    stream = filtered(kernel)
    data = (stream and stream.data) or kernel.file
    return Found(data, data, stream)


def by_grub_xen(kernel: KernelFile, xen: Xen) -> Found:
    """Return what grub_xen_file finds: the payload of a bzImage, or the file."""
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
        # GRUB leaves out the last word, the size, so that the file may end before it.
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
    """Return GRUB's message if grub_xen_file finds no payload in a file without ELF, or None."""
    if unreadable(file, 0, HEADER) is not None:
        return "not xen image"
    is_linux = file.unsigned(0x1FE, 2) == 0xAA55 and has_setup_header(file)
    if not is_linux or (file.unsigned(0x206, 2) or 0) < 0x208:
        return "version too old for xen boot"
    return "payload too short" if (file.unsigned(0x24C, 4) or 0) < 6 else None


def unread(candidate: Candidate) -> str | None:
    """Return GRUB's message if the command cannot read the start of the file, or None."""
    stream, data, by = candidate.image.found.stream, candidate.data, command(candidate)
    if stream is not None and stream.unsupported is not None:
        return stream.unsupported
    wanted = {Command.MULTIBOOT: multiboot.SEARCH, Command.MULTIBOOT2: multiboot.SEARCH_2}
    return unreadable(data, 0, min(data.size, wanted.get(by, HEADER) if by else 0))


def is_damaged(candidate: Candidate) -> bool:
    """Whether the file is a stream, or a bzImage with one, that cannot be unpacked wholly."""
    stream = candidate.image.found.stream
    return stream is not None and stream.data is None and stream.unsupported is None
