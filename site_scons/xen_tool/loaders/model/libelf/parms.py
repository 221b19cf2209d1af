# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""struct elf_dom_parms as libelf fills it from the notes, for a PV or a PVH domain.

It follows xen/common/libelf/libelf-dominfo.c in all details: numbers are 64 bits wide and
wrap, numeric notes are zero-extended and 0 if their width is not 1, 2, 4 or 8, strings end at
their NUL whatever n_descsz is and are cut to 15 characters, the last note of a type wins, and
features accumulate.  The checks are in rules/libelf/checks.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from ....abi import XenElfNote
from ....image.elf import ADDRESS_MASK, MASK_32, Elf
from ....image.notes import (
    LIBXENGUEST_IMAGE_BASE,
    XEN_IMAGE_BASE,
    FoundNote,
    NoteWalk,
    image_base_matters,
)
from .features import parse_features
from .legacy import SECTION, guest_info, number

UNSET_ADDR = ADDRESS_MASK
UNSET_ADDR32 = MASK_32
"""The value of a field whose note is absent; a note with it counts as absent."""

TEXTS = frozenset(
    {
        XenElfNote.XEN_VERSION,
        XenElfNote.GUEST_OS,
        XenElfNote.GUEST_VERSION,
        XenElfNote.LOADER,
        XenElfNote.PAE_MODE,
        XenElfNote.FEATURES,
        XenElfNote.BSD_SYMTAB,
    }
)
"""Notes that libelf reads as strings."""

NUMBERS = frozenset(
    {
        XenElfNote.ENTRY,
        XenElfNote.HYPERCALL_PAGE,
        XenElfNote.VIRT_BASE,
        XenElfNote.PADDR_OFFSET,
        XenElfNote.HV_START_LOW,
        XenElfNote.SUSPEND_CANCEL,
        XenElfNote.INIT_P2M,
        XenElfNote.MOD_START_PFN,
        XenElfNote.SUPPORTED_FEATURES,
        XenElfNote.PHYS32_ENTRY,
    }
)
"""Notes that libelf reads as numbers."""

_STRING_SIZE = 15
_FEATURES_LIMIT = 1 << 20
"""Limit of the bytes of FEATURES that are read, of all notes; no real kernel reaches it."""
_KEPT = 4096
"""The most notes that Parms.notes has."""
_NOTE_HEADER = 12
_OWNER = 16
"""The first bytes of an owner, in which a misspelt "Xen" is looked for."""


class Pae(IntEnum):
    """Values of PAE_MODE: enum xen_pae_type."""

    NO = 0
    YES = 1
    EXTCR3 = 2
    BIMODAL = 3


class Parms:
    """The fields of struct elf_dom_parms, and the notes that their values come from."""

    loader = b""
    guest_os = b""
    guest_ver = b""
    xen_ver = b""
    pae: Pae = Pae.NO
    bsd_symtab = False
    virt_base = UNSET_ADDR
    virt_entry = UNSET_ADDR
    virt_hypercall = UNSET_ADDR
    virt_hv_start_low = UNSET_ADDR
    p2m_base = UNSET_ADDR
    elf_paddr_offset = UNSET_ADDR
    phys_entry = UNSET_ADDR32
    unmapped_initrd = False
    phys_reloc = False
    phys_align = UNSET_ADDR32
    phys_min = 0
    phys_max = MASK_32
    f_supported = 0
    f_required = 0

    regions: tuple[tuple[str, int], ...] = ()
    """The PT_NOTE segments and SHT_NOTE sections that were read: kind and number."""
    too_many_notes = False
    overrun: tuple[FoundNote, int] | None = None
    """The first note that is larger than the rest of its segment or section, which hides later
    notes there; and the offset of the end of that segment or section."""
    cut: FoundNote | None = None
    """The first note that extends beyond the end of the file, as libelf reads it."""
    misnamed: FoundNote | None = None
    """The first note whose owner contains "xen" in any case, but is not "Xen"."""
    features_size = 0
    """Number of bytes of FEATURES that were read."""
    guest_info: int | None = None
    """Offset of the legacy string __xen_guest, if that was read instead of notes."""
    refused: tuple[FoundNote, bytes] | None = None
    """The FEATURES note at which libelf failed, and the required name that it does not know."""

    def __init__(self) -> None:
        self.notes: list[FoundNote] = []
        """The notes of the owner "Xen", in order; no more than _KEPT."""
        self.counted: dict[int, FoundNote] = {}
        """The note that is used, by n_type: the last one that could be read."""


def parse(elf: Elf, *, domu: bool, legacy: bool, to_the_end: bool = False) -> Parms:
    """Return what elf_xen_parse reads before its checks; it is kept in elf.notes_read.

    domu: whether to read as libelf in libxenguest, not as in the hypervisor: there, huge sizes of
    notes wrap around at other addresses.  legacy: whether to read the string __xen_guest if there
    are no notes.  to_the_end: whether to read on after a note that libelf refuses.
    """
    base = LIBXENGUEST_IMAGE_BASE if domu and image_base_matters(elf) else XEN_IMAGE_BASE
    known: Parms
    for (of_base, of_legacy, of_end), known in elf.notes_read.items():
        if (
            of_base == base
            and (of_legacy == legacy or known.notes or (known.guest_info is None and not legacy))
            and (of_end == to_the_end or known.refused is None)
        ):
            return known
    parms = elf.notes_read[base, legacy, to_the_end] = Parms()
    walk = NoteWalk(elf, base)
    ends = _Ends(elf)
    for note in walk:
        is_xen = note.is_xen
        text = note.string() if is_xen and note.n_type in TEXTS else b""
        _survey(parms, note, is_xen, text, ends.of(note))
        if is_xen and not _read(parms, note, text) and not to_the_end:
            break
    parms.regions = tuple(walk.regions)
    parms.too_many_notes = walk.too_many
    if parms.refused or walk.xen_notes or not legacy:
        return parms
    section = elf.section(SECTION)
    if section is not None:
        parms.guest_info = section.sh_offset
        parms.regions = ()
        _read_guest_info(parms, guest_info(elf.data, section.sh_offset))
    return parms


def _read(parms: Parms, note: FoundNote, text: bytes | None) -> bool:
    """Read a note as elf_xen_parse_note does; return false if libelf refuses the image."""
    if len(parms.notes) < _KEPT:
        parms.notes.append(note)
    if text is None:
        return True
    parms.counted[note.n_type] = note
    value = note.numeric() if note.n_type in NUMBERS else 0
    match note.n_type:
        case XenElfNote.LOADER:
            parms.loader = text[:_STRING_SIZE]
        case XenElfNote.GUEST_OS:
            parms.guest_os = text[:_STRING_SIZE]
        case XenElfNote.GUEST_VERSION:
            parms.guest_ver = text[:_STRING_SIZE]
        case XenElfNote.XEN_VERSION:
            parms.xen_ver = text[:_STRING_SIZE]
        case XenElfNote.PAE_MODE:
            if text == b"yes":
                parms.pae = Pae.EXTCR3
            if b"bimodal" in text:
                parms.pae = Pae.BIMODAL
        case XenElfNote.BSD_SYMTAB:
            parms.bsd_symtab |= text == b"yes"
        case XenElfNote.VIRT_BASE:
            parms.virt_base = value
        case XenElfNote.ENTRY:
            parms.virt_entry = value
        case XenElfNote.INIT_P2M:
            parms.p2m_base = value
        case XenElfNote.MOD_START_PFN:
            parms.unmapped_initrd = value != 0
        case XenElfNote.PADDR_OFFSET:
            parms.elf_paddr_offset = value
        case XenElfNote.HYPERCALL_PAGE:
            parms.virt_hypercall = value
        case XenElfNote.HV_START_LOW:
            parms.virt_hv_start_low = value
        case XenElfNote.PHYS32_ENTRY:
            parms.phys_entry = value & MASK_32
        case XenElfNote.SUPPORTED_FEATURES:
            parms.f_supported |= note.numeric_array(4, 0)
        case XenElfNote.FEATURES:
            unknown = _add_features(parms, text)
            if unknown is not None:
                parms.refused = note, unknown
                return False
        case XenElfNote.PHYS32_RELOC:
            parms.phys_reloc = True
            if note.n_descsz >= 4:
                parms.phys_align = note.numeric_array(4, 0)
            if note.n_descsz >= 8:
                parms.phys_min = note.numeric_array(4, 1)
            if note.n_descsz >= 12:
                parms.phys_max = note.numeric_array(4, 2)
    return True


class _Ends:
    """The ends of the segments and sections that hold notes; the last that was found is kept."""

    def __init__(self, elf: Elf) -> None:
        self._elf = elf
        self._sections = elf.sections
        self._region = ("", 0)
        self._end = 0

    def of(self, note: FoundNote) -> int:
        """Return the file offset of the end of the segment or section that holds a note."""
        region = note.place, note.number
        if region != self._region:
            self._region = region
            if note.place == "PT_NOTE":
                segment = self._elf.segments[note.number]
                self._end = segment.p_offset + segment.p_filesz
            else:
                section = next(s for s in self._sections if s.number == note.number)
                self._end = section.sh_offset + section.sh_size
        return self._end


def _survey(parms: Parms, note: FoundNote, is_xen: bool, text: bytes | None, end: int) -> None:
    """Record in parms what libelf accepts, but the author of the note may not have meant.

    end: the file offset of the end of the note's segment or section.
    """
    read_end = note.desc_offset + (_needed(note, text) if is_xen else 0)
    note_end = note.desc_offset + note.n_descsz
    if parms.overrun is None and note_end > end and read_end + _NOTE_HEADER <= end:
        parms.overrun = note, end
    if parms.cut is None and is_xen and read_end > note.data.size:
        parms.cut = note
    if parms.misnamed is None and not is_xen:
        name = note.data.read(note.offset + _NOTE_HEADER, min(max(4, note.n_namesz), _OWNER))
        if b"xen" in name.lower():
            parms.misnamed = note


def _needed(note: FoundNote, text: bytes | None) -> int:
    """Return the number of bytes of the descriptor that libelf reads, whatever n_descsz is."""
    if note.n_type not in TEXTS:
        return note.n_descsz if note.n_descsz in (1, 2, 4, 8) else 0
    return 0 if text is None else len(text) + 1


def _add_features(parms: Parms, names: bytes) -> bytes | None:
    """Add the features; return the name that libelf refuses, None if it accepts all."""
    parms.features_size += len(names)
    if parms.features_size > _FEATURES_LIMIT:
        return None
    supported, required, unknown = parse_features(names)
    parms.f_supported |= supported
    parms.f_required |= required
    return unknown


def _read_guest_info(parms: Parms, pairs: Iterator[tuple[bytes, bytes]]) -> None:
    """Read the legacy string as elf_xen_parse_guest_info does."""
    for name, value in pairs:
        match name:
            case b"LOADER":
                parms.loader = value[:_STRING_SIZE]
            case b"GUEST_OS":
                parms.guest_os = value[:_STRING_SIZE]
            case b"GUEST_VER":
                parms.guest_ver = value[:_STRING_SIZE]
            case b"XEN_VER":
                parms.xen_ver = value[:_STRING_SIZE]
            case b"PAE" if value == b"yes[extended-cr3]":
                parms.pae = Pae.EXTCR3
            case b"PAE" if value.startswith(b"yes"):
                parms.pae = Pae.YES
            case b"BSD_SYMTAB":
                parms.bsd_symtab = True
            case b"VIRT_BASE":
                parms.virt_base = number(value)
            case b"VIRT_ENTRY":
                parms.virt_entry = number(value)
            case b"ELF_PADDR_OFFSET":
                parms.elf_paddr_offset = number(value)
            case b"HYPERCALL_PAGE":
                parms.virt_hypercall = number(value) << 12 & ADDRESS_MASK
            case b"FEATURES" if _add_features(parms, value) is not None:
                # Nothing of the string is read after this, but libelf ignores the failure.
                break
    if UNSET_ADDR not in (parms.virt_base, parms.virt_hypercall):
        parms.virt_hypercall = (parms.virt_hypercall + parms.virt_base) & ADDRESS_MASK
