# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Model the filters of GRUB that unpack a file as it is read: gzio, xzio and lzopio.

A filter tells by some bytes at the start and at the end of a stream whether it knows it.  It finds
damage between them only when it reads that; the checksums of a block, or of the whole stream, are
compared when its end is read.  Sources: grub-core/io/gzio.c, xzio.c and lzopio.c, and lib/xzembed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ....image.block_streams import lzo_block
from ....image.container import BZIMAGE, KernelFile, refuse_unread, unpack, unwrap_stream
from ....image.data import Data, Resized
from ....image.elf import MASK_32
from ....image.stream_source import Damaged, Source
from ....light import NamedTuple
from ..decoders import XZ_LZMA2, xz_filters
from ..unwrapped import GZIP, Stream

_XZ, _LZO = "xz", "LZO"
_ORDER = (GZIP, _XZ, _LZO)
"""Each filter reads what the one before unpacks (grub_file_filter_id, include/grub/file.h)."""

_GZIP_DEFLATED = 8
_GZIP_UNKNOWN = 0xE2
"""Flags of gzip's header; a stream with one of them is not unpacked."""
_GZIP_WINDOW = 1 << 15
"""Bytes that gzio unpacks at once, after which it may compare the checksum."""

_XZ_HEADER, _XZ_FOOTER = 12, 12
_XZ_MAGIC_END = b"YZ"
_XZ_CHECKS = (0, 1, 4, 10)
"""The checks that GRUB knows: none, CRC32, CRC64 and SHA-256."""
_XZ_BRANCHES = range(4, 10)
"""Filters of branch instructions, of x86 and others."""
_XZ_DICTIONARY = 30
"""The code of 128 MiB, the largest dictionary for which a domain of 256 MiB has memory."""
_XZ_UNSUPPORTED = "xz file corrupted or unsupported block options"
PREMATURE_END = "premature end of file"
_XZ_DIGITS = 9
"""The most bytes of a number in the index."""
_XZ_RECORDS = 1 << 16
"""The most blocks that are read, more than a kernel has."""

_LZO_LIBRARY, _LZO_NEEDED = 0x0940, 0x20A0
"""The oldest version of lzo's library that may have made a stream, and that of Debian's GRUB."""
_LZO_HEADER = ">9x3H2xI12xB"
_LZO_MAGIC = b"\x89LZO\0\r\n\x1a\n"
_LZO_BLOCKS = 1 << 16
"""The most blocks that are read, more than a kernel has."""


def filtered(kernel: KernelFile, order: tuple[str, ...] = _ORDER) -> Stream | None:
    """Return what the filters make of the stream in a file; None if none of them knows it.

    The stream is all of the file, or the payload of a bzImage.  order: the filters to try.  Raises
    XenToolError if a Python package that unpacks the stream is not installed.
    """
    codec = kernel.container[-1] if kernel.compressed else ""
    if codec not in order:
        return None
    # A function returns None if its filter does not know the stream.
    stream = {GZIP: _gzip, _XZ: _xz, _LZO: _lzop}[codec](kernel)
    if stream is None or stream.data is None:
        return stream
    inner = unwrap_stream(kernel.path, stream.data)
    refuse_unread(inner)
    return filtered(inner, order[order.index(codec) + 1 :]) or stream


class Stated(Resized):
    """Content of which a stream states a larger size than it has."""

    def __init__(self, data: Data, size: int, words: str) -> None:
        super().__init__(data, size)
        self.there = data.size
        """The bytes that the content has."""
        self.words = words
        """GRUB's message when it reads more."""


def _content(payload: Data, size: int, words: str) -> Stream:
    """Return a stream of which GRUB expects size bytes, and reads those of payload.

    words: GRUB's message when it reads behind these.
    """
    if size > payload.size:
        return Stream(Stated(payload, size, words))
    return Stream(payload if size == payload.size else Resized(payload, size))


def _gzip(kernel: KernelFile) -> Stream | None:
    """Return what gzio makes of a file; None if it does not know it."""
    file, end = kernel.file, kernel.end
    flags = file.unsigned(kernel.start + 3, 1) or 0
    if file.unsigned(kernel.start + 2, 1) != _GZIP_DEFLATED or flags & _GZIP_UNKNOWN:
        return None
    if kernel.payload is None:
        return Stream(None)
    checksum, size = (file.unsigned(end - i, 4) or 0 for i in (8, 4))
    is_compared = size == kernel.payload.size or (size and not size % _GZIP_WINDOW)
    if is_compared and size <= kernel.payload.size and checksum != _crc32(kernel.payload, size):
        return Stream(None)
    return _content(kernel.payload, size, "premature end of compressed")


def _crc32(data: Data, size: int) -> int:
    import zlib

    source, found = Source(data, 0, size), 0
    while content := source.some():
        found = zlib.crc32(content, found)
    return found


def _xz(kernel: KernelFile) -> Stream | None:
    """Return what xzio makes of a file; None if it does not know it."""
    import zlib

    # grub_xen_file does not count the last word of a payload, which is its size.
    end = kernel.end - 4 if kernel.container[:1] == (BZIMAGE,) else kernel.end
    header = kernel.file.read(kernel.start, _XZ_HEADER)
    flags, checksum = header[6:8], int.from_bytes(header[8:], "little")
    is_known = not flags[:1].strip(b"\0") and flags[-1:] <= bytes([_XZ_CHECKS[-1]])
    if not is_known or flags[-1] not in _XZ_CHECKS or zlib.crc32(flags) != checksum:
        return None
    size = _xz_size(kernel.file, kernel.start, end)
    if size is None:
        return None
    if kernel.payload is None:
        return Stream(None)
    *others, last = xz_filters(kernel) or [(0, b"")]
    is_plain = len(others) < 2 and all(i in _XZ_BRANCHES and not more for i, more in others)
    if not is_plain or last[0] != XZ_LZMA2 or last[1] > bytes([_XZ_DICTIONARY]):
        return Stream(None, _XZ_UNSUPPORTED)
    return _content(kernel.payload, size, PREMATURE_END)


def _xz_size(file: Data, start: int, end: int) -> int | None:
    """Return the size that the index at the end of a stream states (test_footer)."""
    if file.read(end - len(_XZ_MAGIC_END), len(_XZ_MAGIC_END)) != _XZ_MAGIC_END:
        return None
    backward = ((file.unsigned(end - 8, 4) or 0) + 1) * 4 & MASK_32
    index = end - _XZ_FOOTER - backward
    # A seek to before the start fails without a word: GRUB goes on where it is.
    place = (index if index >= start else end - 4) + 1

    def number() -> int | None:
        nonlocal place
        content = file.read(place, min(_XZ_DIGITS, end - place))
        length = next((i + 1 for i, byte in enumerate(content) if byte < 0x80), 0)
        if not length or 0 in content[1:length]:
            return None
        place += length
        return sum((byte & 0x7F) << 7 * i for i, byte in enumerate(content[:length]))

    records, total = number(), 0
    if records is None or records > _XZ_RECORDS:
        return None
    for _ in range(records):
        unpadded, size = number(), number()
        if unpadded is None or size is None:
            return None
        total += size
    return total


class _Block(NamedTuple):
    """A block of an lzop file: file offset, sizes, and the checksums; None: it has none."""

    offset: int
    size: int
    unpacked: int
    sum_unpacked: int | None
    sum_packed: int | None


def _lzop(kernel: KernelFile) -> Stream | None:
    """Return what lzopio makes of a file; None if it does not know it."""
    flags = _lzop_flags(kernel)
    blocks = None if flags is None else _lzop_blocks(kernel, flags)
    if flags is None or blocks is None:
        return None

    def pieces(source: Source) -> Iterator[bytes]:
        for block in blocks:
            source.exactly(block.offset - kernel.start - source.taken)
            yield _lzop_content(block, source.exactly(block.size), flags)

    found = unpack(kernel.path, pieces, Source(kernel.file, kernel.start, kernel.end))
    return Stream(found)


def _lzop_flags(kernel: KernelFile) -> int | None:
    """Return the flags in the header of an lzop file; None if lzopio refuses the header."""
    size = struct.calcsize(_LZO_HEADER)
    header = kernel.file.read(kernel.start, size)
    if len(header) < size or not header.startswith(_LZO_MAGIC):
        return None
    _, library, needed, flags, name = struct.unpack(_LZO_HEADER, header)
    header += kernel.file.read(kernel.start + size, name)
    stated = kernel.file.unsigned(kernel.start + size + name, 4, big=True)
    is_known = library >= _LZO_LIBRARY and needed <= _LZO_NEEDED
    is_whole = stated == _lzop_sum(header[len(_LZO_MAGIC) :], is_crc32=bool(flags & 0x1000))
    return int(flags) if is_known and is_whole else None


def _lzop_sum(content: bytes, *, is_crc32: bool) -> int:
    """Return the CRC32 or the Adler-32 of bytes."""
    import zlib

    return zlib.crc32(content) if is_crc32 else zlib.adler32(content)


def _lzop_blocks(kernel: KernelFile, flags: int) -> list[_Block] | None:
    """Return the blocks of an lzop file; None if they are cut, or do not end with the file."""
    file, end = kernel.file, kernel.end
    place = kernel.start + struct.calcsize(_LZO_HEADER) + 4
    place += file.unsigned(kernel.start + struct.calcsize(_LZO_HEADER) - 1, 1) or 0
    found: list[_Block] = []

    def number() -> int:
        nonlocal place
        value = file.unsigned(place, 4, big=True) if place + 4 <= end else None
        place += 4
        return -1 if value is None else value

    while (unpacked := number()) > 0 and len(found) < _LZO_BLOCKS:
        size = number()
        sum_unpacked = number() if flags & 0x101 else None
        sum_packed = None
        if flags & 0x202:
            sum_packed = number() if size != unpacked else sum_unpacked or 0
        if not 0 <= size <= unpacked or place + size > end:
            return None
        found.append(_Block(place, size, unpacked, sum_unpacked, sum_packed))
        place += size
    return found if unpacked == 0 and place == end else None


def _lzop_content(block: _Block, content: bytes, flags: int) -> bytes:
    """Return the unpacked content of a block.

    Raises Damaged, or ImportError if the package that unpacks LZO is not installed.
    """
    packed = block.sum_packed
    if packed is not None and packed != _lzop_sum(content, is_crc32=bool(flags & 0x200)):
        raise Damaged("has a wrong sum")
    if block.size == block.unpacked:
        return content
    content = lzo_block(content, block.unpacked)
    unpacked = block.sum_unpacked
    if unpacked is not None and unpacked != _lzop_sum(content, is_crc32=bool(flags & 0x100)):
        raise Damaged("has a wrong sum")
    return content
