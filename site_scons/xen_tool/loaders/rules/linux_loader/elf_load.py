# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules R1 to R5: the errors of Elf::load (linux-loader 0.14.0).

After such an error Cloud Hypervisor tries to load the file as a bzImage, and prints the error of
that attempt.
"""

from __future__ import annotations

from ...model import where
from ...model.candidate import Candidate
from ...model.linux_loader import LinuxLoaderError, loaded
from ...names import CLOUD_HYPERVISOR, FIRECRACKER, LIBKRUN
from .. import common
from ..rule import Condition, Fields, Rule

FLOOR = 1 << 20
"""The lowest address of an entry that linux-loader accepts: 1 MiB."""
NO_BZIMAGE = "Kernel Loader: failed to load bzImage kernel image: Kernel Loader: Invalid bzImage"
_ELF = "Kernel Loader: failed to load ELF kernel image: Kernel Loader: "
_SOURCE = "rust-vmm/linux-loader 0.14.0, src/loader/elf/mod.rs, "


def failed(candidate: Candidate) -> bool:
    """Whether Elf::load fails: with an error of load(), or because e_entry is below FLOOR."""
    found = loaded(candidate)
    return found.error is not None or found.entry < FLOOR


def _below_floor(candidate: Candidate) -> Fields | None:
    """e_entry is below 1 MiB, even if PHYS32_ENTRY gives another entry point."""
    if candidate.image.elf is None or loaded(candidate).entry >= FLOOR:
        return None
    return {"where": where.header(candidate, "e_entry")}


def _giving_up(error: LinuxLoaderError, words: str, *fields: str) -> Condition:
    """Return the condition that Elf::load fails with one of its errors.

    words: its docstring; fields: the header fields that the finding names.
    """

    def condition(candidate: Candidate) -> Fields | None:
        found = loaded(candidate)
        if found.error is not error:
            return None
        if found.segment is not None:
            return {"where": where.segment(candidate, found.segment, *fields)}
        if candidate.image.elf is None or not fields:
            return {"where": common.start_of_file(candidate)}
        bits = candidate.elf.bits
        return {"where": f"{where.header(candidate, *fields)}, of an ELF{bits}"}

    condition.__doc__ = words
    return condition


def _rows(
    name: str, error: LinuxLoaderError, condition: Condition, fix: str, source: str
) -> tuple[Rule, Rule]:
    """Return the rules of an error: what Firecracker and libkrun print, and Cloud Hypervisor."""
    kernel = "Kernel Loader: " if error is LinuxLoaderError.OVERFLOW else _ELF
    return (
        Rule(name, (FIRECRACKER, LIBKRUN), condition, kernel + error.value, fix, source=source),
        Rule(name, (CLOUD_HYPERVISOR,), condition, NO_BZIMAGE, fix, source=source),
    )


_LOAD = _SOURCE + "Elf::load"
_HEADER = _SOURCE + "validate_header"
_NOTES = _SOURCE + "parse_elf_note"
_ENTRY = "make e_entry an address of 1 MiB or above: ENTRY() in the linker script"
_VMLINUX = "give the uncompressed ELF64: nothing is unwrapped"

HEADER_RULES = (
    *_rows(
        "R1",
        LinuxLoaderError.HEADER,
        _giving_up(LinuxLoaderError.HEADER, "The file is shorter than the header of an ELF64."),
        _VMLINUX,
        _LOAD,
    ),
    *_rows(
        "R1",
        LinuxLoaderError.MAGIC,
        _giving_up(LinuxLoaderError.MAGIC, "The file does not start with an ELF header."),
        _VMLINUX,
        _HEADER,
    ),
    *_rows(
        "R1",
        LinuxLoaderError.BIG_ENDIAN,
        _giving_up(LinuxLoaderError.BIG_ENDIAN, "EI_DATA is not little-endian."),
        common.LITTLE_ENDIAN,
        _HEADER,
    ),
    *_rows(
        "R2",
        LinuxLoaderError.PHENTSIZE,
        _giving_up(
            LinuxLoaderError.PHENTSIZE, "e_phentsize is not 56, that of an ELF64.", "e_phentsize"
        ),
        "link an ELF64 (ld -m elf_x86_64): the code at PHYS32_ENTRY is 32-bit code all the same",
        _HEADER,
    ),
    *_rows(
        "R2",
        LinuxLoaderError.PHOFF,
        _giving_up(LinuxLoaderError.PHOFF, "e_phoff is within the ELF header.", "e_phoff"),
        "let the program headers follow the ELF header",
        _HEADER,
    ),
    Rule(
        "R3",
        (FIRECRACKER,),
        _below_floor,
        _ELF + "Invalid entry address",
        _ENTRY,
        source=_LOAD,
    ),
    Rule(
        "R3",
        (CLOUD_HYPERVISOR,),
        _below_floor,
        NO_BZIMAGE,
        _ENTRY,
        source=_LOAD,
    ),
    *_rows(
        "R2",
        LinuxLoaderError.SEEK_PHDR,
        _giving_up(LinuxLoaderError.SEEK_PHDR, "e_phoff is not below 1 << 63.", "e_phoff"),
        common.TRUNCATED,
        _LOAD,
    ),
    *_rows(
        "R2",
        LinuxLoaderError.PHDR,
        _giving_up(
            LinuxLoaderError.PHDR, "A program header ends after the file.", "e_phoff", "e_phnum"
        ),
        common.TRUNCATED,
        _LOAD,
    ),
)

SEGMENT_RULES = (
    *_rows(
        "R4",
        LinuxLoaderError.SEEK_NOTE,
        _giving_up(
            LinuxLoaderError.SEEK_NOTE,
            "The p_offset of a PT_NOTE is not below 1 << 63.",
            "p_offset",
        ),
        common.TRUNCATED,
        _NOTES,
    ),
    *_rows(
        "R4",
        LinuxLoaderError.NOTE_HEADER,
        _giving_up(
            LinuxLoaderError.NOTE_HEADER, "A PT_NOTE ends after the file.", "p_offset", "p_filesz"
        ),
        common.TRUNCATED,
        _NOTES,
    ),
    *_rows(
        "R4",
        LinuxLoaderError.NOTE_OVERFLOW,
        _giving_up(
            LinuxLoaderError.NOTE_OVERFLOW,
            "A note's size does not fit into 32 bits.",
            "p_offset",
            "p_filesz",
        ),
        "write the notes anew: .balign 4 behind each name and descriptor, and no other bytes",
        _NOTES,
    ),
    *_rows(
        "R4",
        LinuxLoaderError.NOTE,
        _giving_up(
            LinuxLoaderError.NOTE, "PHYS32_ENTRY has less than 4 bytes.", "p_offset", "p_filesz"
        ),
        "write PHYS32_ENTRY with .long",
        _NOTES,
    ),
    *_rows(
        "R5",
        LinuxLoaderError.SEEK_IMAGE,
        _giving_up(
            LinuxLoaderError.SEEK_IMAGE,
            "The p_offset of a segment is not below 1 << 63.",
            "p_offset",
        ),
        common.TRUNCATED,
        _LOAD,
    ),
    *_rows(
        "R5",
        LinuxLoaderError.IMAGE,
        _giving_up(
            LinuxLoaderError.IMAGE,
            "The bytes of a segment are not entirely in the file, or its p_paddr is not memory.",
            *("p_offset", "p_paddr", "p_filesz"),
        ),
        "set p_paddr in the linker script, AT(), to memory below 0xd0000000; if the file is "
        "shorter than it says, link or copy it anew",
        _LOAD,
    ),
    *_rows(
        "R5",
        LinuxLoaderError.OVERFLOW,
        _giving_up(
            LinuxLoaderError.OVERFLOW, "p_paddr + p_memsz overflows 64 bits.", "p_paddr", "p_memsz"
        ),
        "correct p_memsz",
        _LOAD,
    ),
)
