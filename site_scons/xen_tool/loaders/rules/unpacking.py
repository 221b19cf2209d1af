# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Conditions and fixes that the Z rules of Xen and of libxenguest share: those of containers."""

from __future__ import annotations

from ...image.container import KernelFile
from ..model.candidate import Candidate
from ..model.unwrapped import GZIP
from .rule import Fields

_OLDEST_PROTOCOL = 0x208

ANEW = "build or copy the image anew"
APPEND = (
    "append the 32-bit little-endian size of the uncompressed kernel to the compressed file, "
    "as Linux's build does, or use gzip, or no compression"
)
NEWER = "give the vmlinux instead of the bzImage, or a kernel newer than Linux 2.6.24"


def empty(candidate: Candidate) -> Fields | None:
    """The file has no bytes."""
    return None if candidate.kernel.file.size else {"where": "the file has 0 bytes"}


def protocol_too_old(candidate: Candidate) -> Fields | None:
    """The boot protocol of the bzImage is older than 2.08."""
    protocol = candidate.kernel.boot_protocol
    if protocol is None or protocol >= _OLDEST_PROTOCOL:
        return None
    where = f"boot protocol {protocol:#06x} at offset 0x206 of the file"
    return {"major": protocol >> 8, "minor": protocol & 0xFF, "where": where}


def container(candidate: Candidate, **fields: object) -> Fields:
    """Return the fields of a finding about the container, and further ones."""
    return {**fields, "where": f"the container: {candidate.kernel.format}"}


def stated_size(candidate: Candidate, **fields: object) -> Fields:
    """Return the fields of a finding about the last word of a stream, its unpacked size."""
    kernel = candidate.kernel
    size = kernel.file.unsigned(kernel.end - 4, 4) or 0
    where = f"last word = {size:#x} at offset {kernel.end - 4:#x} of the file"
    return {"fix": how_to_state_the_size(kernel), **fields, "size": size, "where": where}


def how_to_state_the_size(kernel: KernelFile) -> str:
    """Return the fix for a stream whose last word is not the unpacked size."""
    if kernel.container[-1:] == (GZIP,):
        return "cut off what follows the gzip stream, whose last word is the size"
    return APPEND


def damaged(candidate: Candidate) -> Fields | None:
    """The stream cannot be unpacked."""
    if candidate.kernel.payload is not None:
        return None
    return container(candidate, problem=candidate.kernel.problem)


def packed_with_zstd(candidate: Candidate) -> Fields | None:
    """The stream is compressed with zstd."""
    return container(candidate) if "zstd" in candidate.kernel.container else None
