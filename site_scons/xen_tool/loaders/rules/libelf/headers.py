# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The E rules: ELF and program headers, as elf_init, elf_parse_binary and elf_load_binary use them.

Source: xen/common/libelf/libelf-loader.c of Xen.  E5, and E8 of dom0, are checked outside of
libelf: they are with the rules of each loader.
"""

from __future__ import annotations

from ....elf import spec
from ....image.elf import ADDRESS_MASK
from ...model import where
from ...model.candidate import Candidate
from ...model.libelf.addresses import has_symtab
from ...names import DOM0, DOMU, XEN
from .. import common
from ..rule import Effect, Fields, Probe, Rule

_LZ4_FRAME = b"\x04\x22\x4d\x18"


def _not_elf(candidate: Candidate) -> Fields | None:
    """The file, or the content of its container, does not start with an ELF header."""
    if candidate.image.elf is not None:
        return None
    what = "the file" if candidate.data is candidate.kernel.file else "what was unwrapped"
    magic = candidate.data.read(0, 4)
    start = f"starts with the bytes {magic.hex(' ')}" if magic else "is empty"
    fix = "use gzip: of lz4 only legacy frames are read" if magic == _LZ4_FRAME else GIVE_ELF
    return {"fix": fix, "where": f"{what} {start}"}


def _cut_header(candidate: Candidate) -> Fields | None:
    """The file ends within the ELF header, and Xen reads the memory after it."""
    if candidate.data is not candidate.kernel.file or candidate.data.read(0, 4) != spec.ELFMAG:
        return None
    return _not_elf(candidate)


def _phdr_overflow(candidate: Candidate) -> Fields | None:
    """The program headers end after the end of the file."""
    return _overflow(candidate, candidate.elf.phdr_end, "e_phoff", "e_phentsize", "e_phnum")


def _shdr_overflow(candidate: Candidate) -> Fields | None:
    """The section headers end after the end of the file."""
    return _overflow(candidate, candidate.elf.shdr_end, "e_shoff", "e_shentsize", "e_shnum")


def _overflow(candidate: Candidate, end: int, *fields: str) -> Fields | None:
    """Return the fields if a table of headers ends after the end of the file; fields: to name."""
    if end <= candidate.data.size:
        return None
    return {"off": end, "size": candidate.data.size, "where": where.header(candidate, *fields)}


def _too_many_sections(candidate: Candidate) -> Fields | None:
    """e_shnum is larger than the number of section headers that the file can hold."""
    if not candidate.elf.too_many_sections:
        return None
    return {"where": where.header(candidate, "e_shnum")}


def not_executable_type(candidate: Candidate) -> Fields | None:
    """e_type is not ET_EXEC."""
    if candidate.elf.e_type == spec.ET_EXEC:
        return None
    return {"where": where.header(candidate, "e_type")}


def _segment_without_flags(candidate: Candidate) -> Fields | None:
    """A PT_LOAD that is not empty has none of the flags R, W and X."""
    for segment in candidate.elf.segments:
        if segment.p_type == spec.PT_LOAD and segment.p_memsz and not segment.is_loadable:
            return {"where": where.segment(candidate, segment, "p_flags", "p_memsz")}
    return None


def memsz_below_filesz(candidate: Candidate) -> Fields | None:
    """The p_memsz of a segment is less than its p_filesz."""
    for segment in candidate.elf.loadable:
        if segment.p_memsz < segment.p_filesz:
            return {"where": where.segment(candidate, segment, "p_filesz", "p_memsz")}
    return None


def _behind_file(candidate: Candidate) -> Fields | None:
    """The bytes of a segment end after the end of the file."""
    size = candidate.data.size
    for segment in candidate.elf.loadable:
        if segment.p_filesz and segment.p_offset + segment.p_filesz > size:
            place = where.segment(candidate, segment, "p_offset", "p_filesz")
            return {"size": size, "where": place}
    return None


def _too_much_to_copy(candidate: Candidate) -> Fields | None:
    """The sizes of all segments add up to more than twice the memory that they span."""
    addresses = candidate.addresses
    left = 2 * (addresses.virt_kend - addresses.virt_kstart & ADDRESS_MASK)
    for segment in candidate.elf.loadable:
        if left < segment.p_memsz:
            return {"where": where.segment(candidate, segment, "p_paddr", "p_memsz")}
        left -= segment.p_memsz
    return None


def _no_symtab(candidate: Candidate) -> Fields | None:
    """The note BSD_SYMTAB requests symbols, but the file has none."""
    if not candidate.parms.bsd_symtab or has_symtab(candidate.elf):
        return None
    return {"where": "no section of type SHT_SYMTAB whose sh_link names another section"}


NOT_RELOCATED = "no loader relocates: the code runs where p_paddr and the notes put it"
LINK_EXEC = "link a kernel of type ET_EXEC, without -pie, or let it relocate itself"
NOT_ELF = "ELF: not an ELF binary"
GIVE_ELF = "give the linked ELF file, not one made with objcopy -O binary"
_COPY_ANEW = "link or copy the image anew: it is truncated, or its headers are damaged"

_ELF_INIT = "xen/common/libelf/libelf-loader.c, elf_init"
_ELF_LOAD_IMAGE = "xen/common/libelf/libelf-loader.c, elf_load_image"

RULES = (
    Rule("E1", DOM0, _cut_header, "", _COPY_ANEW, probe=Probe.FILE, source=_ELF_INIT, live=True),
    Rule(
        "E1",
        XEN,
        _not_elf,
        NOT_ELF,
        "{fix}",
        probe=Probe.FILE,
        source=_ELF_INIT,
        live=True,
    ),
    Rule(
        "E2",
        XEN,
        _phdr_overflow,
        "ELF: phdr overflow (off {off:x} > size {size:x})",
        _COPY_ANEW,
        probe=Probe.FILE,
        source=_ELF_INIT,
        live=True,
    ),
    Rule(
        "E3",
        XEN,
        _shdr_overflow,
        "ELF: shdr overflow (off {off:x} > size {size:x})",
        _COPY_ANEW + "; a kernel without section headers has e_shoff, e_shnum and e_shstrndx 0",
        probe=Probe.FILE,
        source=_ELF_INIT,
        live=True,
    ),
    Rule(
        "E4",
        XEN,
        _too_many_sections,
        "far too many section headers",
        _COPY_ANEW,
        Effect.WARNING,
        source="xen/common/libelf/libelf-tools.c, elf_shdr_count",
        live=True,
    ),
    Rule(
        "E6",
        XEN,
        not_executable_type,
        NOT_RELOCATED,
        LINK_EXEC,
        Effect.WARNING,
        source=_ELF_INIT,
        live=True,
    ),
    Rule(
        "E7",
        XEN,
        _segment_without_flags,
        "the segment is not loaded, and nothing keeps start_info or an initrd out of its place",
        "give the segment flags, such as FLAGS(5) or FLAGS(7) in the linker script's PHDRS",
        Effect.WARNING,
        source="xen/common/libelf/libelf-tools.c, elf_phdr_is_loadable",
        live=True,
    ),
)
"""The rules that libelf checks before it reads the notes."""

LOADING_RULES = (
    Rule(
        "E8",
        DOMU,
        memsz_below_filesz,
        "more of the file is loaded than the segment has room for",
        common.MEMSZ,
        Effect.WARNING,
        source=_ELF_LOAD_IMAGE,
        live=True,
    ),
    Rule(
        "E9",
        XEN,
        _behind_file,
        "the file ends at {size:#x}, and something else is loaded for what is missing",
        _COPY_ANEW,
        Effect.ERROR,
        source=_ELF_LOAD_IMAGE,
        live=True,
    ),
    Rule(
        "E10",
        XEN,
        _too_much_to_copy,
        "program segments total to more than the input image size",
        "let no segment overlap another: Xen stops at this one, and loads no more",
        Effect.ERROR,
        source="xen/common/libelf/libelf-loader.c, elf_load_binary",
        live=True,
    ),
    Rule(
        "E11",
        XEN,
        _no_symtab,
        "invalid ELF handle for symtab section",
        "keep the symbols when stripping, or drop the note BSD_SYMTAB",
        Effect.WARNING,
        source="xen/common/libelf/libelf-loader.c, elf_parse_bsdsyms",
        live=True,
    ),
)
"""The rules of copying segments into the domain."""
