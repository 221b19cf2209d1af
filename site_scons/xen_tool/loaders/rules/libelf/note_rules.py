# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The N and F rules: how libelf reads the notes (elf_xen_parse_notes).

Source: xen/common/libelf/libelf-dominfo.c of Xen.  Only F1 refuses an image; the others are
warnings: libelf misses a note or reads another value, and may refuse the image for that later.
"""

from __future__ import annotations

from ....abi import XenElfNote
from ....elf import spec
from ....image.data import STRING_LIMIT
from ....image.notes import TOTAL_NOTE_LIMIT, XEN_OWNER, qemu_notes
from ....printable import printable
from ...model import where
from ...model.candidate import Candidate
from ...model.libelf.parms import NUMBERS, TEXTS
from ...names import PV, PVH_DOM0, XEN
from .. import common
from ..rule import Effect, Fields, Probe, Rule

_ADDRESSES = (
    XenElfNote.ENTRY,
    XenElfNote.HYPERCALL_PAGE,
    XenElfNote.VIRT_BASE,
    XenElfNote.PADDR_OFFSET,
    XenElfNote.INIT_P2M,
)
_ACCUMULATED = (XenElfNote.FEATURES, XenElfNote.SUPPORTED_FEATURES)
_SIGN = 1 << 31


def _too_many(candidate: Candidate) -> Fields | None:
    """The file has more than 65536 notes."""
    if not candidate.parms.too_many_notes:
        return None
    return {"where": f"{_region(candidate)} holds more than {TOTAL_NOTE_LIMIT} notes"}


def _region(candidate: Candidate) -> str:
    place, number = candidate.parms.regions[-1]
    return f"{place} {number}"


def _other_owner(candidate: Candidate) -> Fields | None:
    """The owner of a note contains "xen", in any case, but is not "Xen"."""
    note = candidate.parms.misnamed
    if note is None:
        return None
    place = where.at(candidate, note.offset)
    return {
        "owner": printable(note.owner or b""),
        "where": f"note of type {note.n_type:#x} {place}",
    }


def _past_end(candidate: Candidate) -> Fields | None:
    """The size of a note is larger than the rest of its segment or section."""
    if candidate.parms.overrun is None:
        return None
    note, end = candidate.parms.overrun
    fields = f"n_descsz = {note.n_descsz:#x}, but {note.place} {note.number} ends at {end:#x}"
    return {"where": f"{where.note(candidate, note)}, {fields}"}


def _padded_to_8(candidate: Candidate) -> Fields | None:
    """A PT_NOTE of p_align 8 has notes that are found only with padding to 8 bytes."""
    for segment in candidate.elf.segments:
        if segment.p_type != spec.PT_NOTE or segment.p_align != 8:
            continue
        found = [note for note in candidate.parms.notes if note.number == segment.number]
        padded = [n for n in qemu_notes(candidate.elf, segment) if _is_xen(candidate, n.offset)]
        if len(padded) > len(found):
            return {
                "found": len(found),
                "padded": len(padded),
                "where": where.segment(candidate, segment, "p_offset", "p_align"),
            }
    return None


def _is_xen(candidate: Candidate, offset: int) -> bool:
    return candidate.data.read(offset + 12, 4) == XEN_OWNER


def _odd_width(candidate: Candidate) -> Fields | None:
    """The width of a numeric note is not 1, 2, 4 or 8 bytes."""
    for note in candidate.parms.notes:
        if note.n_type in NUMBERS and note.n_descsz not in (1, 2, 4, 8):
            descsz = f"n_descsz = {note.n_descsz:#x}"
            return {"where": f"{where.note(candidate, note)}, {descsz}"}
    return None


def _cut_address(candidate: Candidate) -> Fields | None:
    """A 64-bit kernel gives an address of 0x80000000 or above in four bytes."""
    return cut_address(candidate, *_ADDRESSES)


def cut_address(candidate: Candidate, *n_types: XenElfNote) -> Fields | None:
    """Return the fields of N6, of the first note of these types that is cut to 32 bits, or None."""
    if candidate.elf.bits != 64:
        return None
    for note in candidate.parms.notes:
        if note.n_type in n_types and note.n_descsz == 4 and note.numeric() & _SIGN:
            return {
                "name": where.name(note.n_type),
                "value": note.numeric(),
                "where": where.note(candidate, note),
            }
    return None


def _no_nul(candidate: Candidate) -> Fields | None:
    """A string note does not end with a NUL."""
    for note in candidate.parms.notes:
        if note.n_type in TEXTS:
            text = note.string()
            end = note.n_descsz + -note.n_descsz % 4
            if text is not None and len(text) > end:
                return {"where": f"{where.note(candidate, note)}, n_descsz = {note.n_descsz:#x}"}
    return None


def _unreadable(candidate: Candidate) -> Fields | None:
    """A string note has no NUL within 4096 bytes, or none before the end of the file."""
    for note in candidate.parms.notes:
        if note.n_type in TEXTS and note.string() is None:
            inside = note.desc_offset + STRING_LIMIT + 1 <= candidate.data.size
            words = "excessively long string" if inside else "out of range access"
            return {"words": words, "where": where.note(candidate, note)}
    return None


def _duplicate(candidate: Candidate) -> Fields | None:
    """The file has two notes of one type with different values."""
    seen: dict[int, bytes] = {}
    for note in candidate.parms.notes:
        if note.n_type in _ACCUMULATED or note.n_type not in TEXTS | NUMBERS:
            continue
        first = seen.setdefault(note.n_type, note.desc)
        if first != note.desc:
            return {"name": where.name(note.n_type), "where": where.note(candidate, note)}
    return None


def _cut_by_end(candidate: Candidate) -> Fields | None:
    """The file ends within a note."""
    note = candidate.parms.cut
    if note is None:
        return None
    return {"where": f"{where.note(candidate, note)}; the file ends at {candidate.data.size:#x}"}


def _unknown_feature(candidate: Candidate) -> Fields | None:
    """FEATURES requires (prefix !) a feature that libelf does not know."""
    refused = candidate.parms.refused
    if refused is None:
        return None
    note, name = refused
    return {"name": printable(name), "where": where.note(candidate, note)}


OWNER_XEN = 'give it the owner "Xen": .long 4 for its n_namesz, and .asciz "Xen"'
_UNKNOWN_FEATURE = (
    'drop "{name}" from FEATURES: Xen prints no reason, but refuses a required name other than '
    "its seven; what else is supported goes into SUPPORTED_FEATURES as a bit"
)


_PARSE_NOTES = "xen/common/libelf/libelf-dominfo.c, elf_xen_parse_notes and elf_xen_parse_note"
_PARSE_FEATURES = "xen/common/libelf/libelf-dominfo.c, elf_xen_parse_features"

RULES = (
    Rule(
        "N1",
        XEN,
        _too_many,
        "too many ELF notes",
        "merge or drop notes: what follows is not read",
        Effect.WARNING,
        source=_PARSE_NOTES,
    ),
    Rule(
        "N2",
        XEN,
        _other_owner,
        'the note is skipped: its owner is "{owner}", but must be "Xen"',
        OWNER_XEN,
        Effect.WARNING,
        source=_PARSE_NOTES,
        live=True,
    ),
    Rule(
        "N3",
        XEN,
        _past_end,
        "the note is read, but every note behind it is lost",
        "let n_descsz be the descriptor's size, and the segment hold the whole note",
        Effect.WARNING,
        source=_PARSE_NOTES,
        live=True,
    ),
    Rule(
        "N4",
        XEN,
        _padded_to_8,
        "{padded} notes padded to 8 bytes, of which Xen finds {found}, as it counts by 4",
        "pad names and descriptors to 4 bytes: .balign 4",
        Effect.WARNING,
        source=_PARSE_NOTES,
        live=True,
    ),
    Rule(
        "N5",
        XEN,
        _odd_width,
        "the note counts as 0: a number has 1, 2, 4 or 8 bytes",
        "write it with .long or .quad",
        Effect.WARNING,
        source=_PARSE_NOTES,
        live=True,
    ),
    # The loaders of PVH kernels do not read these addresses.
    Rule(
        "N6",
        PV,
        _cut_address,
        "{name} counts as {value:#x}: four bytes are not sign-extended",
        "write the address with .quad",
        Effect.WARNING,
        source=_PARSE_NOTES,
        live=True,
    ),
    Rule(
        "N7",
        XEN,
        _no_nul,
        "the string goes on into what follows it, as it has no NUL",
        "end it with a NUL: .asciz",
        Effect.WARNING,
        source=_PARSE_NOTES,
        live=True,
    ),
    Rule(
        "N8",
        XEN,
        _unreadable,
        "{words}",
        "end the string with a NUL, within 4096 bytes: the note does not count",
        Effect.WARNING,
        source=_PARSE_NOTES,
        live=True,
    ),
    Rule(
        "N9",
        XEN,
        _duplicate,
        "{name} is there twice: the last counts for Xen, the first for QEMU",
        "keep one of them",
        Effect.WARNING,
        source=_PARSE_NOTES,
        live=True,
    ),
    Rule(
        "N10",
        XEN,
        _cut_by_end,
        "out of range access",
        common.TRUNCATED,
        Effect.WARNING,
        source=_PARSE_NOTES,
        live=True,
    ),
    Rule(
        "F1",
        (PVH_DOM0,),
        _unknown_feature,
        "Unable to parse kernel for ELFNOTES",
        _UNKNOWN_FEATURE,
        source=_PARSE_FEATURES,
        live=True,
    ),
    Rule(
        "F1",
        tuple(loader for loader in XEN if loader != PVH_DOM0),
        _unknown_feature,
        "",
        _UNKNOWN_FEATURE,
        probe=Probe.KERNEL,
        source=_PARSE_FEATURES,
        live=True,
    ),
)
