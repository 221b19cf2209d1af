# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rule G4: GRUB's command linux (grub-core/loader/i386/linux.c)."""

from __future__ import annotations

from ...model.candidate import Candidate
from ...model.grub.files import Command, command
from ...model.grub.linux import breaks_heap, copies_too_much, cut_short, wrong_bzimage
from ...names import GRUB_LINUX, GRUB_XEN_PVH
from .. import common
from ..rule import Effect, Fields, Rule

_LOADERS = (GRUB_LINUX, GRUB_XEN_PVH)


def _no_bzimage(candidate: Candidate) -> Fields | None:
    """The file is no bzImage of boot protocol 2.03 or newer, or ends within its setup code."""
    if command(candidate) is not Command.LINUX:
        return None
    linux16 = candidate.loader == GRUB_LINUX
    words = wrong_bzimage(candidate.data, linux16=linux16) or cut_short(candidate.data)
    return None if words is None else {"words": words, "where": common.start_of_file(candidate)}


def _breaks_heap(candidate: Candidate) -> Fields | None:
    """init_size is below the size of the file behind the setup code, or above 3 GiB."""
    if command(candidate) is not Command.LINUX or not breaks_heap(candidate.data):
        return None
    return {"where": f"init_size is {candidate.data.unsigned(0x260, 4) or 0:#x}"}


def _copies_too_much(candidate: Candidate) -> Fields | None:
    """The jump at offset 0x200 goes backwards, to before the setup header."""
    if command(candidate) is not Command.LINUX or not copies_too_much(candidate.data):
        return None
    return {"where": f"the byte at offset 0x201 is {candidate.data.unsigned(0x201, 1) or 0:#x}"}


def _bzimage(candidate: Candidate) -> Fields | None:
    """The file is a bzImage."""
    if command(candidate) is not Command.LINUX:
        return None
    return {"where": f"boot protocol {candidate.data.unsigned(0x206, 2) or 0:#x} at offset 0x206"}


_SOURCE = "GRUB 2.06, grub-core/loader/i386/linux.c, grub_cmd_linux"

RULES = (
    Rule(
        "G4",
        _LOADERS,
        _no_bzimage,
        "{words}",
        "give a bzImage, or start the kernel by multiboot, or by Xen",
        source=_SOURCE,
        live=True,
    ),
    Rule(
        "G4",
        _LOADERS,
        _breaks_heap,
        "GRUB itself crashes: init_size is no size in which the kernel fits",
        "make init_size, at offset 0x260, the memory that the kernel needs before it has a map",
        source="GRUB 2.06, grub-core/loader/i386/linux.c, allocate_pages; lib/relocator.c, "
        "malloc_in_range",
    ),
    Rule(
        "G4",
        _LOADERS,
        _copies_too_much,
        "GRUB itself crashes: the setup header has a size below 0",
        "let the jump at offset 0x200 go to behind the setup header",
        source=_SOURCE,
    ),
    Rule(
        "G4",
        _LOADERS,
        _bzimage,
        common.BZIMAGE,
        "there is no PVH in GRUB: start the image by Xen or QEMU",
        Effect.WARNING,
        source=_SOURCE,
        live=True,
    ),
)
