# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Unpack lz4's legacy frames and files of lzop.

Libraries unpack the blocks, but do not read these formats:

    lz4 legacy frame  u32 magic 0x184c2102, then blocks: u32 size, data; all little-endian.
                      A block unpacks to 8 MiB, the last one to 8 MiB or less.  Another frame
                      may follow, and then the size of the content (u32), which Linux's build
                      appends.
    lzop              magic, header, then blocks: u32 size of the content (0: the end),
                      u32 size of the data, u32 checksum of the content, data; all
                      big-endian.  A block unpacks to 256 KiB, the last one to 256 KiB or less.
                      (Xen and Linux read this one checksum, whichever the flags announce.)

Used by codecs.py, and by models of loaders that accept blocks of other sizes.
"""

from __future__ import annotations

from collections.abc import Iterator

from .stream_source import Damaged, Source

_LZ4_MAGIC = 0x184C2102
_LZ4_BLOCK = 8 << 20
_LZOP_MAGIC = b"\x89LZO\0\r\n\x1a\n"
_LZOP_BLOCK = 256 << 10
_LZOP_ADLER32 = 0x1
_LZOP_FILTER = 0x800
_LZOP_LEVEL_SINCE = 0x0940
_LZ4_BLOCKS = 1 << 16
"""Most blocks and magic numbers that are read of one stream; a block unpacks to 8 MiB."""


class _ShortBlock(Damaged):
    """A block before the last is short: any number of such blocks would yield little content."""

    def __init__(self) -> None:
        super().__init__("cannot be unpacked (a short block is not the last)")


def lz4(source: Source) -> Iterator[bytes]:
    """Yield the content of a stream as Linux's build makes it; raises Damaged, or ImportError."""
    from lz4.block import LZ4BlockError, decompress

    if source.number(4) != _LZ4_MAGIC:
        raise Damaged("cannot be unpacked (no magic number of a legacy frame)")
    for _ in range(_LZ4_BLOCKS):
        if not source.left:
            return
        size = source.number(4)
        if not source.left:
            source.give_back(4)  # They are the size that Linux's build appends.
            return
        if size == _LZ4_MAGIC:
            continue  # Another frame follows.
        try:
            content = decompress(source.exactly(size), uncompressed_size=_LZ4_BLOCK)
        except LZ4BlockError as reason:
            raise Damaged(f"cannot be unpacked ({reason})") from reason
        yield content
        if len(content) < _LZ4_BLOCK and source.left > 4:
            raise _ShortBlock
    raise Damaged("has more blocks than are read")


def lz4_frames(source: Source) -> Iterator[bytes]:
    """Yield the content of all legacy frames, with blocks of any size up to 8 MiB.

    Raises Damaged, or ImportError.
    """
    from lz4.block import LZ4BlockError, decompress

    for _ in range(_LZ4_BLOCKS):
        if not source.left:
            return
        size = source.number(4)
        if size == _LZ4_MAGIC:
            continue
        try:
            yield decompress(source.exactly(size), uncompressed_size=_LZ4_BLOCK)
        except LZ4BlockError as reason:
            raise Damaged(f"cannot be unpacked ({reason})") from reason
    raise Damaged("has more blocks than are read")


def lzop(source: Source) -> Iterator[bytes]:
    """Yield the content of a file of lzop; raises Damaged, or ImportError."""
    import zlib

    flags = _lzop_header(source)
    while content_size := source.number(4, big=True):
        size = source.number(4, big=True)
        checksum = source.number(4, big=True)
        if not 0 < size <= content_size <= _LZOP_BLOCK:
            raise Damaged("cannot be unpacked (a block has a wrong size)")
        data = source.exactly(size)
        content = data if size == content_size else lzo_block(data, content_size)
        if flags & _LZOP_ADLER32 and zlib.adler32(content) != checksum:
            raise Damaged("cannot be unpacked (a checksum is wrong)")
        yield content
        if content_size < _LZOP_BLOCK and source.left > 8:
            raise _ShortBlock


def lzo_block(data: bytes, content_size: int) -> bytes:
    """Return the content of a block, of content_size bytes; raises Damaged, or ImportError."""
    from lzokay import LzokayError, decompress

    try:
        return bytes(decompress(data, content_size))
    except LzokayError as reason:
        raise Damaged(f"cannot be unpacked ({reason})") from reason


def _lzop_header(source: Source) -> int:
    """Skip the header as Xen does; return its flags."""
    if source.exactly(len(_LZOP_MAGIC)) != _LZOP_MAGIC:
        raise Damaged("cannot be unpacked (no magic number of lzop)")
    newer = source.number(2, big=True) >= _LZOP_LEVEL_SINCE
    source.exactly(2 + 2 + 1 + newer)  # versions of the library and needed, method, level
    flags = source.number(4, big=True)
    source.exactly((4 if flags & _LZOP_FILTER else 0) + 4 + 4 + 4 * newer)  # mode, mtime
    source.exactly(source.number(1) + 4)  # name, checksum
    return flags
