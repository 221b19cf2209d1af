# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The types of files that kexec knows.

file_type() tries them in the order of kexec (kexec/arch/x86_64/kexec-x86_64.c): multiboot 2, an ELF
file for x86-64, multiboot, an ELF file for i386, a bzImage.
"""

from __future__ import annotations

from enum import Enum

from ....abi import PAGE_SIZE
from ....elf import spec
from ....image.container import has_setup_header
from ....image.data import Data
from ....image.elf import MASK_32
from ....light import NamedTuple
from ..candidate import Candidate
from ..multiboot import HAS_ADDRESSES, MAGIC, find, find_2
from .elf import wrong_elf

_SEARCH = 8192
"""The first bytes of a file, in which kexec looks for a multiboot header."""
_UNSUPPORTED = 0xFFF8
"""Flags of a multiboot header that kexec refuses."""
_RELOCATABLE = 10
"""The type of the tag for relocation."""
_EM_486 = 6


class FileType(Enum):
    """The types of files that kexec knows, with its names."""

    MULTIBOOT_2 = "multiboot2-x86"
    ELF_64 = "elf-x86_64"
    MULTIBOOT = "multiboot-x86"
    ELF_32 = "elf-x86"
    BZIMAGE_64 = "bzImage64"
    BZIMAGE = "bzImage"


def file_type(candidate: Candidate) -> FileType | None:
    """Return the type of the file; None if kexec knows none."""
    elf = candidate.image.elf
    if elf is None:
        return _file_type(candidate)
    if file_type not in elf.kept:
        elf.kept[file_type] = _file_type(candidate)
    found: FileType | None = elf.kept[file_type]
    return found


def _file_type(candidate: Candidate) -> FileType | None:
    data, elf = candidate.data, candidate.image.elf
    machine = elf.e_machine if elf and wrong_elf(candidate) is None else None
    is_386 = machine in (spec.EM_386, _EM_486)
    if (is_386 or machine == spec.EM_X86_64) and any(find_2(data, _SEARCH)):
        return FileType.MULTIBOOT_2
    if machine == spec.EM_X86_64:
        return FileType.ELF_64
    header = multiboot(data)
    if header and wrong_multiboot(data) is None and (header[1] & HAS_ADDRESSES or is_386):
        return FileType.MULTIBOOT
    return FileType.ELF_32 if is_386 else _bzimage(data)


def multiboot(data: Data) -> tuple[int, int] | None:
    """Return offset and flags of the multiboot header; None if there is none."""
    return find(data, MAGIC, min(_SEARCH, data.size) - 11)


def addresses(data: Data, offset: int) -> list[int]:
    """Return header_addr, load_addr, load_end_addr, bss_end_addr and entry_addr."""
    return [data.unsigned(offset + 12 + 4 * i, 4) or 0 for i in range(5)]


def wrong_multiboot(data: Data) -> str | None:
    """Return kexec's message if it refuses the multiboot header, or None (multiboot_x86_probe)."""
    offset, flags = multiboot(data) or (0, 0)
    if flags & HAS_ADDRESSES:
        header, load, load_end, bss_end, entry = addresses(data, offset)
        if load % PAGE_SIZE:
            return "multiboot load address not 4k aligned"
        if load > header:
            return "multiboot header address > load address"
        if load_end < load:
            return "multiboot load end address < load address"
        if bss_end < load_end:
            return "multiboot bss end address < load end address"
        if load_end - header & MASK_32 > data.size - offset:
            return "multiboot file truncated"
        if not load <= entry < load_end:
            return "multiboot entry out of range"
    if flags & _UNSUPPORTED:
        return "Found a multiboot header, but it requires multiboot options that I"
    return None


class Moves(NamedTuple):
    """Where a kernel may lie by its multiboot 2 header (Multiboot2 Specification 2.0, 3.1.11)."""

    lowest: int
    highest: int
    align: int
    hangs: bool = False
    """Whether kexec reads the tags of the header for ever."""


def moves(candidate: Candidate) -> Moves | None:
    """Return the last tag for relocation, or None (multiboot2_read_header_tags)."""
    if file_type(candidate) is not FileType.MULTIBOOT_2:
        return None
    data, found = candidate.data, None
    place, _ = next(find_2(data, _SEARCH))
    place += 16
    while place < _SEARCH and (kind := data.unsigned(place, 2)):
        size = data.unsigned(place + 4, 4) or 0
        if kind == _RELOCATABLE:
            lowest, highest, align = (data.unsigned(place + 8 + 4 * i, 4) or 0 for i in range(3))
            found = Moves(lowest, highest, align)
        step = size + 7 & 0xFFFFFFF8
        if not step:
            return Moves(0, 0, 0, hangs=True)
        place += step
    return found


def _bzimage(data: Data) -> FileType | None:
    protocol = data.unsigned(0x206, 2) or 0
    loads_high = (data.unsigned(0x211, 1) or 0) & 1
    boots = data.size >= 1024 and data.unsigned(0x1FE, 2) == 0xAA55 and has_setup_header(data)
    if not boots or not loads_high or protocol < 0x200:
        return None
    is_64 = protocol >= 0x20C and (data.unsigned(0x236, 2) or 0) & 3 == 3
    return FileType.BZIMAGE_64 if is_64 else FileType.BZIMAGE


def uses_addresses(candidate: Candidate) -> bool:
    """Whether kexec loads the file by the addresses of its multiboot header."""
    if file_type(candidate) is not FileType.MULTIBOOT:
        return False
    _, flags = multiboot(candidate.data) or (0, 0)
    return bool(flags & HAS_ADDRESSES)
