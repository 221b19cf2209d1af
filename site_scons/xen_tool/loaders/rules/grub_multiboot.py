# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rows of GRUB 2.06's command multiboot (grub-core/loader/i386/multiboot_mbi.c)."""

from __future__ import annotations

from ..model import grub, where
from ..model.subject import Subject
from ..names import GRUB_MULTIBOOT
from .rule import Effect, Fields, Rule


def _no_header(subject: Subject) -> Fields | None:
    """There is no multiboot header in the first 8 KiB of the file."""
    if grub.header(subject) is not None:
        return None
    words = "premature end of file" if subject.data.size < 32 else "no multiboot header found"
    return {"words": words, "where": f"the file has {subject.data.size} bytes"}


def _unknown_flags(subject: Subject) -> Fields | None:
    """The multiboot header has flags among bits 3 to 15."""
    _, flags = _header(subject)
    return {"flags": flags, **_at_header(subject)} if flags & grub.UNKNOWN_FLAGS else None


def _wrong_elf(subject: Subject) -> Fields | None:
    """The header has no addresses, and GRUB does not load such an ELF file."""
    if _header(subject)[1] & grub.HAS_ADDRESSES:
        return None
    words = grub.wrong_elf(subject)
    if words is None:
        return None
    elf = subject.image.elf
    fields = ("e_machine", "e_entry", "e_phoff")
    return {"words": words, "where": where.header(subject, *fields) if elf else "no ELF header"}


def _wrong_addresses(subject: Subject) -> Fields | None:
    """The header has addresses that do not fit each other, or the file."""
    offset, flags = _header(subject)
    if not flags & grub.HAS_ADDRESSES:
        return None
    words = grub.wrong_addresses(subject.data, offset)
    return None if words is None else {"words": words, **_at_header(subject)}


def _by_multiboot(subject: Subject) -> Fields | None:
    """GRUB takes the file."""
    return _at_header(subject)


def _header(subject: Subject) -> tuple[int, int]:
    return grub.header(subject) or (0, 0)


def _at_header(subject: Subject) -> Fields:
    return {"where": f"a multiboot header {where.at(subject, _header(subject)[0])}"}


_SOURCE = "GRUB 2.06, grub-core/loader/i386/multiboot_mbi.c, grub_multiboot_load"

RULES = (
    Rule(
        "G1",
        (GRUB_MULTIBOOT,),
        _no_header,
        "{words}",
        "add a multiboot header, or start the kernel by Xen: module behind xen.gz",
        source=_SOURCE,
        live=True,
    ),
    Rule(
        "G2",
        (GRUB_MULTIBOOT,),
        _unknown_flags,
        "unsupported flag: {flags:#x}",
        "clear the bits 3 to 15 of the multiboot header's flags",
        source=_SOURCE,
        live=True,
    ),
    Rule(
        "G2",
        (GRUB_MULTIBOOT,),
        _wrong_addresses,
        "{words}",
        "correct the addresses of the multiboot header",
        source="GRUB 2.06, grub-core/loader/i386/multiboot_mbi.c, load_kernel",
        live=True,
    ),
    Rule(
        "G3",
        (GRUB_MULTIBOOT,),
        _wrong_elf,
        "{words}",
        "link an ELF of i386 or x86_64 with segments below 4 GiB, apart from each other, and an "
        "entry in one of them, or give the multiboot header addresses",
        source="GRUB 2.06, grub-core/loader/multiboot_elfxx.c, grub_multiboot_load_elf",
        live=True,
    ),
    Rule(
        "G1",
        (GRUB_MULTIBOOT,),
        _by_multiboot,
        "the image is started by multiboot, in 32-bit mode; notes do not matter",
        "be sure that its entry is one for multiboot",
        Effect.WARNING,
        source="GRUB 2.06, grub-core/loader/multiboot.c, grub_multiboot_boot",
        live=True,
    ),
)
