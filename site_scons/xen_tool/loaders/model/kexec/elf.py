# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Whether a file is an ELF executable for kexec (kexec/kexec-elf.c, kexec/kexec-elf-exec.c)."""

from __future__ import annotations

from ....elf import spec
from ....image.elf import ADDRESS_MASK, Elf
from ....image.notes import TOTAL_NOTE_LIMIT
from ..candidate import Candidate

UNKNOWN = "Cannot determine the file type of"
CRASH = "Segmentation fault"
"""What the shell prints when kexec itself crashes."""
_ENTSIZES = {
    spec.SHT_SYMTAB: {32: 16, 64: 24},
    spec.SHT_RELA: {32: 12, 64: 24},
    spec.SHT_DYNAMIC: {32: 8, 64: 16},
    spec.SHT_REL: {32: 8, 64: 16},
}


def wrong_elf(candidate: Candidate) -> str | None:
    """Return kexec's message for a file that is no ELF executable; None if it is one.

    The message is UNKNOWN where build_elf_exec_info, which decides, prints none.
    """
    elf = candidate.image.elf
    if elf is None:
        return UNKNOWN
    if wrong_elf not in elf.kept:
        elf.kept[wrong_elf] = _wrong_elf(elf)
    words: str | None = elf.kept[wrong_elf]
    return words


def _wrong_elf(elf: Elf) -> str | None:
    """Do what wrong_elf does, without its cache."""
    if _wrong_header(elf) or (elf.e_phoff and elf.e_phnum and _wrong_segments(elf)):
        return UNKNOWN
    words = _wrong_sections(elf) if elf.e_shoff and elf.e_shnum else None
    if words is not None:
        return words
    places = _notes(elf)
    if places is None:
        return CRASH
    words = _broken_notes(elf, *places[0]) if places else None
    if words is not None:
        return words
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
    """Return kexec's message for section headers that it refuses; None if it accepts all."""
    size = elf.data.size
    if (elf.e_shoff + elf.e_shnum * elf.e_shentsize) & ADDRESS_MASK > size:
        return UNKNOWN
    for section in elf.sections:
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
    """Return offset and size of each PT_NOTE or, if there is none, of each SHT_NOTE.

    None: kexec crashes, as it has not read a table of headers whose offset is 0.
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


def _broken_notes(elf: Elf, offset: int, size: int) -> str | None:
    """Return kexec's message for notes at an offset; None if it prints none.

    An n_namesz of 0xfffffffd or more becomes 0 when kexec pads it, but kexec reads the last byte
    of the name, and crashes.
    """
    end = offset + size
    for _ in range(TOTAL_NOTE_LIMIT):
        if offset >= end:
            break
        namesz, descsz = (elf.data.unsigned(offset + 4 * i, 4, big=elf.big) or 0 for i in (0, 1))
        name, desc = ((number + 3) & 0xFFFFFFFC for number in (namesz, descsz))
        offset += 12 + name + desc
        if offset > end:
            return "ELF Note corrupted !"
        if namesz > name:
            return CRASH
    return None
