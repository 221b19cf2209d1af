# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The items of a section of the head object; emit.py and gas.py write each kind."""

from __future__ import annotations

from dataclasses import dataclass

from ..elf import spec
from ..elf.assembler import Instruction, Jump, LocalLabel
from ..elf.note_encoding import Note, Words

HINT_SIZE = 8
"""Bytes of one struct unwind_hint: ip, sp_offset, sp_reg, type (Linux asm/unwind_hints.h)."""


@dataclass(frozen=True)
class Label:
    """A symbol at this place; size is in bytes, None: up to the next Label or the section's end."""

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
    """Instructions in sequence; bits: 32 or 64, their mode; None: that of the kernel."""

    instructions: tuple[Instruction | Jump | LocalLabel, ...]
    bits: int | None = None


@dataclass(frozen=True)
class UnwindHint:
    """A struct unwind_hint whose ip is `offset` in `section`, and whose other fields are 0."""

    section: str
    offset: int


@dataclass(frozen=True)
class HeadSection:
    """A section and its items, in order."""

    name: str
    type: int
    flags: int
    align: int
    items: tuple[Label | LocalLabel | Zeros | Words | Code | UnwindHint | Note, ...]


TEXT = ".text"
INIT_TEXT = ".init.text"
HEAD_TEXT = ".head.text"
EXECUTABLE = spec.SHF_ALLOC | spec.SHF_EXECINSTR
