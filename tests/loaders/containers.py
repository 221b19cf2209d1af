# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Containers of kernels, written in code: Linux's bzImage, and a stream of each codec.

Codecs that Python lacks are written without compression, which every decoder must take.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable

SECTOR = 512
SETUP_SECTS = 1

REAL_MODE_EXIT_VALUE = 0x2B
"""What a bzImage's real-mode code writes to images.EXIT_PORT: QEMU booted it as Linux."""

_SETUP_CODE = 0x260
# mov $REAL_MODE_EXIT_VALUE, %al; out %al, $0xf4; cli; 1: hlt; jmp 1b
_REAL_MODE = bytes([0xB0, REAL_MODE_EXIT_VALUE]) + bytes.fromhex("e6f4 fa f4 ebfd")


def _xz(data: bytes) -> bytes:
    # As Linux's build: Xen's decoder knows no other check than these (CRC32, none).
    return lzma.compress(data, lzma.FORMAT_XZ, lzma.CHECK_CRC32)


def _lzma(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_ALONE)


def _lzo(data: bytes) -> bytes:
    """Return a file of lzop: a header, then blocks, which are stored without compression."""
    version, library, needed, method, level = 0x1030, 0x2080, 0x0940, 1, 5
    header = struct.pack(">3H2B", version, library, needed, method, level)
    header += struct.pack(">IIIIB", 0, 0o644, 0, 0, 0)  # flags, mode, mtime low, high, no name
    header += struct.pack(">I", zlib.adler32(header))
    block = struct.pack(">III", len(data), len(data), zlib.adler32(data)) + data
    return b"\x89LZO\0\r\n\x1a\n" + header + block + struct.pack(">I", 0)


def _lz4_legacy(data: bytes) -> bytes:
    """Return a legacy frame of lz4: a magic, then blocks with sizes; here one of literals only."""
    more = len(data) - 15
    block = b"\xf0" + b"\xff" * (more // 255) + bytes([more % 255]) + data
    return struct.pack("<II", 0x184C2102, len(block)) + block


def _zstd(data: bytes) -> bytes:
    """A frame of one raw block (RFC 8878, 3.1.1), so of at most 128 KiB."""
    assert len(data) <= 1 << 17
    size_of_4_bytes, single_segment, last_raw_block = 2 << 6, 1 << 5, 1
    header = struct.pack("<IBI", 0xFD2FB528, size_of_4_bytes | single_segment, len(data))
    return header + (len(data) << 3 | last_raw_block).to_bytes(3, "little") + data


CODECS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": _xz,
    "lzma": _lzma,
    "LZO": _lzo,
    "lz4": _lz4_legacy,
    "zstd": _zstd,
}


def packed(codec: str, data: bytes, *, size_appended: bool | None = None) -> bytes:
    """Return data packed by one of CODECS, as Linux's build makes a payload.

    The build appends the size of data, 32-bit little-endian, except to gzip, which ends with it
    anyway; size_appended overrides this.
    """
    appended = codec != "gzip" if size_appended is None else size_appended
    return CODECS[codec](data) + struct.pack("<I", len(data)) * appended


def bzimage(
    payload: bytes,
    *,
    version: int = 0x20F,
    payload_offset: int = 0,
    payload_length: int | None = None,
) -> bytes:
    """A bzImage with the fields that loaders read (Linux Documentation/arch/x86/boot.rst)."""
    setup = bytearray((SETUP_SECTS + 1) * SECTOR)
    length = len(payload) if payload_length is None else payload_length
    loaded_high, heap = 0x01, 0x80
    for offset, layout, value in (
        (0x1F1, "<B", SETUP_SECTS),
        (0x1F4, "<I", (len(payload) + 15) // 16),  # syssize
        (0x1FE, "<H", 0xAA55),  # boot_flag
        (0x200, "<H", 0xEB | (_SETUP_CODE - 0x202) << 8),  # jump
        (0x202, "<4s", b"HdrS"),
        (0x206, "<H", version),
        (0x211, "<B", loaded_high | heap),  # loadflags
        (0x214, "<I", 0x100000),  # code32_start
        (0x22C, "<I", 0x7FFFFFFF),  # initrd_addr_max
        (0x230, "<I", 0x200000),  # kernel_alignment
        (0x238, "<I", 0xFF),  # cmdline_size
        (0x248, "<I", payload_offset),
        (0x24C, "<I", length),  # payload_length
        (_SETUP_CODE, f"<{len(_REAL_MODE)}s", _REAL_MODE),
    ):
        struct.pack_into(layout, setup, offset, value)
    return bytes(setup) + bytes(payload_offset) + payload
