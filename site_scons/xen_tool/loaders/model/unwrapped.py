# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The bytes that each loader finds in a kernel file's containers and parses, and their size.

Xen and libxenguest unwrap in different ways.  Both read the size of the content from the last
32-bit word before the end of the stream, whatever its true size is.  QEMU unwraps nothing.  The
rules in rules/xen/decompression.py and rules/libxenguest/ report the consequences.
"""

from __future__ import annotations

from ...abi import PAGE_SIZE
from ...elf import spec
from ...image.container import KernelFile, refuse_unread, unwrap, unwrap_stream
from ...image.data import Data, Resized
from ...light import NamedTuple
from . import decoders
from .releases import SYSTEM_LZ4, Xen

GZIP = "gzip"
GZIP_MAGIC = b"\x1f\x8b"
LZ4 = "lz4"
ZSTD = "zstd"

XEN_UNPACKED_LIMIT = (1 << 30) - (16 << 20)
"""Bytes of a dom0 image that Xen can map at once (BOOTSTRAP_MAP_LIMIT of arch/x86/setup.c)."""

_GUNZIP_SLACK = 16
"""Bytes that libxenguest adds to the stated size of what it gunzips."""
LIBXENGUEST_UNPACKED_LIMIT = 1 << 30
"""Bytes to which libxenguest unpacks: XC_DOM_DECOMPRESS_MAX."""
LIBXENGUEST_GUNZIP_LIMIT = LIBXENGUEST_UNPACKED_LIMIT - _GUNZIP_SLACK
_EXACT = frozenset({"xz", "lzma", LZ4, ZSTD})
"""Compressions that libxenguest unpacks to exactly the stated size; lz4 only since 4.22."""
LIBXENGUEST_CODECS = _EXACT | {GZIP}
"""Compressions of a bzImage that Debian's libxenguest supports."""


class Stream(NamedTuple):
    """A stream that a filter of GRUB knows."""

    data: Data | None
    """Its content; None if it is damaged, or if the filter does not support it."""
    unsupported: str | None = None
    """What GRUB says of a stream that the filter does not support."""


class Found(NamedTuple):
    """The data that a loader finds in a file."""

    data: Data
    """The bytes that the loader parses as an ELF file."""
    file: Data
    """The bytes in which the loader looks for a bzImage."""
    stream: Stream | None = None
    """The innermost stream that a filter of GRUB knows; None for other loaders."""


def by_qemu(kernel: KernelFile, _: Xen) -> Found:
    """Return what QEMU -kernel finds: the file."""
    return Found(kernel.file, kernel.file)


def by_xen(kernel: KernelFile, _: Xen) -> Found:
    """Return what Xen unpacks for dom0 (bzimage_parse, arch/x86/bzimage.c), or else the file."""
    if kernel.payload is None or decoders.xen_refuses(kernel):
        return Found(kernel.file, kernel.file)
    return Found(_resized(kernel.payload, kernel.stated_size), kernel.file)


def xen_buffer(kernel: KernelFile) -> int:
    """Return the bytes of memory in which Xen unpacks; 0 for an ELF file.

    They are those of bzimage_headroom (arch/x86/bzimage.c), and those of the stream.  The
    stream lies at the end of this memory; its content is written from the start on.
    """
    if kernel.payload is not None and not kernel.compressed and is_elf(kernel.payload):
        return 0
    size = kernel.end - kernel.start
    stated = kernel.file.unsigned(kernel.end - 4, 4) or 0
    if kernel.file.read(kernel.start, 2) == GZIP_MAGIC:
        headroom = stated + (stated >> 12) + 32768 + 18
    else:
        headroom = stated + size
    return -(-headroom // PAGE_SIZE) * PAGE_SIZE + size


def is_elf(data: Data) -> bool:
    """Whether data starts with ELF's magic and can hold an ELF32 header (elf_is_elfbinary)."""
    return data.size >= spec.EHDR_SIZE[32] and data.read(0, 4) == spec.ELFMAG


def by_libxenguest(kernel: KernelFile, xen: Xen) -> Found:
    """Return what libxenguest finds for a domU; the stream if it cannot unpack that.

    libxenguest gunzips the file (xg_dom_core.c), and the result may be a bzImage
    (xg_dom_bzimageloader.c).
    """
    file = _gunzipped_by_libxenguest(kernel, xen)
    if file is not kernel.file:
        kernel = unwrap(kernel.path, file)
        refuse_unread(kernel)
    if kernel.boot_protocol is None or (kernel.payload is None and not kernel.compressed):
        return Found(file, file)
    stream = kernel.file.part(kernel.start, kernel.end - kernel.start)
    if not kernel.compressed:
        return Found(stream, file)
    return Found(_unpacked_by_libxenguest(kernel, xen) or stream, file)


def _gunzipped_by_libxenguest(kernel: KernelFile, xen: Xen) -> Data:
    """Return the gunzipped file, or the file if libxenguest does not accept it as gzip."""
    if kernel.file.read(0, 2) != GZIP_MAGIC:
        return kernel.file
    if kernel.boot_protocol is not None:
        kernel = unwrap_stream(kernel.path, kernel.file)
    if kernel.container != (GZIP,):
        return kernel.file
    return _unpacked_by_libxenguest(kernel, xen) or kernel.file


def _unpacked_by_libxenguest(kernel: KernelFile, xen: Xen) -> Data | None:
    """Return the content of a stream; None if libxenguest cannot unpack it."""
    payload, codec, stated = kernel.payload, kernel.container[-1], kernel.stated_size
    limit = LIBXENGUEST_GUNZIP_LIMIT if codec == GZIP else LIBXENGUEST_UNPACKED_LIMIT
    if stated is None or stated > limit:
        return None
    if codec in _EXACT and not (kernel.size_appended and kernel.stream_end == kernel.end - 4):
        payload = decoders.by_libraries(kernel, stated)
    if payload is None:
        return None
    if decoders.libxenguest_memory(kernel, xen) is not None:
        return None
    if codec == GZIP and payload.size <= stated + _GUNZIP_SLACK:
        return _resized(payload, stated + _GUNZIP_SLACK)
    if codec == LZ4 and payload.size <= stated and not xen.has(SYSTEM_LZ4):
        return _resized(payload, stated)
    return payload if codec in _EXACT and payload.size == stated else None


def _resized(data: Data, size: int | None) -> Data:
    return data if size is None or size == data.size else Resized(data, size)
