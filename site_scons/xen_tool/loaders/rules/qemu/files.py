# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What qemu-system-x86_64 -kernel takes a file for, before PVH: rules Z3, Z6, E1, Q1 and Q10.

x86_load_linux of hw/i386/x86.c, load_multiboot of hw/i386/multiboot.c (QEMU 7.2).
QEMU reads the file as it is, and tries Linux's boot protocol and multiboot first.
All that is no ELF file is to it a Linux kernel of before 2000, which it "loads"
without a word; for this tool that is a refusal, as nothing starts by PVH.
"""

from __future__ import annotations

from ....elf import spec
from ....image.data import Data
from ...model import multiboot
from ...model.subject import Subject
from ...names import QEMU
from ..rule import Effect, Fields, Rule
from .segments import OVERLAPPING, OWN_PLACE, behind_file, headers_outside, loads, overlapping

NOT_LOADED = "Error while loading elf kernel"

_INVALID = "invalid kernel header"

_SECTOR = 512
_SETUP_SECTS = 0x1F1
_MULTIBOOT_HAS_VBE = 0x00000004
_MULTIBOOT_HAS_ADDR = 0x00010000
_MULTIBOOT_SEARCH = 8192 - 48


def _cut_setup(subject: Subject) -> Fields | None:
    """A bzImage that ends within its setup code."""
    if not _has_hdrs(subject) or _setup_size(subject) <= subject.kernel.file.size:
        return None
    return {"where": f"setup_sects at offset {_SETUP_SECTS:#x} of the file"}


def _setup_size(subject: Subject) -> int:
    sectors = subject.kernel.file.unsigned(_SETUP_SECTS, 1) or 4
    return (sectors + 1) * _SECTOR


def _linux_protocol(subject: Subject) -> Fields | None:
    """A bzImage."""
    if not _has_hdrs(subject) or _is_elf(subject):
        return None
    return {"where": '"HdrS" at offset 0x202 of the file'}


def _elf_with_linux_protocol(subject: Subject) -> Fields | None:
    """An ELF file with "HdrS" at offset 0x202."""
    if not _has_hdrs(subject) or not _is_elf(subject):
        return None
    return {"where": '"HdrS" at offset 0x202 of the file'}


def _has_hdrs(subject: Subject) -> bool:
    return subject.kernel.file.read(0x202, 4) == b"HdrS"


def _is_elf(subject: Subject) -> bool:
    return subject.kernel.file.read(0, 4) == spec.ELFMAG


def _multiboot(subject: Subject) -> tuple[int, int] | None:
    """Offset and flags of the header that load_multiboot finds."""
    return multiboot.find(subject.kernel.file, multiboot.MAGIC, _MULTIBOOT_SEARCH)


def _multiboot_elf(subject: Subject) -> int | None:
    """The offset of a header without addresses, which wants an ELF file."""
    found = _multiboot(subject)
    return None if found is None or found[1] & _MULTIBOOT_HAS_ADDR else found[0]


def _multiboot_64(subject: Subject) -> Fields | None:
    """A multiboot header without addresses, in a file with e_machine x86-64."""
    offset = _multiboot_elf(subject)
    if offset is None or subject.kernel.file.unsigned(18, 2) != spec.EM_X86_64:
        return None
    return _multiboot_header(offset)


def _multiboot_no_elf(subject: Subject) -> Fields | None:
    """A multiboot header without addresses, in a file that is no whole little-endian i386 ELF."""
    offset = _multiboot_elf(subject)
    if offset is None:
        return None
    elf = subject.image.elf
    is_i386 = elf is not None and not elf.big and elf.e_machine == spec.EM_386
    if is_i386 and not headers_outside(subject) and not behind_file(subject, loads(subject)):
        return None
    return _multiboot_header(offset)


def _multiboot_too_high(subject: Subject) -> Fields | None:
    """A multiboot header without addresses, and a segment that ends above 4 GiB."""
    offset = _multiboot_elf(subject)
    if offset is None or all(s.p_paddr + s.p_memsz < 1 << 32 for s in loads(subject)):
        return None
    return _multiboot_header(offset)


def _multiboot_overlapping(subject: Subject) -> Fields | None:
    """A multiboot header without addresses, and segments whose bytes overlap."""
    return None if _multiboot_elf(subject) is None else overlapping(subject)


def _multiboot_addresses(subject: Subject) -> Fields | None:
    """A multiboot header whose addresses do not fit each other, or the file."""
    found = _multiboot(subject)
    if found is None or not found[1] & _MULTIBOOT_HAS_ADDR:
        return None
    words = _wrong_address(subject.kernel.file, found[0])
    return None if words is None else {**_multiboot_header(found[0]), "words": words}


def _wrong_address(file: Data, offset: int) -> str | None:
    """What load_multiboot complains of; numbers are 32 bits wide, and wrap."""
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
    if size > 0xFFFFFFFF - load:
        return "kernel does not fit in address space"
    if bss_end and bss_end < load + size:
        return "invalid bss_end_addr address"
    return "fread() failed" if text + size > file.size else None


def _multiboot_vbe(subject: Subject) -> Fields | None:
    """A multiboot header that asks for a video mode."""
    found = _multiboot(subject)
    if found is None or not found[1] & _MULTIBOOT_HAS_VBE:
        return None
    return _multiboot_header(found[0])


def _other_multiboot(subject: Subject) -> Fields | None:
    """Any other multiboot header."""
    found = _multiboot(subject)
    return None if found is None else _multiboot_header(found[0])


def _multiboot_header(offset: int) -> Fields:
    return {"where": f"a multiboot header at offset {offset:#x} of the file"}


def _empty(subject: Subject) -> Fields | None:
    """The file has no bytes."""
    return None if subject.kernel.file.size else {"where": "the file has 0 bytes"}


def _compressed(subject: Subject) -> Fields | None:
    """The file is a compressed stream."""
    return _raw(subject) if subject.kernel.container else None


def _not_elf(subject: Subject) -> Fields | None:
    """The file is no ELF file."""
    return _raw(subject) if subject.image.elf is None else None


def _raw(subject: Subject) -> Fields:
    file = subject.kernel.file
    words = "it is loaded as a raw Linux kernel, without a word"
    if _setup_size(subject) > file.size:
        words = _INVALID
    if _is_elf(subject):
        words = NOT_LOADED
    start = file.read(0, 4).hex(" ")
    return {"words": words, "where": f"the file starts with the bytes {start}"}


_NO_HEADER = (
    "drop the multiboot header, which QEMU prefers to PVH, or keep it out of the first 8 KiB"
)

_X86_LOAD_LINUX = "QEMU hw/i386/x86.c, x86_load_linux"
_LOAD_MULTIBOOT = "QEMU hw/i386/multiboot.c, load_multiboot"

RULES = (
    Rule(
        "E1",
        (QEMU,),
        _empty,
        "could not load kernel",
        "build or copy the image anew",
        source=_X86_LOAD_LINUX,
        live=True,
    ),
    Rule(
        "Z3",
        (QEMU,),
        _cut_setup,
        _INVALID,
        "build or copy the image anew: it ends within Linux's setup code",
        source=_X86_LOAD_LINUX,
        live=True,
    ),
    Rule(
        "Z6",
        (QEMU,),
        _linux_protocol,
        "QEMU starts a bzImage by Linux's own boot protocol; notes do not matter",
        "give the vmlinux to start it by PVH",
        Effect.WARNING,
        last=True,
        source=_X86_LOAD_LINUX,
        live=True,
    ),
    Rule(
        "Q10",
        (QEMU,),
        _elf_with_linux_protocol,
        "QEMU takes the file for a bzImage",
        'keep the bytes "HdrS" away from offset 0x202 of the file',
        Effect.ERROR,
        last=True,
        source=_X86_LOAD_LINUX,
        live=True,
    ),
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
        "drop the multiboot header, or keep it out of the first 8 KiB",
        Effect.WARNING,
        last=True,
        source=_LOAD_MULTIBOOT,
        live=True,
    ),
    Rule(
        "Z6",
        (QEMU,),
        _compressed,
        "{words}",
        "give the uncompressed ELF: QEMU unwraps nothing",
        source=_X86_LOAD_LINUX,
        live=True,
    ),
    Rule(
        "E1",
        (QEMU,),
        _not_elf,
        "{words}",
        "give the linked ELF file, not one made with objcopy -O binary",
        source=_X86_LOAD_LINUX,
        live=True,
    ),
)
