# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The Q7 rules of QEMU: an entry or a segment where the kernel can have no memory.

QEMU loads nothing there, its firmware uses the memory, or the machine has no RAM.  QEMU starts such
an image without a word.  These are the last rules of rules/qemu_kernel.py.
"""

from __future__ import annotations

from ....abi import XenElfNote
from ...model import where
from ...model.candidate import Candidate
from ...model.pc_memory import PHYSICAL_END
from ...names import QEMU
from .. import common
from ..rule import Effect, Fields, Rule
from .entry_note import entry_not_loaded, entry_of
from .segments import LOAD_ELF, loads

_FIRST_MIB = 1 << 20
_FIRMWARE = (range(0x7000, 0x90000), range(0xC0000, _FIRST_MIB))
"""Addresses from SeaBIOS's stack up to its EBDA, where it has temporary memory, and of ROMs."""
_RAM_END = 128 << 20
"""The end of RAM without -m, in bytes: 128 MiB."""


def _entry_in_firmware(candidate: Candidate) -> Fields | None:
    """PHYS32_ENTRY is in the part of the first MiB that is ROM, or that QEMU's firmware uses."""
    entry = entry_of(candidate)
    if not any(entry in used for used in _FIRMWARE) or entry_not_loaded(candidate) is not None:
        return None
    return {"entry": entry, "where": where.of_type(candidate, XenElfNote.PHYS32_ENTRY)}


def _in_first_mib(candidate: Candidate) -> Fields | None:
    """A segment starts in the first MiB."""
    for segment in loads(candidate):
        if segment.p_memsz and segment.p_paddr < _FIRST_MIB:
            return {"where": where.segment(candidate, segment, "p_paddr", "p_memsz")}
    return None


def _nowhere(candidate: Candidate) -> Fields | None:
    """A segment ends above the physical addresses of x86."""
    for segment in loads(candidate):
        if segment.p_memsz and segment.p_paddr + segment.p_memsz > PHYSICAL_END:
            return {"where": where.segment(candidate, segment, "p_paddr", "p_memsz")}
    return None


def _above_ram(candidate: Candidate) -> Fields | None:
    """A segment ends above 128 MiB, the memory of a machine without -m."""
    for segment in loads(candidate):
        if segment.p_memsz and _RAM_END < segment.p_paddr + segment.p_memsz <= PHYSICAL_END:
            place = where.segment(candidate, segment, "p_paddr", "p_memsz")
            return {"assumed": _RAM_END >> 20, "where": place}
    return None


_SEABIOS = "SeaBIOS 1.16.2, src/config.h, BUILD_STACK_ADDR, BUILD_EBDA_MINIMUM and BUILD_ROM_START"

RULES = (
    Rule(
        "Q7",
        (QEMU,),
        entry_not_loaded,
        "QEMU enters at {entry:#x}, where nothing is loaded, and hangs without a word",
        common.ENTRY_IN_SEGMENT,
        Effect.ERROR,
        source=LOAD_ELF,
        live=True,
    ),
    Rule(
        "Q7",
        (QEMU,),
        _entry_in_firmware,
        "QEMU enters at {entry:#x}, which its firmware has written over, and hangs without a word",
        common.ABOVE_FIRST_MIB,
        Effect.ERROR,
        source=_SEABIOS,
        live=True,
    ),
    Rule(
        "Q7",
        (QEMU,),
        _in_first_mib,
        "QEMU's firmware runs in the first MiB, and may write over the segment",
        common.ABOVE_FIRST_MIB,
        Effect.WARNING,
        source=_SEABIOS,
        live=True,
    ),
    Rule(
        "Q7",
        (QEMU,),
        _nowhere,
        "QEMU loads a segment where no machine has memory, without a word: it is nowhere",
        "load the kernel at a physical address: set p_paddr in the linker script, AT()",
        Effect.ERROR,
        source=LOAD_ELF,
        live=True,
    ),
    Rule(
        "Q7",
        (QEMU,),
        _above_ram,
        "QEMU loads a segment where the machine may have no RAM, without a word",
        "this depends on the machine: give it more memory than {assumed} MiB with -m, or load "
        "the kernel lower",
        Effect.WARNING,
        source="QEMU hw/core/machine.c, machine_class_init",
        live=True,
    ),
)
