# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Assemble AT&T syntax by keystone: machine code, and the fields to relocate.

Keystone has no relocations, and encodes `symbol + constant` and PC-relative
symbols wrongly.  Therefore each instruction that names a symbol is assembled
twice, with two addresses in place of the symbol: the four bytes that differ
are the field, which is returned as zeros for a relocation to fill.

A jump within the code has no field: the code is assembled repeatedly until
every label is at the offset that the jumps assume.

Numbers must be written 0x...: keystone reads a bare number as hexadecimal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import XenToolError

# Both fit a signed 32-bit field, are far enough for a near jump to need its
# long form, and differ in every byte.
_PLACEHOLDERS = (0x10203040, 0x21314151)


@dataclass(frozen=True)
class Instruction:
    """An instruction; {} in its text stands for symbol + addend."""

    text: str
    symbol: str | None = None
    addend: int = 0


@dataclass(frozen=True)
class Jump:
    """A jump or call in its shortest form to a label of the same code; {} stands for the label."""

    text: str
    label: str


@dataclass(frozen=True)
class LocalLabel:
    """A label for jumps, which does not become a symbol of the object."""

    name: str


@dataclass(frozen=True)
class Field:
    """Four bytes of the code, at `offset`, that a relocation for symbol + addend fills."""

    offset: int
    symbol: str
    addend: int
    pc_relative: bool


@dataclass(frozen=True)
class Assembled:
    """Machine code with zeros in its relocated fields; the fields in order; label offsets."""

    code: bytes
    fields: list[Field]
    labels: dict[str, int]


def assemble(instructions: Sequence[Instruction | Jump | LocalLabel], bits: int) -> Assembled:
    """Assemble code of 32 or 64 bits.

    Raises XenToolError if keystone refuses an instruction, or a label is not defined.
    """
    engine = _Engine(bits)
    labels: dict[str, int] = {}
    # Distances and forms of jumps only grow from pass to pass, so this terminates.
    while (assembled := _pass(engine, instructions, labels)).labels != labels:
        labels = assembled.labels
    for instruction in instructions:
        if isinstance(instruction, Jump) and instruction.label not in labels:
            raise XenToolError(f"assembler: `{instruction.text}`: no label {instruction.label}")
    return assembled


def _pass(
    engine: _Engine, instructions: Sequence[Instruction | Jump | LocalLabel], labels: dict[str, int]
) -> Assembled:
    """Assemble once, with jumps to labels at these offsets; the result has the labels' new ones.

    A jump to a label without an offset is one to itself.
    """
    code = bytearray()
    fields = []
    found = {}
    for instruction in instructions:
        here = len(code)
        if isinstance(instruction, LocalLabel):
            found[instruction.name] = here
        elif isinstance(instruction, Jump):
            target = labels.get(instruction.label, here)
            code += engine.encode(instruction.text.format(f"{target:#x}"), here=here)
        elif instruction.symbol is None:
            code += engine.encode(instruction.text)
        else:
            encoded, field = _relocated(engine, instruction, here)
            code += encoded
            fields.append(field)
    return Assembled(bytes(code), fields, found)


def _relocated(engine: _Engine, instruction: Instruction, here: int) -> tuple[bytes, Field]:
    """Return the code of an instruction that names a symbol, and its field.

    here: the offset of the instruction in the code.
    """
    assert instruction.symbol is not None
    # Any name that keystone does not read as something else.
    text = instruction.text.format("symbol")
    first, second = (engine.encode(text, address) for address in _PLACEHOLDERS)
    start = _field(first, second, text)
    value = int.from_bytes(first[start : start + 4], "little")
    pc_relative = value != _PLACEHOLDERS[0]
    # A relative field counts from the instruction's end.
    addend = instruction.addend - (len(first) - start if pc_relative else 0)
    code = first[:start] + bytes(4) + first[start + 4 :]
    return code, Field(here + start, instruction.symbol, addend, pc_relative)


def _field(first: bytes, second: bytes, text: str) -> int:
    """Return the offset of the four bytes in which two codes of an instruction differ.

    Raises XenToolError if others differ.
    """
    different = [i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b]
    if len(first) != len(second) or not different or different[-1] - different[0] != 3:
        raise XenToolError(f"assembler: `{text}` has no 32-bit field for its symbol")
    return different[0]


class _Engine:
    """A keystone handle; threads that share one crash, so each call of assemble() makes one."""

    def __init__(self, bits: int) -> None:
        import keystone

        mode = keystone.KS_MODE_64 if bits == 64 else keystone.KS_MODE_32
        self._error = keystone.KsError
        self._engine = keystone.Ks(keystone.KS_ARCH_X86, mode)
        self._engine.syntax = keystone.KS_OPT_SYNTAX_ATT
        self._engine.sym_resolver = self._resolve
        self._address = 0

    def encode(self, text: str, address: int = 0, here: int = 0) -> bytes:
        """Return the code of one instruction at the address `here`, its symbol being at `address`.

        Raises XenToolError if keystone refuses it.
        """
        self._address = address
        try:
            code, count = self._engine.asm(text, here, as_bytes=True)
        except self._error as error:
            raise XenToolError(f"assembler: `{text}`: {error}") from error
        # Some failures are silent.
        if not code or not count:
            raise XenToolError(f"assembler: `{text}` made no code")
        return bytes(code)

    def _resolve(self, _symbol: bytes, value: Any) -> bool:
        value[0] = self._address
        return True
