# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Machine code from AT&T syntax, by keystone: bytes, and the fields to relocate.

Keystone knows no relocations, and what it makes of `symbol + constant` or of a
PC-relative symbol is wrong.  So each instruction that names a symbol is
assembled twice, with two addresses in the symbol's place: the four bytes that
differ are the field, which is given back zeroed, to be filled by a relocation.

Numbers must be written 0x...: a bare one is hexadecimal to keystone.
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
    """One instruction; {} in its text stands for symbol + addend."""

    text: str
    symbol: str | None = None
    addend: int = 0


@dataclass(frozen=True)
class Field:
    """Four bytes of the code, at offset, that depend on where symbol lies."""

    offset: int
    symbol: str
    addend: int
    pc_relative: bool


def assemble(instructions: Sequence[Instruction], bits: int) -> tuple[bytes, list[Field]]:
    """Returns the code, its relocated fields zero, and those fields in order.

    Raises XenToolError if keystone does not take an instruction.
    """
    engine = _Engine(bits)
    code = bytearray()
    fields = []
    for instruction in instructions:
        if instruction.symbol is None:
            code += engine.encode(instruction.text)
            continue
        text = instruction.text.format(instruction.symbol)
        first, second = (engine.encode(text, address) for address in _PLACEHOLDERS)
        start = _field(first, second, text)
        value = int.from_bytes(first[start : start + 4], "little")
        pc_relative = value != _PLACEHOLDERS[0]
        # A relative field counts from the instruction's end.
        addend = instruction.addend - (len(first) - start if pc_relative else 0)
        fields.append(Field(len(code) + start, instruction.symbol, addend, pc_relative))
        code += first[:start] + bytes(4) + first[start + 4 :]
    return bytes(code), fields


def _field(first: bytes, second: bytes, text: str) -> int:
    different = [i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b]
    if len(first) != len(second) or not different or different[-1] - different[0] != 3:
        raise XenToolError(f"assembler: `{text}` has no 32-bit field for its symbol")
    return different[0]


class _Engine:
    """A keystone handle; one that two threads share crashes, so each call makes its own."""

    def __init__(self, bits: int) -> None:
        import keystone

        mode = keystone.KS_MODE_64 if bits == 64 else keystone.KS_MODE_32
        self._error = keystone.KsError
        self._engine = keystone.Ks(keystone.KS_ARCH_X86, mode)
        self._engine.syntax = keystone.KS_OPT_SYNTAX_ATT
        self._engine.sym_resolver = self._resolve
        self._address = 0

    def encode(self, text: str, address: int = 0) -> bytes:
        """The code of one instruction whose symbol lies at address."""
        self._address = address
        try:
            code, count = self._engine.asm(text, as_bytes=True)
        except self._error as error:
            raise XenToolError(f"assembler: `{text}`: {error}") from error
        # Some failures are silent.
        if not code or not count:
            raise XenToolError(f"assembler: `{text}` made no code")
        return bytes(code)

    def _resolve(self, _symbol: bytes, value: Any) -> bool:
        value[0] = self._address
        return True
