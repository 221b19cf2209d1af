# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rows of GRUB 2.06's command multiboot (grub-core/loader/i386/multiboot_mbi.c)."""

from __future__ import annotations

from ..model import grub, where
from ..model.candidate import Candidate
from ..model.multiboot import HAS_ADDRESSES
from ..names import GRUB_MULTIBOOT
from .rule import Effect, Fields, Rule


def _no_header(candidate: Candidate) -> Fields | None:
    """There is no multiboot header in the first 8 KiB of the file."""
    if grub.header(candidate) is not None:
        return None
    words = "premature end of file" if candidate.data.size < 32 else "no multiboot header found"
    return {"words": words, "where": f"the file has {candidate.data.size} bytes"}


def _unknown_flags(candidate: Candidate) -> Fields | None:
    """The multiboot header has flags among bits 3 to 15."""
    _, flags = _header(candidate)
    return {"flags": flags, **_at_header(candidate)} if flags & grub.UNKNOWN_FLAGS else None


def _wrong_elf(candidate: Candidate) -> Fields | None:
    """The header has no addresses, and GRUB does not load such an ELF file."""
    if _header(candidate)[1] & HAS_ADDRESSES:
        return None
    words = grub.wrong_elf(candidate)
    if words is None:
        return None
    elf = candidate.image.elf
    fields = ("e_machine", "e_entry", "e_phoff")
    return {"words": words, "where": where.header(candidate, *fields) if elf else "no ELF header"}


def _wrong_addresses(candidate: Candidate) -> Fields | None:
    """The header has addresses that do not fit each other, or the file."""
    offset, flags = _header(candidate)
    if not flags & HAS_ADDRESSES:
        return None
    words = grub.wrong_addresses(candidate.data, offset)
    return None if words is None else {"words": words, **_at_header(candidate)}


def _by_multiboot(candidate: Candidate) -> Fields | None:
    """GRUB takes the file."""
    return _at_header(candidate)


def _header(candidate: Candidate) -> tuple[int, int]:
    return grub.header(candidate) or (0, 0)


def _at_header(candidate: Candidate) -> Fields:
    return {"where": f"a multiboot header {where.at(candidate, _header(candidate)[0])}"}


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
