# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Model the ELF files that multiboot and multiboot2 load (grub-core/loader/multiboot_elfxx.c)."""

from __future__ import annotations

from bisect import bisect_left, insort

from ....elf import spec
from ....image.data import Data
from ....image.elf import MASK_32, Elf, Section, Segment
from ..candidate import Candidate
from ..pc_memory import SMALL_RAM_END
from . import multiboot
from .filters import PREMATURE_END, Stated

RELOCATIONS = "ELF files with relocs are not supported yet"

MOST_MEMORY = SMALL_RAM_END // 4 * 3
"""The most bytes for which GRUB has memory on such a machine."""
NO_MEMORY = "out of memory"

_MAY_CRASH = "GRUB itself may crash"
_SEEK = "attempt to seek outside of the file"
_OUT_OF_RANGE = "address is out of range"
_LORESERVE, _XINDEX = 0xFF00, 0xFFFF
"""SHN_LORESERVE, and SHN_XINDEX, which stands for sh_link of the first section header."""
_SH_SIZE, _SH_LINK = (20, 32), (24, 40)
"""Offsets of fields of a section header, in ELF32 and ELF64."""


def wrong_elf(candidate: Candidate, search: int, moves: tuple[int, int] | None) -> str | None:
    """Return GRUB 2.06's message if it refuses an ELF file with a multiboot header, or None.

    search: the size of the start of the file that must hold the program headers.  moves: as in
    multiboot.Tags.  GRUB computes in 32 bits.
    """
    words = _wrong_header(candidate)
    if words is not None:
        return words
    elf = candidate.elf
    if elf.e_phoff + elf.e_phnum * elf.e_phentsize > search:
        return "program header at a too high offset"
    if elf.phdr_end > elf.data.size:
        return f"{_MAY_CRASH}: it takes what is behind the file in memory for program headers"
    return (
        _wrong_segments(elf, moves)
        or _wrong_entry(elf)
        or _wrong_sections(elf, relocations=search != multiboot.SEARCH_2)
    )


def _wrong_header(candidate: Candidate) -> str | None:
    head = candidate.data.read(0, spec.EHDR_SIZE[64])
    elf = candidate.image.elf
    if head[spec.EI_CLASS] not in (spec.ELFCLASS32, spec.ELFCLASS64):
        return "invalid arch-dependent ELF magic"
    if elf is None or head[spec.EI_DATA] != spec.ELFDATA2LSB:
        return "invalid arch-independent ELF magic"
    machine = spec.EM_X86_64 if elf.bits == 64 else spec.EM_386
    if elf.e_machine != machine or elf.e_version != spec.EV_CURRENT:
        return "invalid arch-dependent ELF magic"
    if elf.e_type not in (spec.ET_EXEC, spec.ET_DYN):
        return "this ELF file is not of the right type"
    return None


def loads(elf: Elf) -> list[Segment]:
    """Return the segments that are loaded."""
    return [segment for segment in elf.segments if segment.p_type == spec.PT_LOAD]


def _wrong_segments(elf: Elf, moves: tuple[int, int] | None) -> str | None:
    found = loads(elf)
    mask = (1 << elf.bits) - 1
    end = max((segment.p_paddr + segment.p_memsz & mask for segment in found), default=0)
    if elf.bits == 64 and end > MASK_32:
        return "segment crosses 4 GiB border"
    if moves is not None:
        start = min((segment.p_paddr for segment in found), default=MASK_32)
        if not multiboot.fits(moves, end - start & MASK_32):
            return multiboot.NOT_MOVABLE
    placed: list[tuple[int, int]] = []
    for segment in found:
        words = None if moves else _wrong_place(placed, segment.p_paddr, segment.p_memsz)
        if words is None and written(elf, segment) > (
            end - segment.p_paddr if moves else segment.p_memsz
        ):
            words = f"{_MAY_CRASH}: p_filesz is above p_memsz, and it writes behind the segment"
        words = words or unreadable(elf.data, segment.p_offset, segment.p_filesz)
        if words is not None:
            return words
    return None


def written(elf: Elf, segment: Segment) -> int:
    """Return the number of bytes of memory that GRUB writes for a segment."""
    there = max(0, elf.data.size - segment.p_offset)
    return max(segment.p_memsz, min(segment.p_filesz, there))


def _wrong_place(placed: list[tuple[int, int]], start: int, size: int) -> str | None:
    """Return GRUB's message if it cannot take the memory of a segment; else add it to placed.

    placed: starts and ends of the segments before, sorted (grub_relocator_alloc_chunk_addr).
    """
    if start + size > MASK_32:
        return _OUT_OF_RANGE
    there = bisect_left(placed, (start, 0))
    above = placed[there:][:1]
    below = placed[:there][-1:]
    if any(start < last for _, last in below) or any(
        first < start + size or first == start < last for first, last in above
    ):
        return "overlap detected"
    insort(placed, (start, start + size))
    return None


def unreadable(data: Data, offset: int, size: int) -> str | None:
    """Return GRUB's message if it cannot read bytes that end behind the file's end, or None."""
    if size and isinstance(data, Stated) and data.there - size < offset < data.size:
        return data.words
    if not size or offset + size <= data.size:
        return None
    return _SEEK if offset > data.size else PREMATURE_END


def _wrong_entry(elf: Elf) -> str | None:
    found = entry(elf)
    if found is None:
        return "entry point isn't in a segment"
    return "invalid entry point for ELF64" if found > MASK_32 else None


def entry(elf: Elf) -> int | None:
    """Return the physical address of e_entry; None if no segment has it.

    The first segment counts that has it, of any type.
    """
    mask = (1 << elf.bits) - 1
    for segment in elf.segments:
        if segment.p_vaddr <= elf.e_entry < (segment.p_vaddr + segment.p_memsz & mask):
            return elf.e_entry - segment.p_vaddr + segment.p_paddr & mask
    return None


def _wrong_sections(elf: Elf, *, relocations: bool) -> str | None:
    """Return GRUB's message if it cannot read the sections, which the kernel gets, or None."""
    if elf.e_shnum and elf.e_shentsize < spec.SHDR_SIZE[elf.bits]:
        return f"{_MAY_CRASH}: it reads section headers behind the bytes that it has of them"
    table = elf.e_shnum * elf.e_shentsize
    words = unreadable(elf.data, elf.e_shoff, table) if elf.e_shnum else None
    if words is not None:
        return words
    for section in elf.sections if elf.e_shnum else ():
        if not relocations and section.sh_type in (spec.SHT_REL, spec.SHT_RELA):
            return RELOCATIONS
        words = _wrong_section(elf.data, section)
        if words is not None:
            return words
    return None


def _wrong_section(data: Data, section: Section) -> str | None:
    """Return GRUB's message if it cannot read a section; it reads only those without an address."""
    return None if section.sh_addr else unreadable(data, section.sh_offset, section.sh_size)


def refused_by_2_12(elf: Elf, search: int) -> str | None:
    """Return the message of GRUB since 2.12 if it refuses an ELF file that 2.06 takes, or None.

    It requires section headers, and takes large numbers from the first one, if that is in the first
    search bytes (grub_elfXX_get_shnum and grub_elfXX_get_shstrndx, grub-core/kern/elfXX.c).
    """
    number: int | None = elf.e_shnum
    field = "e_shnum"
    if not number:
        if not elf.e_shoff:
            return "invalid section header table offset in e_shoff"
        number, field = _of_first_section(elf, search, _SH_SIZE), "sh_size"
    if number is not None and (number < _LORESERVE) != (field == "e_shnum"):
        return f"invalid number of section header table entries in {field}: {number}"
    number, field = elf.e_shstrndx, "e_shstrndx"
    if number == _XINDEX:
        number, field = _of_first_section(elf, search, _SH_LINK), "sh_link"
    if number is not None and (number < _LORESERVE) != (field == "e_shstrndx"):
        return f"invalid section header table index in {field}: {number}"
    if elf.phdr_end > min(search, elf.data.size):
        return "program header at a too high offset"
    return None


def reads_behind_in_2_12(elf: Elf, search: int) -> bool:
    """Whether GRUB since 2.12 looks for a number behind the search bytes that it has read."""
    needed = (not elf.e_shnum, _SH_SIZE), (elf.e_shstrndx == _XINDEX, _SH_LINK)
    return bool(elf.e_shoff) and any(
        is_needed and _of_first_section(elf, search, offsets) is None
        for is_needed, offsets in needed
    )


def _of_first_section(elf: Elf, search: int, offsets: tuple[int, int]) -> int | None:
    """Return a field of the first section header; None if it is behind the first search bytes."""
    place = elf.e_shoff + offsets[elf.bits == 64]
    width = elf.bits // 8 if offsets is _SH_SIZE else 4
    return None if place + width > search else elf.data.unsigned(place, width)
