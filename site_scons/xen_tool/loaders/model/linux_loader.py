# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A model of rust-vmm's linux-loader 0.14.0: Elf::load of src/loader/elf/mod.rs.

Firecracker, Cloud Hypervisor and libkrun read kernels with it.  It reads every file as an ELF64,
and does not compare class, machine or type.  load() returns the first error of linux-loader, or
the entry points of the guest; the R rules use it.
"""

from __future__ import annotations

import struct
from enum import Enum

from ...abi import XenElfNote
from ...elf import spec
from ...image.data import Data
from ...image.elf import ADDRESS_MASK, MASK_32, Segment
from ...image.notes import TOTAL_NOTE_LIMIT, XEN_OWNER
from ...light import NamedTuple
from .candidate import Candidate
from .pc_memory import PHYSICAL_END

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

DEVICES = range(0xD0000000, 1 << 32)
"""Guest-physical addresses where none of the three monitors has memory."""

_OFFSETS = 1 << 63
"""The first offset in a file that is too large to seek to."""
_PHDR = "<IIQQQQQQ"
_NOTE = "<3I"


class LinuxLoaderError(Enum):
    """Errors of linux-loader, each with the message that it prints."""

    HEADER = "Unable to read elf header"
    MAGIC = "Invalid Elf magic number"
    BIG_ENDIAN = "Trying to load big-endian binary on little-endian machine"
    PHENTSIZE = "Invalid program header size"
    PHOFF = "Invalid program header offset"
    SEEK_PHDR = "Unable to seek to program header"
    PHDR = "Unable to read program header"
    SEEK_IMAGE = "Unable to seek to kernel start"
    IMAGE = "Unable to read kernel image"
    OVERFLOW = "memory to load kernel image is not enough"
    SEEK_NOTE = "Unable to seek to note header"
    NOTE_HEADER = "Unable to read note header"
    NOTE_OVERFLOW = "Overflow occurred during an arithmetic operation"
    NOTE = "Invalid PVH note header"


class LinuxLoaderResult(NamedTuple):
    """The result of Elf::load: what was loaded before its first error, if any."""

    error: LinuxLoaderError | None = None
    segment: Segment | None = None
    """The segment at which loading failed; None: a header was at fault, or nothing failed."""
    entry: int = 0
    """e_entry; 0 if the ELF header was refused."""
    pvh_entry: int | None = None
    """PHYS32_ENTRY of the last PT_NOTE; None if the last PT_NOTE does not have it."""
    loads: tuple[Segment, ...] = ()
    """The segments whose bytes are loaded."""

    def holds(self, address: int) -> bool:
        """Whether bytes of the file are loaded at a physical address."""
        return any(s.p_paddr <= address < s.p_paddr + s.p_filesz for s in self.loads)


def loaded(candidate: Candidate) -> LinuxLoaderResult:
    """Return the result of load() for an image, computed once for an ELF file."""
    elf = candidate.image.elf
    if elf is None:
        return load(candidate.data)
    if loaded not in elf.kept:
        elf.kept[loaded] = load(candidate.data, elf.segments)
    found: LinuxLoaderResult = elf.kept[loaded]
    return found


def load(data: Data, known: Sequence[Segment] = ()) -> LinuxLoaderResult:
    """Return the result of Elf::load, with memory at every address that can have it.

    known: the segments that the ELF reader found, whose objects are reused where they are equal.
    """
    header = data.read(0, spec.EHDR_SIZE[64])
    error = _header_error(header)
    if error is not None:
        return LinuxLoaderResult(error)
    e_entry, e_phoff = struct.unpack_from("<QQ", header, 24)
    (e_phnum,) = struct.unpack_from("<H", header, 56)
    if e_phoff >= _OFFSETS:
        return LinuxLoaderResult(LinuxLoaderError.SEEK_PHDR, entry=e_entry)
    size = e_phnum * spec.PHDR_SIZE[64]
    table = data.read(e_phoff, size)
    if len(table) < size:
        return LinuxLoaderResult(LinuxLoaderError.PHDR, entry=e_entry)
    pvh_entry: int | None = None
    loads: list[Segment] = []
    left = TOTAL_NOTE_LIMIT
    for number, fields in enumerate(struct.iter_unpack(_PHDR, table)):
        if fields[0] not in (spec.PT_LOAD, spec.PT_NOTE):
            continue
        segment = Segment(number, e_phoff + number * spec.PHDR_SIZE[64], *fields)
        if known[number : number + 1] == (segment,):
            segment = known[number]
        if segment.p_type == spec.PT_NOTE:
            found, count = _pvh_entry(data, segment, left)
            if isinstance(found, LinuxLoaderError):
                return LinuxLoaderResult(found, segment, e_entry, None, tuple(loads))
            pvh_entry = found
            left -= count
            continue
        if not segment.p_filesz:
            continue
        error = _segment_error(data, segment)
        if error is not None:
            return LinuxLoaderResult(error, segment, e_entry, None, tuple(loads))
        loads.append(segment)
    return LinuxLoaderResult(None, None, e_entry, pvh_entry, tuple(loads))


def _header_error(header: bytes) -> LinuxLoaderError | None:
    if len(header) < spec.EHDR_SIZE[64]:
        return LinuxLoaderError.HEADER
    if header[:4] != spec.ELFMAG:
        return LinuxLoaderError.MAGIC
    if header[spec.EI_DATA] != spec.ELFDATA2LSB:
        return LinuxLoaderError.BIG_ENDIAN
    if int.from_bytes(header[54:56], "little") != spec.PHDR_SIZE[64]:
        return LinuxLoaderError.PHENTSIZE
    if int.from_bytes(header[32:40], "little") < spec.EHDR_SIZE[64]:
        return LinuxLoaderError.PHOFF
    return None


def _segment_error(data: Data, segment: Segment) -> LinuxLoaderError | None:
    if segment.p_offset >= _OFFSETS:
        return LinuxLoaderError.SEEK_IMAGE
    start, end = segment.p_paddr, segment.p_paddr + segment.p_filesz
    cut = segment.p_offset + segment.p_filesz > data.size
    if cut or end > PHYSICAL_END or (start < DEVICES.stop and end > DEVICES.start):
        return LinuxLoaderError.IMAGE
    return LinuxLoaderError.OVERFLOW if start + segment.p_memsz > ADDRESS_MASK else None


def _pvh_entry(
    data: Data, segment: Segment, limit: int
) -> tuple[int | LinuxLoaderError | None, int]:
    """Return the first PHYS32_ENTRY of a PT_NOTE, or an error, and the number of notes read.

    This is parse_elf_note: it pads notes to 4 bytes, whatever p_align is, and compares the owner
    with "Xen" and its NUL.  limit: the most notes to read; linux-loader itself has no limit.
    """
    read = count = 0
    if segment.p_offset >= _OFFSETS:
        return LinuxLoaderError.SEEK_NOTE, 0
    while read < segment.p_filesz and count < limit:
        count += 1
        offset = segment.p_offset + read
        header = data.read(offset, 12)
        if len(header) < 12:
            return LinuxLoaderError.NOTE_HEADER, count
        namesz, descsz, n_type = struct.unpack(_NOTE, header)
        if n_type == XenElfNote.PHYS32_ENTRY and namesz == 4:
            owner = data.read(offset + 12, 4)
            if len(owner) < 4:
                return LinuxLoaderError.NOTE_HEADER, count
            if owner == XEN_OWNER:
                entry = data.unsigned(offset + 16, 4)
                if descsz < 4:
                    return LinuxLoaderError.NOTE, count
                return LinuxLoaderError.NOTE_HEADER if entry is None else entry, count
        sizes = [size + -size % 4 for size in (namesz, descsz)]
        if max(sizes) > MASK_32:
            return LinuxLoaderError.NOTE_OVERFLOW, count
        read += 12 + sum(sizes)
    return None, count
