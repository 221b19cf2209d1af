# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A model of crosvm's load_kernel (x86_64/src/lib.rs, commit f1e797a, 2026).

crosvm looks for a multiboot header with addresses first, then for an ELF file, and reads
everything else as a bzImage.  load() covers the first two: it returns the first error, or how
the guest is entered.  The K rules use it.
"""

from __future__ import annotations

import struct
from enum import Enum

from ...elf import spec
from ...image.data import Data
from ...image.elf import ADDRESS_MASK, MASK_32, Elf, Segment
from ...light import NamedTuple
from .candidate import Candidate
from .multiboot import HAS_ADDRESSES, HAS_VIDEO_MODE, MAGIC, find
from .pc_memory import PHYSICAL_END

KERNEL_START = 0x200000
"""The lowest p_paddr that a segment may have."""
_PREFIX = 8192
"""Bytes at the start of the file that must hold the whole multiboot header."""
_KNOWN_FLAGS = 0b111 | HAS_ADDRESSES


class CrosvmError(Enum):
    """Errors of crosvm, each with the message that it prints (kernel_loader/src/lib.rs)."""

    FLAGS = "invalid flags"
    ADDRESSES = "invalid kernel offset"
    HEADER = "unable to read header"
    MAGIC = "invalid magic number"
    BIG_ENDIAN = "trying to load big-endian binary on little-endian machine"
    VERSION = "invalid elf version"
    CLASS = "invalid elf class"
    PHENTSIZE = "invalid program header size"
    PHOFF = "invalid program header offset"
    PHDR = "unable to read program header"
    LOW = "program header address out of allowed address range"
    MEMSZ = "invalid Program Header memory size"
    IMAGE = "unable to read kernel image"
    NO_LOADS = "no loadable program headers found"
    ENTRY = "invalid entry point"


class CrosvmResult(NamedTuple):
    """The result of load_kernel."""

    error: CrosvmError | None = None
    segment: Segment | None = None
    """The segment at which loading failed; None: a header was at fault, or nothing failed."""
    multiboot: int | None = None
    """The file offset of the multiboot header that crosvm used; None: it used none."""


def loaded(candidate: Candidate) -> CrosvmResult:
    """Return the result of load() for an image, computed once for an ELF file."""
    elf = candidate.image.elf
    if elf is None:
        return load(candidate.data, None)
    if loaded not in elf.kept:
        elf.kept[loaded] = load(candidate.data, elf)
    found: CrosvmResult = elf.kept[loaded]
    return found


def load(data: Data, elf: Elf | None) -> CrosvmResult:
    """Return the result of load_kernel, with memory at every address that can have it."""
    head = data.read(0, _PREFIX)
    header = find(data, MAGIC, len(head) - 11)
    if header is not None:
        offset, flags = header
        error = _multiboot_error(head[offset:], offset, flags, data.size)
        if error is not None or flags & HAS_ADDRESSES:
            return CrosvmResult(error, multiboot=offset)
    error = _header_error(head, elf, data.size)
    if error is not None or elf is None:
        return CrosvmResult(error)
    return _segments(elf)


def _multiboot_error(header: bytes, offset: int, flags: int, size: int) -> CrosvmError | None:
    """Return the error of a multiboot header, at an offset in a file of size bytes, or None."""
    if flags & ~_KNOWN_FLAGS:
        return CrosvmError.FLAGS
    is_cut = bool(flags & HAS_VIDEO_MODE) and len(header) < 48
    if flags & HAS_ADDRESSES:
        if len(header) < 32:
            return CrosvmError.HEADER
        header_addr, load, load_end, bss_end, entry = struct.unpack_from("<5I", header, 12)
        if header_addr < load or header_addr - load > offset:
            return CrosvmError.ADDRESSES
        start = offset - (header_addr - load)
        length = load_end - load if load_end else size - start
        end = load + length
        if length < 0 or end > MASK_32 or (bss_end and bss_end < end):
            return CrosvmError.ADDRESSES
        if not load <= entry < end:
            return CrosvmError.ADDRESSES
        if start + length > size and not is_cut:
            return CrosvmError.IMAGE
    return CrosvmError.HEADER if is_cut else None


def _header_error(head: bytes, elf: Elf | None, size: int) -> CrosvmError | None:
    if len(head) < spec.EI_NIDENT:
        return CrosvmError.HEADER
    if head[:4] != spec.ELFMAG:
        return CrosvmError.MAGIC
    if head[spec.EI_DATA] != spec.ELFDATA2LSB:
        return CrosvmError.BIG_ENDIAN
    if head[spec.EI_DATA + 1] != spec.EV_CURRENT:
        return CrosvmError.VERSION
    if head[spec.EI_CLASS] not in (spec.ELFCLASS32, spec.ELFCLASS64):
        return CrosvmError.CLASS
    if elf is None or len(head) < spec.EHDR_SIZE[elf.bits]:
        return CrosvmError.HEADER
    if elf.e_phentsize != spec.PHDR_SIZE[elf.bits]:
        return CrosvmError.PHENTSIZE
    if elf.e_phoff < spec.EHDR_SIZE[elf.bits]:
        return CrosvmError.PHOFF
    return CrosvmError.PHDR if elf.e_phoff + elf.e_phentsize * elf.e_phnum > size else None


def _segments(elf: Elf) -> CrosvmResult:
    """Return the result of load_elf, to which the last segment is the end, not the highest."""
    start = end = None
    for segment in elf.segments:
        if segment.p_type != spec.PT_LOAD:
            continue
        first, size = segment.p_paddr, segment.p_filesz
        if first < KERNEL_START:
            return CrosvmResult(CrosvmError.LOW, segment)
        start = first if start is None else start
        end = first + segment.p_memsz
        if end > ADDRESS_MASK:
            return CrosvmResult(CrosvmError.MEMSZ, segment)
        if size and (first + size > PHYSICAL_END or segment.p_offset + size > elf.data.size):
            return CrosvmResult(CrosvmError.IMAGE, segment)
    if start is None or end is None:
        return CrosvmResult(CrosvmError.NO_LOADS)
    if end < start:
        return CrosvmResult(CrosvmError.PHENTSIZE)
    return CrosvmResult(None if start <= elf.e_entry < end else CrosvmError.ENTRY)
