# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write the head object as a source file for GNU as.

This is the second output of the same model: emit.py must write the object that `as` makes from it.
A developer can read it, or use it in place of the object.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..elf import spec
from ..elf.assembler import Jump, LocalLabel
from ..elf.note_encoding import Address, Note, Raw, Text, Words
from .config import HeadConfig
from .items import HINT_SIZE, Code, HeadSection, Label, UnwindHint, Zeros
from .model import head

_DATA = {1: ".byte", 4: ".long", 8: ".quad"}


def source(config: HeadConfig) -> str:
    """Return the text of the source, for `as --64` or `as --32`."""
    lines = [f"/* The Xen head object of {config.arch.name}, in AT&T syntax for GNU as. */"]
    for section in head(config):
        lines += ["", *_section(section)]
    return "\n".join(lines) + "\n"


def _section(section: HeadSection) -> Iterator[str]:
    kind = "@note" if section.type == spec.SHT_NOTE else "@progbits"
    yield f'\t.section {section.name}, "{_flags(section.flags)}", {kind}'
    if section.align > 1:
        yield f"\t.balign {section.align:#x}"
    # A label without a size ends where the next label begins, or at the section's end.
    unsized = None
    for item in section.items:
        if isinstance(item, Label):
            yield from _size(unsized)
            unsized = item if item.size is None else None
            yield from _label(item)
        elif isinstance(item, LocalLabel):
            yield f"{item.name}:"
        elif isinstance(item, Zeros):
            yield f"\t.skip {item.size}"
        elif isinstance(item, Words):
            yield _words(item)
        elif isinstance(item, Code):
            yield from _code(item)
        elif isinstance(item, UnwindHint):
            yield f"\t.long {_sum(item.section, item.offset)} - ."
            yield f"\t.skip {HINT_SIZE - 4}"
        elif isinstance(item, Note):
            yield from _note(item)
    yield from _size(unsized)


def _size(label: Label | None) -> Iterator[str]:
    if label:
        yield f"\t.size {label.name}, . - {label.name}"


def _code(code: Code) -> Iterator[str]:
    if code.bits:
        yield f"\t.code{code.bits}"
    for instruction in code.instructions:
        if isinstance(instruction, LocalLabel):
            yield f"{instruction.name}:"
        elif isinstance(instruction, Jump):
            yield "\t" + instruction.text.format(instruction.label)
        else:
            symbol = _sum(instruction.symbol or "", instruction.addend)
            yield "\t" + instruction.text.format(symbol)


def _sum(symbol: str, addend: int) -> str:
    return f"{symbol} + {addend:#x}" if addend else symbol


def _flags(flags: int) -> str:
    return "".join(
        letter
        for letter, flag in (
            ("a", spec.SHF_ALLOC),
            ("w", spec.SHF_WRITE),
            ("x", spec.SHF_EXECINSTR),
        )
        if flags & flag
    )


def _label(label: Label) -> Iterator[str]:
    if label.binding == spec.STB_GLOBAL:
        yield f"\t.globl {label.name}"
    if label.type == spec.STT_FUNC:
        yield f"\t.type {label.name}, @function"
    if label.size is not None:
        yield f"\t.size {label.name}, {label.size}"
    yield f"{label.name}:"


def _note(note: Note) -> Iterator[str]:
    # Label 1 is at the owner, 2 at its end, 3 at the descriptor, 4 at its end.
    yield f"\t.long 2f - 1f, 4f - 3f, {note.type}"
    yield f'1:\t.asciz "{_escaped(note.owner)}"'
    yield "2:\t.balign 4"
    desc = note.desc
    if isinstance(desc, Text):
        yield f'3:\t{".asciz" if desc.nul else ".ascii"} "{_escaped(desc.text)}"'
    elif isinstance(desc, Address):
        yield f"3:\t{_DATA[desc.width]} {_sum(desc.symbol, desc.addend)}"
    elif isinstance(desc, Raw):
        yield f"3:{_words(Words(1, tuple(desc.data)))}" if desc.data else "3:"
    else:
        yield f"3:{_words(desc)}"
    yield "4:\t.balign 4"


def _escaped(text: str) -> str:
    """Return a text escaped for a string of GNU as."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _words(words: Words) -> str:
    return f"\t{_DATA[words.width]} " + ", ".join(f"{value:#x}" for value in words.values)
