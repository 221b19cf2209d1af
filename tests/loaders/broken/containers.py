# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules Z: what is unwrapped before anybody sees an ELF."""

from __future__ import annotations

import struct

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
    yield from _sizes(elf)


def _sizes(elf: bytes) -> Broken:
    """What stands where Linux's build appends the size."""
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
