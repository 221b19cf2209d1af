# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The limits of the decoders of Xen and of libxenguest, which refuse some valid streams.

image/codecs.py unpacks a stream as its format defines.  Xen's decoders, which are old ones of
Linux, implement less of gzip and xz; libxenguest's libraries have limits of size.
A stream begins at KernelFile.start.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...image.block_streams import lz4_frames
from ...image.codecs import CODECS, zstd_frames
from ...image.container import KernelFile, unpack
from ...image.data import Data
from ...image.stream_source import CutShort, Source
from .releases import XZ_256_MIB, Xen

_GZIP_MULTI_PART = 0x02
"""A flag of gzip headers: FHCRC in RFC 1952, but CONTINUATION to an older gzip and to Xen."""

_XZ_BLOCK = 12
"""Offset of the header of the first block, after the header of the stream."""
_XZ_CHECK_CRC32 = 1
_XZ_X86, XZ_LZMA2 = 0x04, 0x21
_XZ_LARGEST_DICTIONARY = 39
_XZ_OTHER_SETTINGS = "Input was encoded with settings that are not supported by this XZ decoder"

_LZMA_DECODER = 1 << 16
"""A lower bound of the bytes that liblzma counts in addition to the dictionary."""


def xen_refuses(kernel: KernelFile) -> str | None:
    """Return the message of Xen's decoder for a stream with settings that it lacks; else None.

    xen/common/gzip/inflate.c (gunzip), xen/common/xz/dec_stream.c (dec_stream_header,
    dec_block_header).  Only the first block of an xz stream is checked.
    """
    if kernel.container[-1:] == ("gzip",):
        flags = kernel.file.unsigned(kernel.start + 3, 1) or 0
        return "Multi part input" if flags & _GZIP_MULTI_PART else None
    if kernel.container[-1:] != ("xz",):
        return None
    check = kernel.file.unsigned(kernel.start + 7, 1) or 0
    if check & 0xF > _XZ_CHECK_CRC32 or not _is_plain(xz_filters(kernel)):
        return _XZ_OTHER_SETTINGS
    return None


def _is_plain(filters: list[tuple[int, bytes]]) -> bool:
    """Whether the filters are LZMA2, optionally after the x86 filter with start offset 0."""
    if filters and filters[0] == (_XZ_X86, b""):
        filters = filters[1:]
    if len(filters) != 1 or filters[0][0] != XZ_LZMA2:
        return False
    properties = filters[0][1]
    return len(properties) == 1 and properties[0] <= _XZ_LARGEST_DICTIONARY


def xz_filters(kernel: KernelFile) -> list[tuple[int, bytes]]:
    """Return id and properties of each filter of an xz stream's first block; [] if it is damaged.

    The format is that of The XZ File Format, 3.1.
    """
    start = kernel.start + _XZ_BLOCK
    size = ((kernel.file.unsigned(start, 1) or 0) + 1) * 4
    header = kernel.file.read(start, size)
    if len(header) < size or size < 8:
        return []
    flags, position = header[1], 2
    found = []

    def number() -> int:
        # A number has seven bits per byte, the lowest first; bit 7 is set in all but the last byte.
        nonlocal position
        value = shift = 0
        while True:
            byte = header[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    try:
        # The compressed and the uncompressed size come before the filters.
        for has_size in (flags & 0x40, flags & 0x80):
            if has_size:
                number()
        for _ in range((flags & 3) + 1):
            filter_id, size = number(), number()
            found.append((filter_id, header[position : position + size]))
            position += size
    except IndexError:
        return []
    return found


def libxenguest_memory(kernel: KernelFile, xen: Xen) -> tuple[int, int] | None:
    """Return the size of an xz or lzma stream's dictionary and the limit, in bytes.

    None if libxenguest has memory for the dictionary.  The limit is LZMA_BLOCK_SIZE of
    tools/libs/guest/xg_dom_bzimageloader.c.
    """
    limit = (256 if xen.has(XZ_256_MIB) else 128) << 20
    match kernel.container[-1:]:
        case ("xz",):
            filters = xz_filters(kernel)
            code = filters[-1][1][0] if filters and filters[-1][1] else 0
            dictionary = (2 | code & 1) << (code // 2 + 11)
        case ("lzma",):
            dictionary = kernel.file.unsigned(kernel.start + 1, 4) or 0
        case _:
            return None
    return (dictionary, limit) if dictionary + _LZMA_DECODER > limit else None


def by_libraries(kernel: KernelFile, size: int) -> Data | None:
    """Return what libxenguest's libraries unpack of a stream to size bytes; None if they fail.

    The last word of the payload, the size, is not part of the stream.  ZSTD_decompress accepts
    frames of any window, xc_try_lz4_decode blocks of any size; both refuse anything else behind a
    frame.  lzma_code stops when the buffer is full, and does not require the end of an xz or lzma
    stream.
    """
    codec = kernel.container[-1]
    pieces = {codec.name: codec.pieces for codec in CODECS if codec.name in ("xz", "lzma")}
    pieces |= {"zstd": zstd_frames, "lz4": lz4_frames}
    source = Source(kernel.file, kernel.start, max(kernel.start, kernel.end - 4))
    if codec not in ("xz", "lzma"):
        return unpack(kernel.path, pieces[codec], source)

    def first(source: Source) -> Iterator[bytes]:
        left = size
        try:
            for piece in pieces[codec](source):
                yield piece[:left]
                left -= len(piece)
                if left < 0:
                    return
        except CutShort:
            return

    return unpack(kernel.path, first, source)
