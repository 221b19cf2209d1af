# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rule G9: how GRUB reads a file, before any command looks at it (grub-core/io)."""

from __future__ import annotations

from ...model.candidate import Candidate
from ...model.grub.files import is_damaged, unread
from ...names import GRUB, GRUB_LINUX, GRUB_MULTIBOOT, GRUB_MULTIBOOT2, GRUB_XEN, GRUB_XEN_PVH
from .. import common, unpacking
from ..rule import Effect, Fields, Rule


def _damaged(candidate: Candidate) -> Fields | None:
    """The file is a damaged stream of gzip, xz or lzop."""
    if not is_damaged(candidate) or candidate.from_bzimage:
        return None
    return {"where": common.start_of_file(candidate)}


def _damaged_payload(candidate: Candidate) -> Fields | None:
    """The file is a bzImage with a damaged stream of gzip, xz or lzop."""
    if not is_damaged(candidate) or not candidate.from_bzimage:
        return None
    return unpacking.container(candidate)


def _unread(candidate: Candidate) -> Fields | None:
    """The stream is xz with a filter that GRUB's decoder lacks, or its end states too large a size.

    The filters known are LZMA2, and one before it that has no start offset.
    """
    words = unread(candidate)
    return None if words is None else {"words": words, "where": common.start_of_file(candidate)}


RULES = (
    Rule(
        "G9",
        GRUB,
        _damaged,
        "the stream is damaged: GRUB takes what it can unpack before it sees that, or crashes",
        unpacking.ANEW,
        Effect.ERROR,
        last=True,
        source="GRUB 2.06, grub-core/io/gzio.c, grub_gzio_read; xzio.c, lzopio.c",
        live=True,
    ),
    Rule(
        "G9",
        (GRUB_XEN,),
        _damaged_payload,
        "the payload of the bzImage is damaged: GRUB itself may crash, or takes what it can unpack",
        unpacking.ANEW,
        Effect.ERROR,
        last=True,
        source="GRUB 2.06, grub-core/io/offset.c, grub_file_offset_close",
    ),
    Rule(
        "G9",
        (GRUB_LINUX, GRUB_MULTIBOOT, GRUB_MULTIBOOT2, GRUB_XEN_PVH),
        _unread,
        "{words}",
        "pack the image with gzip, or xz --x86 --lzma2=dict=128MiB, and add nothing to the stream",
        source="GRUB 2.06, grub-core/lib/xzembed/xz_dec_stream.c, dec_block_header",
        live=True,
    ),
)
