# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Validate the notes that a user wants in an image, without the image.

Used by `xen-tool annotate` and by env.XenNotes(), which runs also in up-to-date builds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..abi import XenElfNote
from ..elf import note_values
from ..errors import XenToolError, meant
from ..light import NamedTuple


class NoteChanges(NamedTuple):
    """The notes that a user wants to be set, and to be removed."""

    values: dict[XenElfNote, str]
    """Values by type, as the user types them: for values.notes()."""
    remove: tuple[XenElfNote, ...]


def note_changes(
    *,
    pvh_entry: str | None = None,
    pv_entry: str | None = None,
    notes: Mapping[str, str] | None = None,
    remove: Sequence[str] = (),
) -> NoteChanges:
    """Return the changes that a user wants, with the types of notes instead of their names.

    pvh_entry, pv_entry: the values of PHYS32_ENTRY and ENTRY.
    notes: values of further notes by name.  remove: names of notes.

    Raises XenToolError if Xen has no note of a name, if a note is given twice, without a value, or
    both with a value and to be removed, or if nothing is wanted.
    """
    values: dict[XenElfNote, str] = {}
    every = [*(notes or {}).items(), ("PHYS32_ENTRY", pvh_entry), ("ENTRY", pv_entry)]
    for name, value in every:
        if value is not None:
            n_type = note_type(name)
            if n_type in values:
                raise XenToolError(f"the note {n_type.name} is given twice")
            if not value:
                raise XenToolError(
                    f"the note {n_type.name} is given without a value: remove it, or give it an "
                    "empty text by text:"
                )
            values[n_type] = value
    gone = tuple(note_type(name) for name in remove)
    for n_type in gone:
        if n_type in values:
            raise XenToolError(f"the note {n_type.name} is given, and is to be removed")
    if not values and not gone:
        raise XenToolError("nothing to do: name an entry, a note, or a note to be removed")
    return NoteChanges(values, gone)


def note_type(name: str) -> XenElfNote:
    """Return the type of a note by its name, such as PHYS32_ENTRY.

    Raises XenToolError, with the names, if Xen has no such note.
    """
    found = note_values.note_type(name)
    if found is None:
        known = [each.name for each in XenElfNote]
        near = meant(name.upper(), known)
        raise XenToolError(f"Xen has no note {name}{near}; it has {', '.join(known)}")
    return found
