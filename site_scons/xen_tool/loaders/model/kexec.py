# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Model `kexec -c -l` of kexec-tools 2.0.25, as Debian builds it: it unpacks nothing.

file_type() asks in the order of kexec (kexec/arch/x86_64/kexec-x86_64.c): multiboot 2, an ELF file
of x86-64, multiboot, an ELF file of i386, a bzImage.  misplaced() and overlapping() say what is
wrong with the memory that the image asks for (kexec/kexec.c).
"""

from __future__ import annotations

from enum import Enum
from itertools import islice, pairwise

from ...abi import PAGE_SIZE
from ...elf import spec
from ...image.container import has_setup_header
from ...image.data import Data
from ...image.elf import ADDRESS_MASK, Elf, Segment
from ...image.notes import TOTAL_NOTE_LIMIT
from ...light import NamedTuple
from .candidate import Candidate
from .multiboot import HAS_ADDRESSES, MAGIC, find

UNKNOWN = "Cannot determine the file type of"
CRASH = "Segmentation fault"
"""What the shell says of kexec itself."""
SEGMENTS = 16
"""Segments that Linux takes (KEXEC_SEGMENT_MAX); kexec adds two: its own code, and arguments."""
RAM_END = 256 << 20
"""The end of the RAM of a small machine, in bytes."""

_SEARCH = 8192
_MULTIBOOT_2 = 0xE85250D6.to_bytes(4, "little")
_MULTIBOOT_2_ALIGN = 8
_UNSUPPORTED = 0xFFF8
_EM_486 = 6
_RAM = ((0x400, 0x9F000), (1 << 20, 3 << 30), (4 << 30, 1 << 52))
"""Where PCs may have RAM; kexec leaves the interrupt vectors of real mode out."""
_ENTSIZES = {
    spec.SHT_SYMTAB: {32: 16, 64: 24},
    spec.SHT_RELA: {32: 12, 64: 24},
    spec.SHT_DYNAMIC: {32: 8, 64: 16},
    spec.SHT_REL: {32: 8, 64: 16},
}
_PLACES = 1024
"""Segments that are looked at."""


class FileType(Enum):
    """The types of files that kexec knows, with its names."""

    MULTIBOOT_2 = "multiboot2-x86"
    ELF_64 = "elf-x86_64"
    MULTIBOOT = "multiboot-x86"
    ELF_32 = "elf-x86"
    BZIMAGE_64 = "bzImage64"
    BZIMAGE = "bzImage"


class KexecPlace(NamedTuple):
    """Memory that kexec is to fill, in whole pages."""

    start: int
    end: int
    segment: Segment | None
    """Its program header; None: the addresses of a multiboot header."""


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
    if (is_386 or machine == spec.EM_X86_64) and _has_multiboot_2(data):
        return FileType.MULTIBOOT_2
    if machine == spec.EM_X86_64:
        return FileType.ELF_64
    header = multiboot(data)
    if header and wrong_multiboot(data) is None and (header[1] & HAS_ADDRESSES or is_386):
        return FileType.MULTIBOOT
    return FileType.ELF_32 if is_386 else _bzimage(data)


def _has_multiboot_2(data: Data) -> bool:
    head = data.read(0, _SEARCH)
    offset = head.find(_MULTIBOOT_2)
    while offset >= 0:
        words = [int.from_bytes(head[offset + i : offset + i + 4], "little") for i in (0, 4, 8, 12)]
        is_whole = offset % _MULTIBOOT_2_ALIGN == 0 and offset + 16 <= len(head)
        if is_whole and sum(words) & 0xFFFFFFFF == 0:
            return True
        offset = head.find(_MULTIBOOT_2, offset + 1)
    return False


def multiboot(data: Data) -> tuple[int, int] | None:
    """Return offset and flags of the multiboot header; None if there is none."""
    return find(data, MAGIC, min(_SEARCH, data.size) - 11)


def addresses(data: Data, offset: int) -> list[int]:
    """Return header_addr, load_addr, load_end_addr, bss_end_addr and entry_addr."""
    return [data.unsigned(offset + 12 + 4 * i, 4) or 0 for i in range(5)]


def wrong_multiboot(data: Data) -> str | None:
    """Return why a multiboot header is refused, in kexec's words (multiboot_x86_probe)."""
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
        if load_end - header & 0xFFFFFFFF > data.size - offset:
            return "multiboot file truncated"
        if not load <= entry < load_end:
            return "multiboot entry out of range"
    if flags & _UNSUPPORTED:
        return "Found a multiboot header, but it requires multiboot options that I"
    return None


def _bzimage(data: Data) -> FileType | None:
    protocol = data.unsigned(0x206, 2) or 0
    loads_high = (data.unsigned(0x211, 1) or 0) & 1
    boots = data.size >= 1024 and data.unsigned(0x1FE, 2) == 0xAA55 and has_setup_header(data)
    if not boots or not loads_high or protocol < 0x200:
        return None
    is_64 = protocol >= 0x20C and (data.unsigned(0x236, 2) or 0) & 3 == 3
    return FileType.BZIMAGE_64 if is_64 else FileType.BZIMAGE


def wrong_elf(candidate: Candidate) -> str | None:
    """Return why the file is no ELF executable for kexec (build_elf_exec_info), in its words.

    They are UNKNOWN if it says nothing else.
    """
    elf = candidate.image.elf
    if elf is None:
        return UNKNOWN
    if wrong_elf not in elf.kept:
        elf.kept[wrong_elf] = _wrong_elf(elf)
    words: str | None = elf.kept[wrong_elf]
    return words


def _wrong_elf(elf: Elf) -> str | None:
    if _wrong_header(elf) or (elf.e_phoff and _wrong_segments(elf)):
        return UNKNOWN
    words = _wrong_sections(elf) if elf.e_shoff else None
    if words is not None:
        return words
    places = _notes(elf)
    if places is None:
        return CRASH
    if places and _is_broken(elf, *places[0]):
        return "ELF Note corrupted !"
    if elf.e_type not in (spec.ET_EXEC, spec.ET_DYN, spec.ET_CORE):
        return UNKNOWN
    if not elf.e_phnum:
        return "No ELF program header"
    if any(segment.p_type == spec.PT_INTERP for segment in elf.segments):
        return "Requires an ELF interpreter"
    return None


def _wrong_header(elf: Elf) -> bool:
    known = elf.ei_class in (spec.ELFCLASS32, spec.ELFCLASS64)
    known = known and elf.ei_data in (spec.ELFDATA2LSB, spec.ELFDATA2MSB)
    version = elf.data.unsigned(spec.EI_DATA + 1, 1)
    return (
        not known
        or elf.data.size < spec.EHDR_SIZE[elf.bits]
        or elf.e_ehsize != spec.EHDR_SIZE[elf.bits]
        or (elf.e_phnum > 0 and elf.e_phentsize != spec.PHDR_SIZE[elf.bits])
        or (elf.e_shnum > 0 and elf.e_shentsize != spec.SHDR_SIZE[elf.bits])
        or not version == elf.e_version == spec.EV_CURRENT
    )


def _wrong_segments(elf: Elf) -> bool:
    size = elf.data.size
    return elf.phdr_end > size or any(
        (s.p_offset + s.p_filesz) & ADDRESS_MASK > size
        or (s.p_paddr != ADDRESS_MASK and s.p_paddr + s.p_memsz > ADDRESS_MASK)
        for s in elf.segments
    )


def _wrong_sections(elf: Elf) -> str | None:
    size = elf.data.size
    if (elf.e_shoff + elf.e_shnum * elf.e_shentsize) & ADDRESS_MASK > size:
        return UNKNOWN
    for section in elf.sections if elf.e_shnum else ():
        entsize = _ENTSIZES.get(section.sh_type, {}).get(elf.bits, section.sh_entsize)
        if entsize != section.sh_entsize:
            return f"Bad section header({section.sh_type:x}) entsize: {section.sh_entsize}"
        end = (section.sh_offset + section.sh_size) & ADDRESS_MASK
        if section.sh_type != spec.SHT_NOBITS and end > size:
            return UNKNOWN
        if section.sh_addr + section.sh_size > ADDRESS_MASK:
            return UNKNOWN
    return None


def _notes(elf: Elf) -> list[tuple[int, int]] | None:
    """Return offset and size of what has notes, a PT_NOTE or else a SHT_NOTE.

    None: kexec reads a table of headers at offset 0, which it has not read before.
    """
    if elf.e_phnum and not elf.e_phoff:
        return None
    segments = (s for s in elf.segments if s.p_type == spec.PT_NOTE and s.p_offset)
    found = [(s.p_offset, s.p_filesz) for s in segments]
    if found or not elf.e_shnum:
        return found
    if not elf.e_shoff:
        return None
    return [(s.sh_offset, s.sh_size) for s in elf.sections if s.sh_type == spec.SHT_NOTE]


def _is_broken(elf: Elf, offset: int, size: int) -> bool:
    """Whether a note ends behind what has it."""
    end = offset + size
    for _ in range(TOTAL_NOTE_LIMIT):
        if offset >= end:
            return offset > end
        namesz, descsz = (elf.data.unsigned(offset + 4 * i, 4, big=elf.big) or 0 for i in (0, 1))
        offset += 12 + -(-namesz // 4) * 4 + -(-descsz // 4) * 4
    return False


def places(candidate: Candidate) -> list[KexecPlace]:
    """Return the memory that kexec fills with the file, in the order of the file.

    No more than _PLACES: of a file with more than SEGMENTS, Linux takes none.
    """
    if uses_addresses(candidate):
        offset, _ = multiboot(candidate.data) or (0, 0)
        _, load, _, bss_end, _ = addresses(candidate.data, offset)
        return [KexecPlace(load, load + _pages(bss_end - load), None)]
    loads = (s for s in candidate.elf.segments if s.p_type == spec.PT_LOAD and s.p_memsz)
    return [KexecPlace(s.p_paddr, s.p_paddr + _pages(s.p_memsz), s) for s in islice(loads, _PLACES)]


def uses_addresses(candidate: Candidate) -> bool:
    """Whether kexec loads the file by the addresses of its multiboot header."""
    if file_type(candidate) is not FileType.MULTIBOOT:
        return False
    _, flags = multiboot(candidate.data) or (0, 0)
    return bool(flags & HAS_ADDRESSES)


def is_moved(candidate: Candidate) -> bool:
    """Whether kexec moves an ET_DYN as its addresses are no RAM (get_elf_exec_load_base)."""
    if uses_addresses(candidate) or candidate.elf.e_type != spec.ET_DYN:
        return False
    found = [place.segment for place in places(candidate) if place.segment is not None]
    start = min((s.p_paddr for s in found), default=0)
    return bool(found) and not _is_ram(start, max(s.p_paddr + s.p_memsz for s in found) + 1)


def misplaced(candidate: Candidate) -> tuple[str, KexecPlace] | None:
    """Return the words of the first segment that is between pages, or in no RAM, and its place."""
    found = places(candidate)
    moved = is_moved(candidate)
    base = min((place.start for place in found), default=0) if moved else 0
    for place in found:
        if (place.start - base) % PAGE_SIZE:
            return f"Base address: {place.start:#x} is not page aligned", place
        if not moved and not _is_ram(place.start, place.end):
            start = f"{place.start:#x}" if place.start else "(nil)"
            return f"Invalid memory segment {start} - {place.end - 1:#x}", place
    return None


def overlapping(candidate: Candidate) -> tuple[KexecPlace, KexecPlace] | None:
    """Return two segments that share a page; None if no segments do."""
    found = sorted(places(candidate), key=lambda place: place.start)
    return next(((one, other) for one, other in pairwise(found) if one.end > other.start), None)


def _is_ram(start: int, end: int) -> bool:
    return any(low <= start and end <= high for low, high in _RAM)


def _pages(size: int) -> int:
    return -(-size // PAGE_SIZE) * PAGE_SIZE
