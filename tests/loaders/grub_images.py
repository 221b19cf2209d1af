# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Random images for GRUB: headers of ELF with other sizes and counts, and streams of each filter.

mutations.py has those for all loaders; these are what only GRUB reads in its own way.
"""

from __future__ import annotations

import gzip
import lzma
import random
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import lzokay

from loaders.broken import grub as broken
from loaders.containers import bzimage
from loaders.good import good_pv32, good_pv64
from loaders.images import Image
from xen_tool.elf import spec

_CHECKS = (lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256)
_LZMA2 = {"id": lzma.FILTER_LZMA2, "preset": 0}
_BEFORE_LZMA2: tuple[list[dict[str, int]], ...] = (
    [],
    [],
    [],
    [{"id": lzma.FILTER_X86}],
    [{"id": lzma.FILTER_X86, "start_offset": 16}],
    [{"id": lzma.FILTER_SPARC}],
    [{"id": lzma.FILTER_DELTA, "dist": 1}],
    [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_ARM}],
)
_LZOP_MAGIC = b"\x89LZO\0\r\n\x1a\n"
_CRC32_HEADER = 0x1000
_SIZES = (0, 1, 8, 32, 40, 55, 56, 57, 64, 112, 568, 4096, 65535)
_COUNTS = (0, 1, 2, 3, 4, 7, 20, 65535)
_ADDRESSES = (
    *(0, 1, 2, 0xFFF, 0x1000, 0x1FFF, 0x2000, 0x3000, 0x3F00, 0x1FF000, 0x200000, 0x201000),
    *(0x201100, 0x10000000, 0x3FFFFFFF, 0x80000000, 0xFFFFF000, 0xFFFFFFFF, 1 << 32, 1 << 63),
)
_SETUP = (0x1F1, 0x1FE, 0x200, 0x201, 0x202, 0x206, 0x211, 0x230, 0x234, 0x235, 0x238, 0x248, 0x260)
"""Offsets of fields in a bzImage; GRUB reads some of these."""


def for_commands(seed: int, count: int) -> list[bytes]:
    """Return images for multiboot, multiboot2 and linux, with some fields of headers changed."""
    rng = random.Random(seed)
    good = [bytes(broken.IMAGES[name]) for name in ("G3-good-32", "G3-good-64", "G4-fits")]
    good += [bytes(broken.IMAGES[name]) for name in ("G7-good-32", "G7-good-64", "G7-moves")]
    return [_for_command(rng, bytearray(rng.choice(good))) for _ in range(count)]


def _for_command(rng: random.Random, content: bytearray) -> bytes:
    for _ in range(rng.choice((1, 1, 2))):
        if not content.startswith(spec.ELFMAG):
            content[rng.choice(_SETUP)] = rng.choice((0, 1, 2, 4, 0x20, 0x7F, 0x80, 0xFF))
            continue
        is_64 = content[spec.EI_CLASS] == spec.ELFCLASS64
        kind = rng.random()
        if kind < 0.4:
            _other_count(rng, content)
        elif kind < 0.7:
            start, size, width = (64, 56, 8) if is_64 else (52, 32, 4)
            offset = start + size * rng.randrange(2) + rng.randrange(0, size, width)
            _put(content, offset, rng.choice(_ADDRESSES), width)
        elif kind < 0.8:
            _put(content, 24, rng.choice(_ADDRESSES), 8 if is_64 else 4)
        elif kind < 0.95:
            content[rng.choice((4, 5, 6, 7, 16, 18, 20))] = rng.choice((0, 1, 2, 3, 62, 255))
        else:
            return bytes(content[: rng.randrange(len(content))])
    return bytes(content)


def _put(content: bytearray, offset: int, value: int, width: int) -> None:
    content[offset : offset + width] = (value % (1 << 8 * width)).to_bytes(width, "little")


def images(bits: int, seed: int, count: int) -> list[bytes]:
    """Return images of 32-bit or 64-bit PV kernels, a third of them packed."""
    rng = random.Random(seed)
    good = (good_pv64, good_pv32)[bits == 32]
    plain = [good(), replace(good(), in_segment=False), replace(good(), section_align=16)]
    return [_one(rng, plain) for _ in range(count)]


def _one(rng: random.Random, plain: Sequence[Image]) -> bytes:
    if rng.random() < 0.6:
        return _with_fields(rng, rng.choice(plain))
    return _packed(rng, bytes(plain[0]))


def _with_fields(rng: random.Random, image: Image) -> bytes:
    """Return the image with other fields in its ELF header, perhaps cut or with a longer end."""
    content = bytearray(bytes(image))
    for _ in range(rng.choice((1, 1, 2))):
        _other_count(rng, content)
    if rng.random() < 0.2:
        return bytes(content[: rng.randrange(len(content))])
    return bytes(content) + bytes(rng.choice((0, 0, 4096, 600 * 4)))


def _other_count(rng: random.Random, content: bytearray) -> None:
    """Change e_phentsize, e_phnum, e_shentsize, e_shnum or e_shstrndx."""
    field = rng.randrange(5)
    start = 54 if content[spec.EI_CLASS] == spec.ELFCLASS64 else 42
    _put(content, start + 2 * field, rng.choice(_SIZES if field in (0, 2) else _COUNTS), 2)


def _packed(rng: random.Random, content: bytes) -> bytes:
    """Return a stream of the content, damaged or not, alone, in another stream, or in a bzImage."""
    for _ in range(rng.choice((1, 1, 1, 2))):
        content = _damaged(rng, rng.choice((_gzip, _xz, _lzop))(rng, content))
    if rng.random() < 0.5:
        return content
    content += rng.choice((b"", b"", struct.pack("<I", 0x5000), b"\0" * 4, b"more"))
    length = len(content) + rng.choice((0, 0, 0, 0, -4, 4, -1, 100))
    image = bzimage(content, payload_offset=rng.choice((0, 0, 16)), payload_length=length)
    return image + bytes(rng.choice((0, 0, 3)))


def _damaged(rng: random.Random, stream: bytes) -> bytes:
    kind = rng.random()
    if kind < 0.6:
        return stream
    if kind < 0.7:
        return stream + rng.choice((b"\0", b"more", stream[-4:], stream[-12:], stream))
    if kind < 0.75:
        return stream[: -rng.choice((1, 4, 8, 12, 200))]
    place = rng.choice((rng.randrange(40), -1 - rng.randrange(40), rng.randrange(len(stream))))
    other = bytearray(stream)
    other[place] ^= rng.choice((1, 0x80, 0xFF))
    return bytes(other)


def _gzip(rng: random.Random, content: bytes) -> bytes:
    stream = gzip.compress(content, rng.choice((0, 9)), mtime=0)
    flags = rng.choice((0, 0, 0, 1, 2, 4, 8, 16, 32, 64))
    more = {4: b"\3\0abc", 8: b"name\0", 16: b"comment\0"}.get(flags, b"")
    if flags == 2:
        more = struct.pack("<H", zlib.crc32(stream[:3] + b"\2" + stream[4:10]) & 0xFFFF)
    return stream[:3] + bytes([flags]) + stream[4:10] + more + stream[10:]


def _xz(rng: random.Random, content: bytes) -> bytes:
    filters = [*rng.choice(_BEFORE_LZMA2), _LZMA2]
    if rng.random() < 0.2:
        # Two streams; GRUB, which looks at the end of the file, finds the index of the second.
        half = rng.choice((len(content) // 2, len(content)))
        parts = (content[:half], content[half:] or content[:64])
        return b"".join(lzma.compress(part, check=rng.choice(_CHECKS)) for part in parts)
    return lzma.compress(content, check=rng.choice(_CHECKS), filters=filters)


def _lzop(rng: random.Random, content: bytes) -> bytes:
    flags = rng.choice((0, 1, 2, 3, 0x100, 0x200, 0x300, 0x301, 0x303, 0x101)) | (
        rng.choice((0, 0, _CRC32_HEADER))
    )
    name = rng.choice((b"", b"vmlinux"))
    library, needed = rng.choice(
        ((0x2080, 0x0940), (0x2080, 0x0940), (0x0930, 0), (0x20B0, 0x20A0), (0x20B0, 0x20B0))
    )
    header = struct.pack(">3H2B4IB", 0x1030, library, needed, 1, 5, flags, 0o644, 0, 0, len(name))
    header += name
    sum_of: Callable[[bytes], int] = zlib.crc32 if flags & _CRC32_HEADER else zlib.adler32
    stream = _LZOP_MAGIC + header + struct.pack(">I", sum_of(header))
    size = rng.choice((1000, 1 << 15, 1 << 18))
    for start in range(0, len(content), size):
        stream += _lzop_block(rng, content[start : start + size], flags)
    return stream + bytes(4)


def _lzop_block(rng: random.Random, content: bytes, flags: int) -> bytes:
    packed = content if rng.random() < 0.4 else bytes(lzokay.compress(content))
    packed = packed if len(packed) < len(content) else content
    block = struct.pack(">2I", len(content), len(packed))
    if flags & 0x101:
        block += struct.pack(">I", (zlib.crc32 if flags & 0x100 else zlib.adler32)(content))
    if flags & 0x202 and packed is not content:
        block += struct.pack(">I", (zlib.crc32 if flags & 0x200 else zlib.adler32)(packed))
    return block + packed
