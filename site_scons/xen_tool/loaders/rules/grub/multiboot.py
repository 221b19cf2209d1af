# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules G1, G2, G3 and G7: GRUB's commands multiboot and multiboot2.

Sources: grub-core/loader/i386/multiboot_mbi.c, grub-core/loader/multiboot_mbi2.c and
grub-core/loader/multiboot_elfxx.c.
"""

from __future__ import annotations

from ...model import where
from ...model.candidate import Candidate
from ...model.grub import elf as model
from ...model.grub import multiboot
from ...model.grub.files import Command, as_elf, command
from ...model.multiboot import HAS_ADDRESSES, HAS_VIDEO_MODE
from ...names import GRUB_MULTIBOOT, GRUB_MULTIBOOT2, GRUB_XEN_PVH
from ..rule import Effect, Fields, Rule

_MULTIBOOT = (GRUB_MULTIBOOT, GRUB_XEN_PVH)
_MULTIBOOT2 = (GRUB_MULTIBOOT2, GRUB_XEN_PVH)


def _no_header(candidate: Candidate) -> Fields | None:
    """There is no multiboot header in the first 8 KiB of the file."""
    return _absent(candidate) if multiboot.header(candidate.data) is None else None


def _no_header_2(candidate: Candidate) -> Fields | None:
    """There is no multiboot 2 header for i386 in the first 32 KiB of the file."""
    return _absent(candidate) if multiboot.header_2(candidate.data) is None else None


def _absent(candidate: Candidate) -> Fields:
    is_short = candidate.data.size < multiboot.SHORTEST
    words = "premature end of file" if is_short else "no multiboot header found"
    return {"words": words, "where": f"the file has {candidate.data.size} bytes"}


def _unknown_flags(candidate: Candidate) -> Fields | None:
    """The multiboot header has flags among bits 3 to 15."""
    offset, flags = _header(candidate)
    return _at(candidate, offset, flags=flags) if flags & multiboot.UNKNOWN_FLAGS else None


def _wrong_addresses(candidate: Candidate) -> Fields | None:
    """The multiboot header has addresses that do not fit each other, or the file."""
    offset, flags = _header(candidate)
    if not flags & HAS_ADDRESSES:
        return None
    found = multiboot.addresses(candidate.data, offset + 12)
    words = multiboot.wrong_addresses(candidate.data, offset, found)
    return None if words is None else _at(candidate, offset, words=words)


def _wrong_video_mode(candidate: Candidate) -> Fields | None:
    """The multiboot header requests a video mode that is neither linear nor text."""
    offset, flags = _header(candidate)
    if not flags & HAS_VIDEO_MODE:
        return None
    words = multiboot.wrong_video_mode(candidate.data, offset)
    return None if words is None else _at(candidate, offset, words=words)


def _wrong_tags(candidate: Candidate) -> Fields | None:
    """The multiboot 2 header has an unknown tag, a tag of size 0, or addresses without an entry."""
    offset, found = _header_2(candidate)
    return None if found.error is None else _at(candidate, offset, words=found.error)


def _wrong_addresses_2(candidate: Candidate) -> Fields | None:
    """The multiboot 2 header has addresses that do not fit each other, or the file."""
    offset, found = _header_2(candidate)
    if found.addresses is None:
        return None
    load = multiboot.load_address(offset, found.addresses)
    addresses = found.addresses._replace(load_addr=load)
    words = multiboot.wrong_addresses(candidate.data, offset, addresses, found.moves)
    return None if words is None else _at(candidate, offset, words=words)


def _no_console(candidate: Candidate) -> Fields | None:
    """The multiboot 2 header requires a console of a kind that the machine does not have."""
    offset, found = _header_2(candidate)
    has_text = found.ega_text and candidate.loader != GRUB_XEN_PVH
    if not found.needs_console or has_text or found.framebuffer:
        return None
    return _at(candidate, offset)


def _wrong_elf(candidate: Candidate) -> Fields | None:
    """The header has no addresses, and the file is no ELF file that GRUB loads."""
    found = as_elf(candidate)
    words = None if found is None else model.wrong_elf(candidate, *found)
    if words is None:
        return None
    fields = ("e_machine", "e_entry", "e_phoff", "e_shoff")
    has_elf = candidate.image.elf is not None
    return {"words": words, "where": where.header(candidate, *fields) if has_elf else "no ELF"}


def _refused_by_2_12(candidate: Candidate) -> Fields | None:
    """The header has no addresses, and the ELF file has no section headers, or very many."""
    found = as_elf(candidate)
    words = None if found is None else model.refused_by_2_12(candidate.elf, found[0])
    if words is None:
        return None
    return {"words": words, "where": where.header(candidate, "e_shoff", "e_shnum")}


def _may_be_refused_by_2_12(candidate: Candidate) -> Fields | None:
    """The first section header holds e_shnum or e_shstrndx, and is behind what GRUB has read."""
    found = as_elf(candidate)
    if found is None or not model.reads_behind_in_2_12(candidate.elf, found[0]):
        return None
    return {"where": where.header(candidate, "e_shoff", "e_shnum", "e_shstrndx")}


def _by_multiboot(candidate: Candidate) -> Fields | None:
    """GRUB loads the file by its multiboot header."""
    if command(candidate) is not Command.MULTIBOOT:
        return None
    return _at(candidate, _header(candidate)[0])


def _by_multiboot_2(candidate: Candidate) -> Fields | None:
    """GRUB loads the file by its multiboot 2 header."""
    if command(candidate) is not Command.MULTIBOOT2:
        return None
    return _at(candidate, _header_2(candidate)[0])


def _header(candidate: Candidate) -> tuple[int, int]:
    """Return offset and flags of the header that multiboot uses; (0, 0) if it uses none."""
    is_there = command(candidate) is Command.MULTIBOOT
    return multiboot.header(candidate.data) or (0, 0) if is_there else (0, 0)


def _header_2(candidate: Candidate) -> tuple[int, multiboot.Tags]:
    """Return offset and tags of the header that multiboot2 uses; 0 and no tags if it uses none."""
    offset = multiboot.header_2(candidate.data)
    if offset is None or command(candidate) is not Command.MULTIBOOT2:
        return 0, multiboot.Tags()
    return offset, multiboot.tags(candidate.data, offset)


def _at(candidate: Candidate, offset: int, **fields: object) -> Fields:
    return {"where": f"a multiboot header {where.at(candidate, offset)}", **fields}


_LOAD = "GRUB 2.06, grub-core/loader/i386/multiboot_mbi.c, grub_multiboot_load"
_LOAD_2 = "GRUB 2.06, grub-core/loader/multiboot_mbi2.c, grub_multiboot2_load"
_BOOT = "GRUB 2.06, grub-core/loader/multiboot.c, grub_multiboot_boot"
_OTHER_LOADER = "or start the kernel by Xen: module behind xen.gz"
_ENTRY = "make sure that the entry point expects multiboot: 32-bit mode without paging"

RULES = (
    Rule(
        "G1",
        (GRUB_MULTIBOOT,),
        _no_header,
        "{words}",
        f"add a multiboot header, {_OTHER_LOADER}",
        source=_LOAD,
        live=True,
    ),
    Rule(
        "G7",
        (GRUB_MULTIBOOT2,),
        _no_header_2,
        "{words}",
        f"add a multiboot 2 header, {_OTHER_LOADER}",
        source=_LOAD_2,
        live=True,
    ),
    Rule(
        "G2",
        _MULTIBOOT,
        _unknown_flags,
        "unsupported flag: {flags:#x}",
        "clear the bits 3 to 15 of the multiboot header's flags",
        source=_LOAD,
        live=True,
    ),
    Rule(
        "G7",
        _MULTIBOOT2,
        _wrong_tags,
        "{words}",
        "drop the tag from the multiboot 2 header, or make it optional",
        source=_LOAD_2,
        live=True,
    ),
    Rule(
        "G2",
        _MULTIBOOT,
        _wrong_addresses,
        "{words}",
        "correct the addresses of the multiboot header",
        source="GRUB 2.06, grub-core/loader/i386/multiboot_mbi.c, load_kernel",
        live=True,
    ),
    Rule(
        "G7",
        _MULTIBOOT2,
        _wrong_addresses_2,
        "{words}",
        "correct the tag of addresses of the multiboot 2 header, or that of a relocatable kernel",
        source=_LOAD_2,
        live=True,
    ),
    Rule(
        "G3",
        (GRUB_MULTIBOOT, GRUB_MULTIBOOT2, GRUB_XEN_PVH),
        _wrong_elf,
        "{words}",
        "link an ELF of i386 or x86_64 with segments below 4 GiB, apart from each other, and an "
        "entry in one of them, or give the multiboot header addresses",
        source="GRUB 2.06, grub-core/loader/multiboot_elfxx.c, grub_multiboot_load_elf",
        live=True,
    ),
    Rule(
        "G2",
        _MULTIBOOT,
        _wrong_video_mode,
        "{words}",
        "clear bit 2 of the multiboot header's flags, or make mode_type 0 or 1",
        source=_LOAD,
        live=True,
    ),
    Rule(
        "G7",
        _MULTIBOOT2,
        _no_console,
        "OS requires a console but none is available",
        "add a tag for a framebuffer, or do not require a console",
        source="GRUB 2.06, grub-core/loader/multiboot.c, grub_multiboot_set_console",
        live=True,
    ),
    Rule(
        "G3",
        (GRUB_MULTIBOOT, GRUB_MULTIBOOT2, GRUB_XEN_PVH),
        _refused_by_2_12,
        "GRUB since 2.12 refuses the image, which 2.06 takes: {words}",
        "keep the section headers: do not strip them from the image",
        Effect.WARNING,
        source="GRUB 2.12, grub-core/kern/elfXX.c, grub_elfXX_get_shnum",
        live=True,
    ),
    Rule(
        "G3",
        (GRUB_MULTIBOOT, GRUB_MULTIBOOT2, GRUB_XEN_PVH),
        _may_be_refused_by_2_12,
        "GRUB since 2.12 may refuse the image, which 2.06 takes: it looks for a number of sections "
        "behind the bytes that it has read",
        "make e_shnum and e_shstrndx numbers below 0xff00",
        Effect.WARNING,
        source="GRUB 2.12, grub-core/kern/elfXX.c, grub_elfXX_get_shstrndx",
    ),
    Rule(
        "G1",
        _MULTIBOOT,
        _by_multiboot,
        "the image is started by multiboot, in 32-bit mode; notes do not matter",
        _ENTRY,
        Effect.WARNING,
        source=_BOOT,
        live=True,
    ),
    Rule(
        "G7",
        _MULTIBOOT2,
        _by_multiboot_2,
        "the image is started by multiboot 2, in 32-bit mode; notes do not matter",
        _ENTRY,
        Effect.WARNING,
        source=_BOOT,
        live=True,
    ),
)
