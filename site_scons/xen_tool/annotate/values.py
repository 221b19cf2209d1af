# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compute the notes of an image from what a user types: numbers, texts and symbols.

    PHYS32_ENTRY    a physical address, in 4 bytes; for a symbol, where its segment is loaded
    ENTRY, HYPERCALL_PAGE, VIRT_BASE, PADDR_OFFSET, HV_START_LOW, INIT_P2M
                    a virtual address, or a symbol's, as wide as the kernel's
    SUPPORTED_FEATURES, MOD_START_PFN, SUSPEND_CANCEL
                    a number, in 4 bytes
    PHYS32_RELOC    up to three numbers separated by commas, in 4 bytes each
    L1_MFN_VALID    pairs of numbers, in 8 bytes each for 32-bit kernels, too
    the others      a text, to which a NUL is added

The widths are those that Linux emits (xen-head.S), which every release of Xen reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..abi import NOTE_OWNER, POINTER_NOTES, WORD_NOTES, X86_64, XenElfNote
from ..elf import spec
from ..elf.note_encoding import Note, Text, Words
from ..errors import XenToolError
from ..image.elf import ADDRESS_MASK, Elf, Segment
from ..image.symbols import symbols
from .wanted import meant

_ADDRESSES = frozenset({*POINTER_NOTES, XenElfNote.L1_MFN_VALID})
_NUMBERS = frozenset({*WORD_NOTES, XenElfNote.SUPPORTED_FEATURES, XenElfNote.PHYS32_ENTRY})
_MOST = {**WORD_NOTES, XenElfNote.L1_MFN_VALID: 64}
"""Largest count of numbers of notes that may have more than one."""

_HIGH = {64: X86_64.virt_base or 0, 32: 0xC0000000}
"""Bases of kernels linked high, loaded low: __START_KERNEL_map, and PAGE_OFFSET's default."""


def notes(elf: Elf, given: Mapping[XenElfNote, str], present: Iterable[int]) -> list[Note]:
    """Return the notes of these values, for an image that has notes of the types present.

    ENTRY adds the notes that every PV kernel needs, if they are neither given nor present:
    XEN_VERSION, LOADER, VIRT_BASE, PADDR_OFFSET and, if it is 32-bit, PAE_MODE.

    Raises XenToolError for a value that its note cannot have.
    """
    values = dict(given)
    if XenElfNote.ENTRY in given:
        for n_type, value in _for_pv(elf, given, set(present)).items():
            values.setdefault(n_type, value)
    return [Note(NOTE_OWNER, n_type, _desc(elf, n_type, values[n_type])) for n_type in values]


def _desc(elf: Elf, n_type: XenElfNote, value: str) -> Text | Words:
    if n_type not in _ADDRESSES | _NUMBERS:
        if not value.isascii() or "\0" in value:
            raise XenToolError(
                f"{n_type.name}={value!r}: the text of a note must be ASCII characters"
            )
        return Text(value)
    width = 4 if n_type in _NUMBERS else elf.bits // 8
    if n_type == XenElfNote.L1_MFN_VALID:
        # They are masks of page table entries, which PAE has of 8 bytes.
        width = 8
    words = [word.strip() for word in value.split(",")]
    most = _MOST.get(n_type, 1)
    if len(words) > most or (n_type == XenElfNote.L1_MFN_VALID and len(words) % 2):
        wanted = "pairs of numbers" if n_type == XenElfNote.L1_MFN_VALID else f"at most {most}"
        raise XenToolError(f"{n_type.name}={value}: {len(words)} numbers; the note has {wanted}")
    numbers = tuple(_number(elf, n_type, word) for word in words)
    for number in numbers:
        if number >> 8 * width:
            raise XenToolError(
                f"{n_type.name}={value}: {number:#x} does not fit the note's {width} bytes"
                f"{_hint(elf, n_type, number)}"
            )
    return Words(width, numbers)


def _hint(elf: Elf, n_type: XenElfNote, number: int) -> str:
    if n_type != XenElfNote.PHYS32_ENTRY:
        return ""
    segment = _segment(elf, number)
    if segment is None:
        return "; the note needs a physical address"
    return f"; that is virtual, and loaded at {number - segment.p_vaddr + segment.p_paddr:#x}"


def _number(elf: Elf, n_type: XenElfNote, word: str) -> int:
    """Return the value of a number or, if the note holds an address, of a symbol."""
    if word[:1].isdigit():
        try:
            return int(word, 0)
        except ValueError:
            raise XenToolError(f"{n_type.name}={word}: not a number; write 123, or 0x7b") from None
    if n_type in _NUMBERS and n_type != XenElfNote.PHYS32_ENTRY:
        raise XenToolError(f"{n_type.name}={word}: not a number; write 123, or 0x7b")
    address = _address(elf, word)
    if n_type != XenElfNote.PHYS32_ENTRY:
        return address
    segment = _segment(elf, address)
    if segment is not None:
        return address - segment.p_vaddr + segment.p_paddr
    if any(s.p_paddr <= address < s.p_paddr + s.p_memsz for s in _loaded(elf)):
        return address  # a symbol whose value a linker script made physical
    raise XenToolError(f"the symbol {word} is {address:#x}, which is in no segment that is loaded")


def _address(elf: Elf, name: str) -> int:
    """Return the value of a symbol, of a global one if several have its name."""
    found: dict[int, int] = {}
    names = set()
    for symbol in symbols(elf):
        names.add(symbol.name)
        if symbol.name == name:
            found[symbol.value] = max(symbol.binding, found.get(symbol.value, 0))
    if not names:
        raise XenToolError(
            f"the image has no symbols (it was stripped), so {name} is not found: "
            "give its address, or annotate the image before it is stripped"
        )
    if not found:
        raise XenToolError(f"the image has no symbol {name}{meant(name, names)}")
    exported = [value for value, binding in found.items() if binding != spec.STB_LOCAL]
    values = exported or list(found)
    if len(values) > 1:
        places = ", ".join(hex(value) for value in sorted(values))
        raise XenToolError(f"the image has several symbols {name}, at {places}: give the address")
    return values[0]


def _loaded(elf: Elf) -> list[Segment]:
    found = [segment for segment in elf.segments if segment.is_loadable and segment.p_memsz]
    if not found:
        raise XenToolError("the image has no segment that is loaded (PT_LOAD)")
    return found


def _segment(elf: Elf, address: int) -> Segment | None:
    """Return the loaded segment that holds a virtual address."""
    held = (s for s in _loaded(elf) if s.p_vaddr <= address < s.p_vaddr + s.p_memsz)
    return next(held, None)


def _for_pv(elf: Elf, given: Mapping[XenElfNote, str], present: set[int]) -> dict[XenElfNote, str]:
    """Return the values of the notes that a PV kernel needs and does not have."""
    wanted = {XenElfNote.XEN_VERSION: "xen-3.0", XenElfNote.LOADER: "generic"}
    if elf.bits == 32:
        wanted[XenElfNote.PAE_MODE] = "yes"
    if not {XenElfNote.VIRT_BASE, XenElfNote.PADDR_OFFSET} & present:
        wanted |= _bases(elf, given)
    return {n_type: value for n_type, value in wanted.items() if n_type not in present}


def _bases(elf: Elf, given: Mapping[XenElfNote, str]) -> dict[XenElfNote, str]:
    """Return VIRT_BASE and PADDR_OFFSET: addresses are p_paddr + VIRT_BASE - PADDR_OFFSET."""
    offsets = {segment.p_vaddr - segment.p_paddr for segment in _loaded(elf)}
    if len(offsets) > 1:
        places = ", ".join(hex(offset & ADDRESS_MASK) for offset in sorted(offsets))
        raise XenToolError(
            "the segments are loaded at different distances from where they run "
            f"(p_vaddr - p_paddr: {places}); to Xen that is one distance for a PV kernel"
        )
    (offset,) = offsets
    base = offset & ADDRESS_MASK
    if offset == 0 and min(segment.p_vaddr for segment in _loaded(elf)) >= _HIGH[elf.bits]:
        base = _HIGH[elf.bits]
    if XenElfNote.VIRT_BASE in given:
        base = _number(elf, XenElfNote.VIRT_BASE, given[XenElfNote.VIRT_BASE])
    if XenElfNote.PADDR_OFFSET in given:
        return {XenElfNote.VIRT_BASE: hex(base)}
    return {
        XenElfNote.VIRT_BASE: hex(base),
        XenElfNote.PADDR_OFFSET: hex((base - offset) & ((1 << elf.bits) - 1)),
    }
