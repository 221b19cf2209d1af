# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What sections of the head object are made of; emit.py and gas.py write each item."""

from __future__ import annotations

from dataclasses import dataclass

from ..elf import spec
from ..elf.assembler import Instruction
from ..elf.notes import Note

HINT_SIZE = 8
"""Bytes of one struct unwind_hint: ip, sp_offset, sp_reg, type (Linux asm/unwind_hints.h)."""


@dataclass(frozen=True)
class Label:
    """A symbol at this place, `size` bytes long, or to the end of the section."""

    name: str
    size: int | None = None
    binding: int = spec.STB_GLOBAL
    type: int = spec.STT_NOTYPE


@dataclass(frozen=True)
class Zeros:
    """`size` bytes of zero."""

    size: int


@dataclass(frozen=True)
class Code:
    """Instructions, one after the other."""

    instructions: tuple[Instruction, ...]


@dataclass(frozen=True)
class UnwindHint:
    """An empty hint for the code at `offset` in `section`."""

    section: str
    offset: int


@dataclass(frozen=True)
class HeadSection:
    """A section and what lies in it, in order."""

    name: str
    type: int
    flags: int
    align: int
    items: tuple[Label | Zeros | Code | UnwindHint | Note, ...]


TEXT = ".text"
INIT_TEXT = ".init.text"
EXECUTABLE = spec.SHF_ALLOC | spec.SHF_EXECINSTR
