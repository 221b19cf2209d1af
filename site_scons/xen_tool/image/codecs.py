# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Unpack streams of the compressions that Linux's build and Xen have.

Libraries decompress the data; the formats of lz4's legacy frame and of lzop's
file, which the libraries do not read, are parsed here:

    lz4 legacy frame  u32 magic 0x184c2102, then blocks: u32 size, data; all little-endian.
                      A block unpacks to 8 MiB, the last one to less.
    lzop              magic, header, then blocks: u32 size of the content (0: the end),
                      u32 size of the data, u32 checksum of the content, data; all
                      big-endian.  A block unpacks to 256 KiB, the last one to less.  (Xen and
                      Linux expect that one checksum, whatever the header says.)

Loaders read the first stream and ignore what follows it, so it is ignored here too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from ..light import NamedTuple
from .data import Data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from backports.zstd import ZstdDecompressor

    class _Decompressor(Protocol):
        """The interface that the decompressors of bz2, lzma and zstd share."""

        @property
        def eof(self) -> bool: ...
        @property
        def needs_input(self) -> bool: ...
        @property
        def unused_data(self) -> bytes: ...
        def decompress(self, data: bytes, max_length: int) -> bytes: ...


_PIECE = 1 << 20

_LZ4_MAGIC = 0x184C2102
_LZ4_BLOCK = 8 << 20
_LZOP_MAGIC = b"\x89LZO\0\r\n\x1a\n"
_LZOP_BLOCK = 256 << 10
_LZOP_ADLER32 = 0x1
_LZOP_FILTER = 0x800
_LZOP_LEVEL_SINCE = 0x0940

_DICTIONARY = 1536 << 20
"""Largest dictionary that xz and lzma write.  Memory is used only for what was unpacked."""
_ZSTD_WINDOW_LOG = 27
"""A window of 128 MiB, which Linux's build uses (--ultra -22): the largest that Xen accepts."""
_ZSTD_LONGEST_WINDOW_LOG = 31
_ZSTD_FRAMES = 1024
"""Frames of one stream that are read; a kernel has one."""
_LZ4_BLOCKS = 1 << 16
"""Blocks and magic numbers of one stream that are read; a block has 8 MiB."""
_ZSTD_PIECE = 1 << 16
"""Bytes that are read for each frame, at least."""
_DECODER = 1 << 20
"""More bytes than liblzma needs besides its dictionary."""


class Damaged(Exception):  # noqa: N818
    """The stream cannot be unpacked.  The text ends a sentence that begins with the stream."""


class NoMemory(Exception):  # noqa: N818
    """There is not enough memory to unpack the stream, which may be valid."""


class CutShort(Damaged):
    """The stream ends early."""

    def __init__(self) -> None:
        super().__init__("ends early; the file was cut short")


class Source:
    """Reads the bytes [start, end) of data in sequence."""

    def __init__(self, data: Data, start: int, end: int) -> None:
        self._data = data
        self._start = self._next = start
        self._end = min(end, data.size)

    @property
    def taken(self) -> int:
        """The number of bytes read so far."""
        return self._next - self._start

    @property
    def left(self) -> int:
        """The number of bytes not yet read."""
        return self._end - self._next

    def some(self, size: int = _PIECE) -> bytes:
        """Return the next bytes, at most size; b"" at the end."""
        content = self._data.read(self._next, min(size, self.left))
        self._next += len(content)
        return content

    def give_back(self, size: int) -> None:
        """Count the last size bytes that were read as not yet read."""
        self._next -= size

    def exactly(self, size: int) -> bytes:
        """Return the next size bytes; raises Damaged if there are fewer."""
        content = self._data.read(self._next, min(size, self.left))
        if len(content) < size:
            raise CutShort
        self._next += size
        return content

    def number(self, width: int, *, big: bool = False) -> int:
        """Return the unsigned integer in the next width bytes."""
        return int.from_bytes(self.exactly(width), "big" if big else "little")


def _pieces(
    source: Source, decompressor: _Decompressor, error: type[Exception], size: int = _PIECE
) -> Iterator[bytes]:
    """Yield the content of a stream, which is read in pieces of that size.

    The source is at the end of the stream then.
    """
    while not decompressor.eof:
        content = b""
        if decompressor.needs_input and not (content := source.some(size)):
            raise CutShort
        try:
            piece = decompressor.decompress(content, _PIECE)
        except (error, EOFError) as reason:
            if "not enough memory" in str(reason):
                raise NoMemory from reason
            raise Damaged(f"cannot be unpacked ({reason})") from reason
        except MemoryError:
            raise NoMemory from None
        if decompressor.eof:
            source.give_back(len(decompressor.unused_data))
        yield piece


class _Gunzip:
    """zlib's decompressor with the interface of the others."""

    def __init__(self) -> None:
        import zlib

        self._zlib = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


def _gzip(source: Source) -> Iterator[bytes]:
    import zlib

    return _pieces(source, _Gunzip(), zlib.error)


def _bzip2(source: Source) -> Iterator[bytes]:
    import bz2

    return _pieces(source, bz2.BZ2Decompressor(), OSError)


def _xz(source: Source) -> Iterator[bytes]:
    import lzma

    limit = _DICTIONARY + _DECODER
    return _pieces(source, lzma.LZMADecompressor(lzma.FORMAT_XZ, limit), lzma.LZMAError)


def _lzma(source: Source) -> Iterator[bytes]:
    import lzma

    limit = _DICTIONARY + _DECODER
    return _pieces(source, lzma.LZMADecompressor(lzma.FORMAT_ALONE, limit), lzma.LZMAError)


def _zstd(source: Source) -> Iterator[bytes]:
    decompressor, error = _zstd_decompressor(_ZSTD_WINDOW_LOG)
    return _pieces(source, decompressor, error)


def zstd_frames(source: Source) -> Iterator[bytes]:
    """Yield the content of all frames, with windows of any size; raises Damaged."""
    for _ in range(_ZSTD_FRAMES):
        decompressor, error = _zstd_decompressor(_ZSTD_LONGEST_WINDOW_LOG)
        yield from _pieces(source, decompressor, error, _ZSTD_PIECE)
        if not source.left:
            return
    raise Damaged("has more frames than are read")


def _zstd_decompressor(window_log: int) -> tuple[ZstdDecompressor, type[Exception]]:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    options = {int(zstd.DecompressionParameter.window_log_max): window_log}
    return zstd.ZstdDecompressor(options=options), zstd.ZstdError


def _lz4(source: Source) -> Iterator[bytes]:
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
        _expect_end(len(content) < _LZ4_BLOCK and source.left > 4)
    raise Damaged("has more blocks than are read")


def lz4_frames(source: Source) -> Iterator[bytes]:
    """Yield the content of all legacy frames, with blocks of any size.

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


def _lzo(source: Source) -> Iterator[bytes]:
    import zlib

    flags = _lzop_header(source)
    while content_size := source.number(4, big=True):
        size = source.number(4, big=True)
        checksum = source.number(4, big=True)
        if not 0 < size <= content_size <= _LZOP_BLOCK:
            raise Damaged("cannot be unpacked (a block has a wrong size)")
        content = source.exactly(size)
        if size < content_size:
            content = lzo_block(content, content_size)
        if flags & _LZOP_ADLER32 and zlib.adler32(content) != checksum:
            raise Damaged("cannot be unpacked (a checksum is wrong)")
        yield content
        _expect_end(content_size < _LZOP_BLOCK and source.left > 8)


def lzo_block(content: bytes, size: int) -> bytes:
    """Return what a block unpacks to, of a size; raises Damaged, or ImportError."""
    from lzokay import LzokayError, decompress

    try:
        return bytes(decompress(content, size))
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


def _expect_end(wrong: bool) -> None:
    # With short blocks anywhere, little content could take any number of blocks.
    if wrong:
        raise Damaged("cannot be unpacked (a short block is not the last)")


class Codec(NamedTuple):
    """A compression."""

    name: str
    magic: bytes
    """The first bytes of a stream, as many as Xen's decompress() compares."""
    package: str
    """The Python package that unpacks it; "" for Python's standard library."""
    pieces: Callable[[Source], Iterator[bytes]]
    """Yields the content of the stream at the source; raises Damaged, or ImportError."""


CODECS = (
    Codec("gzip", b"\x1f\x8b", "", _gzip),
    Codec("bzip2", b"BZh", "", _bzip2),
    Codec("xz", b"\xfd7zXZ\0", "", _xz),
    Codec("lzma", b"\x5d\0", "", _lzma),
    Codec("LZO", b"\x89LZO\0", "lzokay", _lzo),
    Codec("lz4", b"\x02\x21", "lz4", _lz4),
    Codec("zstd", b"\x28\xb5\x2f\xfd", "backports.zstd", _zstd),
)
"""All codecs, in the order in which Xen tries them."""
