# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The notes of an image as reported: the value of each, and the loaders that read it.

Used by image_report.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ..abi import XenElfNote
from ..image.elf import Elf
from ..image.notes import FoundNote, NoteWalk
from ..light import NamedTuple
from ..loaders.model.libelf.legacy import SECTION, guest_info
from ..loaders.model.releases import KNOWS_HVM, Xen
from ..loaders.model.where import digits, name, shown, value
from ..loaders.names import PV, PV_DOM0, PVH, PVH_DOM0, PVH_DOMU, QEMU, XEN
from ..printable import printable

SHOWN = 4096
"""Largest number of notes that are reported, of keys, and of segments; real kernels have fewer."""
_SHOWN_BYTES = 1 << 20
"""Largest number of hexadecimal digits that are reported of all descriptors together."""

_READERS: dict[int, tuple[str, ...]] = {
    XenElfNote.INFO: (),
    XenElfNote.ENTRY: PV,
    XenElfNote.HYPERCALL_PAGE: PV,
    XenElfNote.VIRT_BASE: PV,
    XenElfNote.PADDR_OFFSET: PV,
    XenElfNote.XEN_VERSION: PV,
    XenElfNote.GUEST_OS: (*PV, PVH_DOMU),
    XenElfNote.GUEST_VERSION: (),
    XenElfNote.LOADER: PV,
    XenElfNote.PAE_MODE: PV,
    XenElfNote.FEATURES: XEN,
    XenElfNote.BSD_SYMTAB: XEN,
    XenElfNote.HV_START_LOW: (PV_DOM0,),
    XenElfNote.L1_MFN_VALID: (),
    XenElfNote.SUSPEND_CANCEL: (),
    XenElfNote.INIT_P2M: PV,
    XenElfNote.MOD_START_PFN: PV,
    XenElfNote.SUPPORTED_FEATURES: XEN,
    XenElfNote.PHYS32_ENTRY: PVH,
    XenElfNote.PHYS32_RELOC: (PVH_DOM0,),
}
"""The loaders that use a note of Xen's, by its type (Xen libelf-dominfo.c and its callers, QEMU
elf_ops.h.inc)."""


_GUEST_KEYS = {
    "LOADER": XenElfNote.LOADER,
    "GUEST_OS": XenElfNote.GUEST_OS,
    "GUEST_VER": XenElfNote.GUEST_VERSION,
    "XEN_VER": XenElfNote.XEN_VERSION,
    "PAE": XenElfNote.PAE_MODE,
    "BSD_SYMTAB": XenElfNote.BSD_SYMTAB,
    "VIRT_BASE": XenElfNote.VIRT_BASE,
    "VIRT_ENTRY": XenElfNote.ENTRY,
    "ELF_PADDR_OFFSET": XenElfNote.PADDR_OFFSET,
    "HYPERCALL_PAGE": XenElfNote.HYPERCALL_PAGE,
    "FEATURES": XenElfNote.FEATURES,
}
"""The types of the notes that replaced the keys of __xen_guest (elf_xen_parse_guest_info)."""


class GuestLine(NamedTuple):
    """One key of __xen_guest as reported."""

    key: str
    value: str
    read_by: tuple[str, ...]


class NoteLine(NamedTuple):
    """One note as reported; image_report.py describes the fields."""

    type: int
    name: str
    owner: str
    value: int | str
    """A number, a text, or the first bytes as hexadecimal digits."""
    shown: str
    """The value as people see it: a text is quoted, and cut if it is long."""
    desc: str
    place: str
    offset: int
    read_by: tuple[str, ...]


def note_lines(elf: Elf) -> Iterator[NoteLine]:
    """Yield the notes of an image, of any owner, until SHOWN or _SHOWN_BYTES is reached."""
    left = _SHOWN_BYTES
    for note in islice(NoteWalk(elf), SHOWN):
        line = _note(note, elf)
        left -= len(line.desc)
        if left < 0:
            return
        yield line


def _note(note: FoundNote, elf: Elf) -> NoteLine:
    is_xen = note.is_xen
    # If n_namesz is 0, libelf takes the bytes that follow for the owner.  They are reported only if
    # they are "Xen", as the author did not mean them as a name.
    owner = printable((note.owner or b"")[:64]) if note.n_namesz or is_xen else ""
    found = value(note) if is_xen else digits(note.desc)
    return NoteLine(
        type=note.n_type,
        name=name(note.n_type) if is_xen else hex(note.n_type),
        owner=owner,
        value=found,
        shown=shown(note) if is_xen else str(found),
        desc=note.desc.hex(),
        place=f"{note.place} {note.number}",
        offset=note.offset,
        read_by=_readers(note.n_type, elf) if is_xen else _readers_of_any_owner(note),
    )


def _readers_of_any_owner(note: FoundNote) -> tuple[str, ...]:
    """Return the loaders that use a note whose owner is not Xen: QEMU, for the PVH entry."""
    is_entry = note.n_type == XenElfNote.PHYS32_ENTRY and note.place == "PT_NOTE"
    return (QEMU,) if is_entry else ()


def guest_lines(elf: Elf, xen: Xen) -> Iterator[GuestLine]:
    """Yield the keys of __xen_guest; none if the image has no such section.

    A loader reads them only if no note is of the owner Xen, and those for PVH only before
    KNOWS_HVM.
    """
    section = elf.section(SECTION)
    if section is None:
        return
    walk = NoteWalk(elf)
    is_read = not any(note.is_xen for note in walk)
    readers = PV if xen.has(KNOWS_HVM) else XEN
    for key, text in islice(guest_info(elf.data, section.sh_offset), SHOWN):
        name = printable(key)
        n_type = _GUEST_KEYS.get(name)
        found = () if n_type is None or not is_read else _readers(n_type, elf)
        yield GuestLine(name, printable(text), tuple(r for r in found if r in readers))


def _readers(n_type: int, elf: Elf) -> tuple[str, ...]:
    """Return the loaders that use a note of Xen's."""
    if n_type == XenElfNote.HV_START_LOW and elf.bits == 64:
        return ()
    return _READERS.get(n_type, ())
