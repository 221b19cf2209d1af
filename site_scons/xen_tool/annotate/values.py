# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compute the notes of an image from what a user types; elf/note_values describes the syntax.

A symbol's address is taken from the image; if a note needs a physical address, it is computed from
the p_vaddr and p_paddr of the symbol's segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..abi import NOTE_OWNER, X86_64, XenElfNote
from ..elf import spec
from ..elf.note_encoding import Desc, Note, Text, Words
from ..elf.note_values import ValueParser, number
from ..errors import XenToolError, meant
from ..image.elf import ADDRESS_MASK, Elf, Segment
from ..image.symbols import symbols

_HIGH = {64: X86_64.virt_base or 0, 32: 0xC0000000}
"""Lowest virtual addresses of usual kernels by bits: __START_KERNEL_map, PAGE_OFFSET's default."""


def notes(elf: Elf, values: Mapping[XenElfNote, str], present: Iterable[int]) -> list[Note]:
    """Return the notes to be written into an image.

    values: by type, as a user types them.  present: the types of notes that the image keeps.

    If ENTRY is among the values, the notes that every PV kernel needs are added, unless they are
    given or present: XEN_VERSION, LOADER and, for a 32-bit image, PAE_MODE; and VIRT_BASE and
    PADDR_OFFSET, if neither of the two is present.

    Raises XenToolError for a value that its note cannot have, or if VIRT_BASE and PADDR_OFFSET
    cannot be computed.
    """
    found = {n_type: _desc(elf, n_type, value) for n_type, value in values.items()}
    if XenElfNote.ENTRY in values:
        for n_type, desc in _for_pv(elf, found, set(present)).items():
            found.setdefault(n_type, desc)
    return [Note(NOTE_OWNER, n_type, desc) for n_type, desc in found.items()]


def _desc(elf: Elf, n_type: XenElfNote, value: str) -> Desc:
    """Return the descriptor of a note from its value, which may name a symbol of the image."""

    def resolve(note: str, symbol: str, offset: int, width: int, *, physical: bool) -> Words:
        address = _address(elf, symbol) + offset
        if physical:
            address = _physical(elf, symbol, address)
        if address >> 8 * width:
            raise XenToolError(
                f"note {note} is {value!r}: the symbol is {address:#x}, which does not fit {width} "
                "bytes"
            )
        return Words(width, (address,))

    if n_type == XenElfNote.PHYS32_ENTRY:
        _check_physical(elf, value)
    return ValueParser(n_type.name, n_type, elf.bits, resolve).parse(value)


def _check_physical(elf: Elf, value: str) -> None:
    """Raise XenToolError if the value of PHYS32_ENTRY is a virtual address above 4 GiB.

    The message has the physical address that it stands for.
    """
    address = number(value)
    segment = _segment(elf, address) if address is not None and address >> 32 else None
    if address is not None and segment is not None:
        raise XenToolError(
            f"note PHYS32_ENTRY is {value!r}: that is a virtual address; the note needs "
            f"the physical one, {_loaded_at(segment, address):#x}"
        )


def _physical(elf: Elf, symbol: str, address: int) -> int:
    """Return the physical address for a virtual one; symbol: its name, for messages.

    An address that is in a segment only as a physical one is returned as it is.
    Raises XenToolError if the address is in no segment.
    """
    segment = _segment(elf, address)
    if segment is not None:
        return _loaded_at(segment, address)
    if any(s.p_paddr <= address < s.p_paddr + s.p_memsz for s in _loaded(elf)):
        return address  # a symbol whose value a linker script made physical
    raise XenToolError(
        f"the symbol {symbol} is {address:#x}, which is in no segment that is loaded"
    )


def _loaded_at(segment: Segment, address: int) -> int:
    """Return the physical address for a virtual one in a segment."""
    return address - segment.p_vaddr + segment.p_paddr


def _address(elf: Elf, name: str) -> int:
    """Return the value of the symbol with a name; global symbols go before local ones.

    Raises XenToolError if there is none, or if several have different values.
    """
    found: dict[int, int] = {}  # the largest binding by value
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
    """Return the segments that occupy memory; raise XenToolError if there are none."""
    found = [segment for segment in elf.loadable if segment.p_memsz]
    if not found:
        raise XenToolError("the image has no segment that is loaded (PT_LOAD)")
    return found


def _segment(elf: Elf, address: int) -> Segment | None:
    """Return the loaded segment that holds a virtual address; None if none does."""
    holding = (s for s in _loaded(elf) if s.p_vaddr <= address < s.p_vaddr + s.p_memsz)
    return next(holding, None)


def _for_pv(
    elf: Elf, values: Mapping[XenElfNote, Desc], present: set[int]
) -> dict[XenElfNote, Desc]:
    """Return the notes that every PV kernel needs, without those that are present.

    values: the notes that are given; a VIRT_BASE among them determines PADDR_OFFSET.
    """
    wanted: dict[XenElfNote, Desc] = {
        XenElfNote.XEN_VERSION: Text("xen-3.0"),
        XenElfNote.LOADER: Text("generic"),
    }
    if elf.bits == 32:
        wanted[XenElfNote.PAE_MODE] = Text("yes")
    if not {XenElfNote.VIRT_BASE, XenElfNote.PADDR_OFFSET} & present:
        wanted |= _bases(elf, values)
    return {n_type: desc for n_type, desc in wanted.items() if n_type not in present}


def _bases(elf: Elf, values: Mapping[XenElfNote, Desc]) -> dict[XenElfNote, Desc]:
    """Return VIRT_BASE and PADDR_OFFSET, by which Xen finds p_vaddr from p_paddr.

    Xen's virtual address is p_paddr + VIRT_BASE - PADDR_OFFSET.
    Raises XenToolError if p_vaddr - p_paddr is not the same in all segments.
    """
    offsets = {segment.p_vaddr - segment.p_paddr for segment in _loaded(elf)}
    if len(offsets) > 1:
        places = ", ".join(hex(offset & ADDRESS_MASK) for offset in sorted(offsets))
        raise XenToolError(
            "the segments are loaded at different distances from where they run "
            f"(p_vaddr - p_paddr: {places}); for a PV kernel Xen knows one distance"
        )
    (offset,) = offsets
    mask = (1 << elf.bits) - 1
    base = max(offset, 0)
    if offset == 0 and min(segment.p_vaddr for segment in _loaded(elf)) >= _HIGH[elf.bits]:
        base = _HIGH[elf.bits]
    desc = values.get(XenElfNote.VIRT_BASE)
    if desc is not None:
        base = int.from_bytes(desc.encode(), "little")
    width = elf.bits // 8
    return {
        XenElfNote.VIRT_BASE: Words(width, (base,)),
        XenElfNote.PADDR_OFFSET: Words(width, ((base - offset) & mask,)),
    }
