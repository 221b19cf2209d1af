# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The Z rules of Xen, for dom0: how unpacking fails before Xen reads an ELF file.

Source: arch/x86/bzimage.c, common/gzip and common/decompress.c below xen/ of Xen.
model/unwrapped.py computes what Xen unpacks; rule E1 covers Z4, a result that is not an ELF file.
"""

from __future__ import annotations

from ....abi import LARGE_PAGE_SIZE
from ...model.candidate import Candidate
from ...model.decoders import xen_refuses
from ...model.releases import ZSTD
from ...model.unwrapped import GZIP, GZIP_MAGIC, LZ4, XEN_UNPACKED_LIMIT, is_elf, xen_buffer
from ...names import DOM0
from .. import unpacking
from ..rule import Effect, Fields, Probe, Rule

_ASSUMED_MEMORY = 128 << 20
"""The assumed free memory of a small machine, in bytes."""


def _far_outside(candidate: Candidate) -> Fields | None:
    """The payload of the bzImage ends more than 2 MiB after the end of the file."""
    return _outside(candidate) if candidate.kernel.end > _mapped(candidate) else None


def _gzip_outside(candidate: Candidate) -> Fields | None:
    """The payload of the bzImage, a gzip stream, ends after the end of the file."""
    kernel = candidate.kernel
    return _outside(candidate) if kernel.file.read(kernel.start, 2) == GZIP_MAGIC else None


def _outside(candidate: Candidate) -> Fields | None:
    """The payload of the bzImage is not within the file."""
    kernel = candidate.kernel
    if kernel.payload is not None or kernel.compressed:
        return None
    return {"problem": kernel.problem, "where": "the fields at offset 0x248 of the file"}


def _mapped(candidate: Candidate) -> int:
    """Return the end of what Xen can read: it maps the file, and up to one large page more."""
    return candidate.kernel.file.size + LARGE_PAGE_SIZE


def _too_large_to_map(candidate: Candidate) -> Fields | None:
    """To unpack to the size in the stream's last word, Xen needs more memory than it can map."""
    if not candidate.kernel.compressed or xen_buffer(candidate.kernel) <= XEN_UNPACKED_LIMIT:
        return None
    return unpacking.stated_size(candidate, fix=_size_fix(candidate))


def _large_to_map(candidate: Candidate) -> Fields | None:
    """To unpack to the size in the stream's last word, Xen needs more memory than 128 MiB."""
    size = xen_buffer(candidate.kernel)
    if size <= _ASSUMED_MEMORY:
        return None
    return unpacking.stated_size(
        candidate, fix=_size_fix(candidate), mib=size >> 20, assumed=_ASSUMED_MEMORY >> 20
    )


def _size_fix(candidate: Candidate) -> str:
    kernel = candidate.kernel
    if not kernel.compressed:
        return "Xen takes the last word of what is no ELF for the size it unpacks to"
    if kernel.payload is None:
        return f"{unpacking.ANEW}: {kernel.problem}"
    return unpacking.how_to_state_the_size(kernel)


def _cut_gzip(candidate: Candidate) -> Fields | None:
    """The gzip stream ends early."""
    is_cut = _is_gzip(candidate) and candidate.kernel.cut_short
    return unpacking.damaged(candidate) if is_cut else None


def _damaged_gzip(candidate: Candidate) -> Fields | None:
    """The gzip stream cannot be unpacked."""
    return unpacking.damaged(candidate) if _is_gzip(candidate) else None


def _is_gzip(candidate: Candidate) -> bool:
    return candidate.kernel.container[-1:] == (GZIP,)


def _other_gzip(candidate: Candidate) -> Fields | None:
    """The gzip header has a flag that Xen does not support."""
    return _unknown_settings(candidate) if _is_gzip(candidate) else None


def _other_xz(candidate: Candidate) -> Fields | None:
    """The xz stream has a check other than none and CRC32, or a filter other than x86."""
    return None if _is_gzip(candidate) else _unknown_settings(candidate)


def _unknown_settings(candidate: Candidate) -> Fields | None:
    words = xen_refuses(candidate.kernel)
    return None if words is None else unpacking.container(candidate, words=words)


def _lz4_of_other_size(candidate: Candidate) -> Fields | None:
    """The last word of an lz4 stream is not the size that it unpacks to."""
    kernel = candidate.kernel
    if kernel.container[-1:] != (LZ4,) or kernel.size_appended:
        return None
    return unpacking.stated_size(candidate)


def _overruns(candidate: Candidate) -> Fields | None:
    """The unpacked data is larger than Xen's buffer, and overwrites the stream."""
    kernel = candidate.kernel
    if not kernel.compressed or kernel.payload is None:
        return None
    return unpacking.stated_size(candidate) if kernel.payload.size > xen_buffer(kernel) else None


def _cut_by_stated_size(candidate: Candidate) -> Fields | None:
    """The size in the last word of the stream cuts off the ELF header."""
    kernel = candidate.kernel
    if kernel.payload is None or is_elf(candidate.data) or not is_elf(kernel.payload):
        return None
    return unpacking.stated_size(candidate)


def _other_size(candidate: Candidate) -> Fields | None:
    """The last word of the stream is not the size that it unpacks to."""
    kernel = candidate.kernel
    if kernel.payload is None or not kernel.compressed or kernel.size_appended:
        return None
    return unpacking.stated_size(candidate, real=kernel.payload.size)


_PLAIN_XZ = "compress with `xz --check=crc32`, and with no filter but --x86, as Linux's build does"
NO_MEMORY = "Not enough memory to relocate the dom0 kernel image"

_BZIMAGE_PARSE = "xen/arch/x86/bzimage.c, bzimage_parse"
_GET_BYTE = "xen/common/gzip/gunzip.c, get_byte"
_START_XEN = "xen/arch/x86/setup.c, __start_xen"
_GUNZIP = "xen/common/gzip/inflate.c, gunzip"

RULES = (
    Rule(
        "Z1",
        DOM0,
        unpacking.protocol_too_old,
        "Cannot load bzImage v{major}.{minor:02d} at least v2.08 is required",
        unpacking.NEWER,
        source="xen/arch/x86/bzimage.c, bzimage_check",
        live=True,
    ),
    Rule(
        "Z3",
        DOM0,
        unpacking.empty,
        "FATAL TRAP",
        f"{unpacking.ANEW}: Xen itself dies of an empty one",
        source=_BZIMAGE_PARSE,
        live=True,
    ),
    Rule(
        "Z3",
        DOM0,
        _far_outside,
        "FATAL TRAP",
        unpacking.ANEW + ": Xen itself dies of it, as {problem}",
        source=_BZIMAGE_PARSE,
        live=True,
    ),
    Rule(
        "Z3",
        DOM0,
        _gzip_outside,
        "ran out of input data",
        unpacking.ANEW + ": {problem}",
        source=_GET_BYTE,
        live=True,
    ),
    Rule(
        "Z3",
        DOM0,
        _outside,
        "",
        unpacking.ANEW + ": {problem}",
        probe=Probe.FILE,
        source=_BZIMAGE_PARSE,
        live=True,
    ),
    Rule("Z2", DOM0, _too_large_to_map, NO_MEMORY, "{fix}", source=_START_XEN, live=True),
    Rule(
        "Z2",
        DOM0,
        _large_to_map,
        NO_MEMORY,
        "this depends on the machine: Xen wants {mib} MiB ({assumed} MiB were assumed); {fix}",
        Effect.WARNING,
        source=_START_XEN,
        live=True,
    ),
    Rule(
        "Z3",
        DOM0,
        _cut_gzip,
        "ran out of input data",
        unpacking.ANEW + ": {problem}",
        source=_GET_BYTE,
        live=True,
    ),
    Rule(
        "Z3",
        DOM0,
        _damaged_gzip,
        "Panic on CPU 0",
        unpacking.ANEW + ": {problem}",
        source=_GUNZIP,
        live=True,
    ),
    Rule(
        "Z7",
        DOM0,
        _other_gzip,
        "{words}",
        "write the gzip header without a checksum of its own (the flag FHCRC), as gzip does",
        source=_GUNZIP,
        live=True,
    ),
    Rule(
        "Z7",
        DOM0,
        _other_xz,
        "{words}",
        _PLAIN_XZ,
        probe=Probe.FILE,
        source="xen/common/xz/dec_stream.c, dec_stream_header and dec_block_header",
        live=True,
    ),
    Rule(
        "Z3",
        DOM0,
        unpacking.damaged,
        "",
        unpacking.ANEW + ": {problem}",
        probe=Probe.FILE,
        source=_BZIMAGE_PARSE,
        live=True,
    ),
    Rule(
        "Z2",
        DOM0,
        unpacking.packed_with_zstd,
        "ELF: not an ELF binary",
        "compress with something else: Xen knows zstd since 4.15",
        before=ZSTD,
        source="xen/common/decompress.c, decompress",
        live=True,
    ),
    Rule(
        "Z2",
        DOM0,
        _lz4_of_other_size,
        "Decoding failed",
        "{fix}",
        source="xen/common/unlz4.c, unlz4",
        live=True,
    ),
    Rule(
        "Z2",
        DOM0,
        _overruns,
        "",
        "{fix}: Xen unpacks it over itself",
        probe=Probe.FILE,
        source=_BZIMAGE_PARSE,
        live=True,
    ),
    Rule(
        "Z2",
        DOM0,
        _cut_by_stated_size,
        "ELF: not an ELF binary",
        "{fix}",
        source=_BZIMAGE_PARSE,
        live=True,
    ),
    Rule(
        "Z2",
        DOM0,
        _other_size,
        "Xen takes {size:#x} for the size of the unpacked kernel, which is {real:#x}",
        "{fix}",
        Effect.WARNING,
        source=_BZIMAGE_PARSE,
        live=True,
    ),
)
