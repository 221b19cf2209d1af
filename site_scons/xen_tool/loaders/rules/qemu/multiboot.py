# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rule Q1: load_multiboot of QEMU 7.2 (hw/i386/multiboot.c), which QEMU tries before PVH."""

from __future__ import annotations

from ....elf import spec
from ....image.data import Data
from ....image.elf import MASK_32
from ...model.candidate import Candidate
from ...model.multiboot import HAS_ADDRESSES, HAS_VIDEO_MODE, MAGIC, find
from ...names import QEMU
from .. import common
from ..rule import Effect, Fields, Rule
from .segments import (
    NOT_LOADED,
    OVERLAPPING,
    OWN_PLACE,
    behind_file,
    headers_outside,
    loads,
    over_firmware,
    overlapping,
    too_large,
)

_SEARCH = 8192 - 48


def found(candidate: Candidate) -> tuple[int, int] | None:
    """Return the file offset and the flags of the header that load_multiboot finds."""
    return find(candidate.kernel.file, MAGIC, _SEARCH)


def _multiboot_elf(candidate: Candidate) -> int | None:
    """Return the offset of a header without addresses, which requires an ELF file."""
    header = found(candidate)
    return None if header is None or header[1] & HAS_ADDRESSES else header[0]


def _multiboot_64(candidate: Candidate) -> Fields | None:
    """The file has a multiboot header without addresses, and e_machine x86-64."""
    offset = _multiboot_elf(candidate)
    if offset is None or candidate.kernel.file.unsigned(18, 2) != spec.EM_X86_64:
        return None
    return common.multiboot_header(offset)


def _multiboot_no_elf(candidate: Candidate) -> Fields | None:
    """The file has a multiboot header without addresses, and is no complete, small i386 ELF."""
    offset = _multiboot_elf(candidate)
    if offset is None:
        return None
    elf = candidate.image.elf
    is_i386 = elf is not None and not elf.big and elf.e_machine == spec.EM_386
    wrong = not is_i386 or headers_outside(candidate) or behind_file(candidate, loads(candidate))
    if not wrong and not too_large(candidate):
        return None
    return common.multiboot_header(offset)


def _multiboot_too_high(candidate: Candidate) -> Fields | None:
    """The file has a multiboot header without addresses, and a segment ends above 4 GiB."""
    offset = _multiboot_elf(candidate)
    if offset is None or all(s.p_paddr + s.p_memsz < 1 << 32 for s in loads(candidate)):
        return None
    return common.multiboot_header(offset)


def _multiboot_overlapping(candidate: Candidate) -> Fields | None:
    """The file has a multiboot header without addresses, and bytes of segments overlap."""
    if _multiboot_elf(candidate) is None:
        return None
    return overlapping(candidate) or over_firmware(candidate)


def _multiboot_addresses(candidate: Candidate) -> Fields | None:
    """The addresses of the multiboot header contradict each other, or exceed the file."""
    header = found(candidate)
    if header is None or not header[1] & HAS_ADDRESSES:
        return None
    words = _wrong_address(candidate.kernel.file, header[0])
    return None if words is None else {**common.multiboot_header(header[0]), "words": words}


def _wrong_address(file: Data, offset: int) -> str | None:
    """Return the error of load_multiboot, which computes with 32-bit numbers that wrap around."""
    header, load, load_end, bss_end = (file.unsigned(offset + 12 + 4 * i, 4) or 0 for i in range(4))
    if header < load:
        return "invalid load_addr address"
    if header - load > offset:
        return "invalid header_addr address"
    text = offset - (header - load)
    size = file.size - text
    if load_end:
        if load_end < load:
            return "invalid load_end_addr address"
        size = load_end - load
    if size > MASK_32 - load:
        return "kernel does not fit in address space"
    if bss_end and bss_end < load + size:
        return "invalid bss_end_addr address"
    return "fread() failed" if text + size > file.size else None


def _multiboot_vbe(candidate: Candidate) -> Fields | None:
    """The multiboot header requests a video mode."""
    header = found(candidate)
    if header is None or not header[1] & HAS_VIDEO_MODE:
        return None
    return common.multiboot_header(header[0])


def _other_multiboot(candidate: Candidate) -> Fields | None:
    """The file has any other multiboot header."""
    header = found(candidate)
    return None if header is None else common.multiboot_header(header[0])


_NO_HEADER = (
    "drop the multiboot header, which QEMU prefers to PVH, or keep it out of the first 8 KiB"
)

_LOAD_MULTIBOOT = "QEMU hw/i386/multiboot.c, load_multiboot"

RULES = (
    Rule(
        "Q1",
        (QEMU,),
        _multiboot_64,
        "Cannot load x86-64 image, give a 32bit one.",
        _NO_HEADER,
        source=_LOAD_MULTIBOOT,
        live=True,
    ),
    Rule(
        "Q1", (QEMU,), _multiboot_no_elf, NOT_LOADED, _NO_HEADER, source=_LOAD_MULTIBOOT, live=True
    ),
    Rule(
        "Q1",
        (QEMU,),
        _multiboot_too_high,
        "Error while fetching elf kernel from rom",
        "let every segment end below 4 GiB, or drop the multiboot header",
        source=_LOAD_MULTIBOOT,
        live=True,
    ),
    Rule(
        "X13",
        (QEMU,),
        _multiboot_overlapping,
        OVERLAPPING,
        OWN_PLACE,
        source="QEMU hw/core/loader.c, rom_check_and_register_reset",
        live=True,
    ),
    Rule(
        "Q1",
        (QEMU,),
        _multiboot_addresses,
        "{words}",
        _NO_HEADER + ", or correct its addresses",
        source=_LOAD_MULTIBOOT,
        live=True,
    ),
    Rule(
        "Q1",
        (QEMU,),
        _multiboot_vbe,
        "multiboot knows VBE. we don't",
        "clear bit 2 of the multiboot header's flags: QEMU sets no video mode",
        Effect.WARNING,
        source=_LOAD_MULTIBOOT,
        live=True,
    ),
    Rule(
        "Q1",
        (QEMU,),
        _other_multiboot,
        "QEMU starts the image by multiboot, not by PVH",
        common.NO_MULTIBOOT,
        Effect.WARNING,
        last=True,
        source=_LOAD_MULTIBOOT,
        live=True,
    ),
)
