# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Unpack streams of the compressions that Linux's build and Xen have.

Libraries decompress the data; block_streams.py parses the two formats that they do not read.
The codecs read the first stream and ignore what follows it; loaders/model/decoders.py has the
loaders that do not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from ..light import NamedTuple
from .block_streams import lz4, lzop
from .stream_source import PIECE, CutShort, Damaged, NoMemory, Source

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


_DICTIONARY = 1536 << 20
"""Largest dictionary that xz and lzma write, in bytes; only what is unpacked takes memory."""
_ZSTD_WINDOW_LOG = 27
"""log2 of the largest window that Xen accepts, in bytes; Linux's build uses it (--ultra -22)."""
_ZSTD_LONGEST_WINDOW_LOG = 31
"""log2 of the largest window that the zstd library accepts, in bytes."""
_ZSTD_FRAMES = 1024
"""Most frames that are read of one stream; a kernel has one."""
_ZSTD_PIECE = 1 << 16
"""Bytes that are read at a time, as a frame may be short."""
_DECODER = 1 << 20
"""An upper bound of the memory that liblzma needs besides its dictionary, in bytes."""


def _pieces(
    source: Source, decompressor: _Decompressor, error: type[Exception], size: int = PIECE
) -> Iterator[bytes]:
    """Yield the content of a stream, of which size bytes are read at a time.

    Afterwards the source is just behind the stream.  Raises Damaged or NoMemory.
    """
    while not decompressor.eof:
        packed = b""
        if decompressor.needs_input and not (packed := source.some(size)):
            raise CutShort
        try:
            piece = decompressor.decompress(packed, PIECE)
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
    """Yield the content of all frames, with windows of any size.

    Raises Damaged, NoMemory or ImportError.
    """
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


class Codec(NamedTuple):
    """A compression: how its streams begin, and what unpacks them."""

    name: str
    magic: bytes
    """The first bytes of a stream, as many as Xen's decompress() compares."""
    package: str
    """The Python package that unpacks it; "" for the standard library."""
    pieces: Callable[[Source], Iterator[bytes]]
    """Yields the content of the stream at a source; raises Damaged, NoMemory or ImportError."""


CODECS = (
    Codec("gzip", b"\x1f\x8b", "", _gzip),
    Codec("bzip2", b"BZh", "", _bzip2),
    Codec("xz", b"\xfd7zXZ\0", "", _xz),
    Codec("lzma", b"\x5d\0", "", _lzma),
    Codec("LZO", b"\x89LZO\0", "lzokay", lzop),
    Codec("lz4", b"\x02\x21", "lz4", lz4),
    Codec("zstd", b"\x28\xb5\x2f\xfd", "backports.zstd", _zstd),
)
"""All codecs, in the order in which Xen tries them."""
