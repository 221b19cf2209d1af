# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules Z: images that break the rules of containers."""

from __future__ import annotations

import lzma
import struct
import zlib

from loaders.containers import CODECS, bzimage, packed
from loaders.good import good_both
from loaders.images import Broken


def containers() -> Broken:
    elf = bytes(good_both())
    for codec in CODECS:
        yield f"Z1-bzimage-{codec}", f"a bzImage of {codec}", bzimage(packed(codec, elf))
        yield f"Z2-{codec}", f"{codec} with its size appended", packed(codec, elf)
        if codec != "gzip":
            bare = packed(codec, elf, size_appended=False)
            yield f"Z2-{codec}-no-size", f"{codec} as the program makes it", bare
    gzipped = packed("gzip", elf)
    yield "Z1-protocol-2.07", "boot protocol 2.07", bzimage(gzipped, version=0x207)
    yield "Z1-protocol-2.08", "boot protocol 2.08", bzimage(gzipped, version=0x208)
    yield "Z1-payload-offset", "the payload is not at once", bzimage(gzipped, payload_offset=64)
    yield "Z1-bare-elf", "the payload is an ELF as it is", bzimage(elf)
    yield "Z3-empty", "an empty file", b""
    yield "Z3-truncated", "a bzImage ends in its payload", bzimage(gzipped)[:0x500]
    yield (
        "Z3-wild-offset",
        "payload_offset is far behind the end",
        bzimage(gzipped).replace(
            struct.pack("<II", 0, len(gzipped)), struct.pack("<II", 0x70000000, len(gzipped))
        ),
    )
    yield (
        "Z3-wild-length",
        "payload_length is far more than the file",
        bzimage(gzipped, payload_length=0x70000000),
    )
    extra = bytes(0x202 - 12) + b"HdrS" + bytes(0x100)
    header = gzipped[:3] + b"\4" + gzipped[4:10] + struct.pack("<H", len(extra))
    yield (
        "Z1-gzip-with-HdrS",
        "a gzip whose header holds the magic of a bzImage",
        header + extra + gzipped[10:],
    )
    extra = bzimage(gzipped)[12:]
    header = gzipped[:3] + b"\4" + gzipped[4:10] + struct.pack("<H", len(extra))
    yield (
        "Z1-gzip-with-bzimage",
        "a gzip whose header holds a bzImage with a gzip of its own",
        header + extra + gzipped[10:],
    )
    yield (
        "Z1-bzimage-with-gzip",
        "the same, but the outer gzip says a size that libxenguest leaves alone",
        header + extra + gzipped[10:-4] + struct.pack("<I", 0xE4526C7E),
    )
    yield "Z3-gzip-truncated", "gzip ends early", gzipped[: len(gzipped) // 2]
    yield "Z3-gzip-cut", "gzip ends early, but says its size", gzipped[:200] + gzipped[-4:]
    yield "Z3-gzip-damaged", "a bit of gzip's is another", _flipped(gzipped, 200)
    xz = packed("xz", elf)
    yield "Z3-xz-cut", "xz ends early, but says its size", xz[:200] + xz[-4:]
    yield "Z3-bzimage-xz-no-footer", "xz without its footer", bzimage(xz[:-16] + xz[-4:])
    yield "Z3-bzimage-xz-cut", "a bzImage of xz ends in its payload", bzimage(xz)[:0x500]
    yield "Z3-bzimage-xz-damaged", "a bit of xz's is another", bzimage(_flipped(xz, 200))
    yield "Z4-gzip-of-text", "gzip of a text", packed("gzip", b"no kernel\n" * 500)
    yield "Z4-bzimage-of-text", "a bzImage of a text", bzimage(packed("gzip", b"no kernel\n" * 500))
    yield "Z4-gzip-of-bzimage", "a bzImage in gzip", packed("gzip", bzimage(gzipped))
    yield "Z4-gzip-of-gzip", "gzip in gzip", packed("gzip", gzipped)
    yield "Z4-bzimage-of-gzip-of-gzip", "gzip twice in a bzImage", bzimage(packed("gzip", gzipped))
    insane = gzipped[:-4] + struct.pack("<I", (1 << 30) - 1)
    yield "Z3-gzip-insane", "the last word is just what libxenguest leaves alone", insane
    table = struct.pack("<3I", 0x336EC578, 0x10003, -(0x336EC578 + 0x10003) % (1 << 32))
    yield (
        "Z3-gzip-and-binary",
        "no gzip, and a table for multiboot-binary",
        b"\x1f\x8b" + bytes(58) + table + bytes(64),
    )
    yield from _settings(elf)
    yield from _sizes(elf)


def _settings(elf: bytes) -> Broken:
    """Yield streams that are valid, but that some loaders' decoders do not support."""
    size = struct.pack("<I", len(elf))
    plain = {"id": lzma.FILTER_LZMA2, "preset": 0}
    for name, check, filters in (
        ("none", lzma.CHECK_NONE, [plain]),
        ("crc64", lzma.CHECK_CRC64, [plain]),
        ("sha256", lzma.CHECK_SHA256, [plain]),
        ("x86", lzma.CHECK_CRC32, [{"id": lzma.FILTER_X86}, plain]),
        ("x86-offset", lzma.CHECK_CRC32, [{"id": lzma.FILTER_X86, "start_offset": 16}, plain]),
        ("arm", lzma.CHECK_CRC32, [{"id": lzma.FILTER_ARM}, plain]),
        ("delta", lzma.CHECK_CRC32, [{"id": lzma.FILTER_DELTA, "dist": 4}, plain]),
        ("x86-twice", lzma.CHECK_CRC32, [{"id": lzma.FILTER_X86}] * 2 + [plain]),
        ("dict-192", lzma.CHECK_CRC32, [{**plain, "dict_size": 192 << 20}]),
        ("dict-256", lzma.CHECK_CRC32, [{**plain, "dict_size": 256 << 20}]),
    ):
        stream = lzma.compress(elf, lzma.FORMAT_XZ, check, filters=filters) + size
        yield f"Z7-xz-{name}", f"xz with other settings: {name}", stream
        yield f"Z7-bzimage-xz-{name}", f"the same in a bzImage: {name}", bzimage(stream)
    large = {"id": lzma.FILTER_LZMA1, "preset": 0, "dict_size": 384 << 20}
    stream = lzma.compress(elf, lzma.FORMAT_ALONE, filters=[large]) + size
    yield "Z7-bzimage-lzma-dict-384", "lzma with a large dictionary", bzimage(stream)
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = deflate.compress(elf) + deflate.flush() + struct.pack("<2I", zlib.crc32(elf), len(elf))
    header = b"\x1f\x8b\x08\x02" + bytes(5) + b"\x03"
    stream = header + struct.pack("<H", zlib.crc32(header) & 0xFFFF) + body
    yield "Z7-gzip-header-crc", "gzip whose header has a checksum", stream
    yield "Z7-bzimage-gzip-header-crc", "the same in a bzImage", bzimage(stream)
    half = len(elf) // 2
    frames = [packed("zstd", part, size_appended=False) for part in (elf[:half], elf[half:])]
    stream = b"".join(frames) + size
    yield "Z7-zstd-two-frames", "zstd of two frames", stream
    yield "Z7-bzimage-zstd-two-frames", "the same in a bzImage", bzimage(stream)
    yield (
        "Z7-bzimage-zstd-and-more",
        "a zstd frame, garbage, and the size",
        bzimage(packed("zstd", elf, size_appended=False) + b"more" + size),
    )
    frames = [packed("lz4", part, size_appended=False) for part in (elf[:half], elf[half:])]
    stream = b"".join(frames) + size
    yield "Z7-lz4-two-frames", "lz4 of two frames", stream
    yield "Z7-bzimage-lz4-two-frames", "the same in a bzImage", bzimage(stream)
    # Frames with the longest window that Xen supports, and with twice that; not single-segment.
    for log in (27, 28):
        start = struct.pack("<IBB", 0xFD2FB528, 0, (log - 10) << 3)
        stream = start + (len(elf) << 3 | 1).to_bytes(3, "little") + elf + size
        yield f"Z7-bzimage-zstd-window-{log}", f"a window of 1 << {log}", bzimage(stream)


def _sizes(elf: bytes) -> Broken:
    """Yield streams with a wrong size at the end, where Linux's build appends the right one."""
    for codec in ("gzip", "xz", "lz4", "zstd"):
        stream = packed(codec, elf, size_appended=False)
        for name, size in (
            ("zero", 0),
            ("less", 0x1000),
            ("more", len(elf) + 0x1000),
            ("16-less", len(elf) - 16),
            ("17-less", len(elf) - 17),
            ("most", 1 << 30),
            ("huge", 0x50000000),
        ):
            other = stream + struct.pack("<I", size)
            yield f"Z2-{codec}-size-{name}", f"the last word is {size:#x}", other
            yield f"Z2-bzimage-{codec}-size-{name}", f"the last word is {size:#x}", bzimage(other)
    long = packed("xz", elf + bytes(1 << 20), size_appended=False)
    yield "Z2-xz-overruns", "there is no room to unpack it", long + bytes(4)


def _flipped(data: bytes, offset: int) -> bytes:
    return data[:offset] + bytes([data[offset] ^ 0x10]) + data[offset + 1 :]
