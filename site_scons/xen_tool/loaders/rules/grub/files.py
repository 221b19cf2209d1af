# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rule G9: how GRUB reads a file, before any command looks at it (grub-core/io/gzio.c)."""

from __future__ import annotations

from ...model.candidate import Candidate
from ...model.grub.files import is_damaged
from ...names import GRUB
from .. import common
from ..rule import Effect, Fields, Rule


def _damaged(candidate: Candidate) -> Fields | None:
    """The file is gzip, perhaps in a bzImage, and cannot be unpacked wholly."""
    return {"where": common.start_of_file(candidate)} if is_damaged(candidate) else None


RULES = (
    Rule(
        "G9",
        GRUB,
        _damaged,
        "the gzip stream is damaged, and GRUB checks no sum: it takes what it can unpack",
        "build or copy the image anew",
        Effect.ERROR,
        last=True,
        source="GRUB 2.06, grub-core/io/gzio.c, grub_gzio_read",
        live=True,
    ),
)
