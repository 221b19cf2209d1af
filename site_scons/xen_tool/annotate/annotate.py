# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Give an image the notes that a user wants.

Used by `xen-tool annotate` and by the step NOTES of env.XenNotes(), which then check the result.
"""

from __future__ import annotations

from ..errors import XenToolError
from . import values, write
from .changes import NoteChanges


def annotate(content: bytes, name: str, changes: NoteChanges) -> write.Annotated:
    """Return the image with the wanted notes.

    content: the bytes of the image.  name: its name, for messages.

    Raises XenToolError if the image is not a linked ELF kernel for x86, if a note cannot have its
    value, if a note to be removed does not exist, or as write.annotated() does.
    """
    elf = write.opened(content, name)
    present = {note.n_type for note in write.present(elf)}
    for n_type in changes.remove:
        if n_type not in present:
            raise XenToolError(f"{name} has no note {n_type.name} to be removed")
    try:
        notes = values.notes(elf, changes.values, present - set(changes.remove))
    except XenToolError as error:
        raise XenToolError(f"{name}: {error}") from error
    return write.annotated(content, elf, notes, changes.remove)
