# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What qemu-system-x86_64 -kernel takes a file for, before PVH: rules Z3, Z6, E1, Q1 and Q10.

x86_load_linux of hw/i386/x86.c, load_multiboot of hw/i386/multiboot.c (QEMU 7.2).
QEMU reads the file as it is, and tries Linux's boot protocol and multiboot first.
All that is no ELF file is to it a Linux kernel of before 2000, which it "loads"
without a word; for this tool that is a refusal, as nothing starts by PVH.
"""

from __future__ import annotations

from ....elf import spec
from ...model import multiboot
from ...model.subject import Subject
from ...names import QEMU
from ..rule import Effect, Fields, Rule

NOT_LOADED = "Error while loading elf kernel"

_INVALID = "invalid kernel header"

_SECTOR = 512
_SETUP_SECTS = 0x1F1
_MULTIBOOT_HAS_ADDR = 0x00010000
_MULTIBOOT_SEARCH = 8192 - 48


def _cut_setup(subject: Subject) -> Fields | None:
    if not _has_hdrs(subject) or _setup_size(subject) <= subject.kernel.file.size:
        return None
    return {"where": f"setup_sects at offset {_SETUP_SECTS:#x} of the file"}


def _setup_size(subject: Subject) -> int:
    sectors = subject.kernel.file.unsigned(_SETUP_SECTS, 1) or 4
    return (sectors + 1) * _SECTOR


def _linux_protocol(subject: Subject) -> Fields | None:
    if not _has_hdrs(subject) or _is_elf(subject):
        return None
    return {"where": '"HdrS" at offset 0x202 of the file'}


def _elf_with_linux_protocol(subject: Subject) -> Fields | None:
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


def _multiboot_64(subject: Subject) -> Fields | None:
    found = _multiboot(subject)
    if found is None or found[1] & _MULTIBOOT_HAS_ADDR:
        return None
    if subject.kernel.file.unsigned(18, 2) != spec.EM_X86_64:
        return None
    return _multiboot_header(found[0])


def _other_multiboot(subject: Subject) -> Fields | None:
    found = _multiboot(subject)
    return None if found is None else _multiboot_header(found[0])


def _multiboot_header(offset: int) -> Fields:
    return {"where": f"a multiboot header at offset {offset:#x} of the file"}


def _empty(subject: Subject) -> Fields | None:
    return None if subject.kernel.file.size else {"where": "the file has 0 bytes"}


def _compressed(subject: Subject) -> Fields | None:
    return _raw(subject) if subject.kernel.container else None


def _not_elf(subject: Subject) -> Fields | None:
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


RULES = (
    Rule("E1", (QEMU,), _empty, "could not load kernel", "build or copy the image anew"),
    Rule(
        "Z3",
        (QEMU,),
        _cut_setup,
        _INVALID,
        "build or copy the image anew: it ends within Linux's setup code",
    ),
    Rule(
        "Z6",
        (QEMU,),
        _linux_protocol,
        "QEMU starts a bzImage by Linux's own boot protocol; notes do not matter",
        "give the vmlinux to start it by PVH",
        Effect.WARNING,
        last=True,
    ),
    Rule(
        "Q10",
        (QEMU,),
        _elf_with_linux_protocol,
        "QEMU takes the file for a bzImage",
        'keep the bytes "HdrS" away from offset 0x202 of the file',
        Effect.ERROR,
        last=True,
    ),
    Rule(
        "Q1",
        (QEMU,),
        _multiboot_64,
        "Cannot load x86-64 image, give a 32bit one.",
        "drop the multiboot header, which QEMU prefers to PVH, or keep it out of the first 8 KiB",
    ),
    Rule(
        "Q1",
        (QEMU,),
        _other_multiboot,
        "QEMU starts the image by multiboot, not by PVH",
        "drop the multiboot header, or keep it out of the first 8 KiB",
        Effect.WARNING,
        last=True,
    ),
    Rule("Z6", (QEMU,), _compressed, "{words}", "give the uncompressed ELF: QEMU unwraps nothing"),
    Rule(
        "E1",
        (QEMU,),
        _not_elf,
        "{words}",
        "give the linked ELF file, not one made with objcopy -O binary",
    ),
)
