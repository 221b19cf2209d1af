# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Open a kernel image, and unwrap the ELF file in it.

Used by every check of an image.  One container is unwrapped, as Xen does for
dom0 (xen/arch/x86/bzimage.c): a Linux bzImage with its payload, which may be
compressed, or one bare compressed stream.  Of a unified EFI image, the
kernel in it is unwrapped as well.  The fields of a bzImage are those of
Linux's x86 boot protocol (Documentation/arch/x86/boot.rst):

    0x1f1  u8   setup_sects: sectors of real-mode code after the first
    0x202  u32  header: "HdrS"
    0x206  u16  version of the protocol, such as 0x20f for 2.15
    0x248  u32  payload_offset, from the end of the real-mode code; since 2.08
    0x24c  u32  payload_length
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from ..elf import spec
from ..errors import XenToolError
from ..files import open_regular
from ..light import NamedTuple
from ..printable import printable
from .codecs import CODECS, Codec
from .data import Data
from .stream_source import CutShort, Damaged, NoMemory, Source

BZIMAGE = "bzImage"
"""The format, and the outermost container, of a Linux bzImage."""
UNIFIED = "unified xen.efi"
"""The format, up to that of the kernel in it, of Xen's EFI binary with a section .kernel."""

_SECTOR = 512
_SETUP_HEADER_SIZE = 0x250
_PAYLOAD_SINCE = 0x208
"""The first version of the boot protocol that has the fields of the payload."""

_MIB = 1 << 20
UNPACKED_LIMIT = 512 * _MIB
"""More bytes than any kernel unpacks to: Linux KERNEL_IMAGE_SIZE on x86-64."""
UNPACKED_SMALL = 48 * _MIB
"""Bytes to which any stream may unpack."""
UNPACKED_RATIO = 16
"""A stream may also unpack to so many times the bytes read of it; kernels unpack to 3 to 10 times.

This stops a decompression bomb early, before the window of its decoder, which may be 128 MiB
for Linux's zstd and xz, uses too much memory.
"""
_UNPRODUCTIVE = 4 * _MIB
"""Bytes by which the input read may exceed the output; some streams never yield any output."""


class KernelFile(NamedTuple):
    """A kernel image and what was found in it; close() closes its files."""

    path: str
    format: str
    """The format in text: "ELF", "gzip", "bzImage (zstd)"; "raw" if it is unknown."""
    file: Data
    payload: Data | None
    """The content of the container; the file itself if there is none; None: see problem."""
    problem: str | None
    """Why there is no payload, in a clause such as "the xz stream at offset 0x0 ends early"."""
    container: tuple[str, ...]
    """The containers, outermost first: ("bzImage", "zstd"), ("gzip",); () if there is none."""
    boot_protocol: int | None
    """The boot protocol of a bzImage, such as 0x20f for 2.15."""
    start: int
    """Offset of the payload in the file, or of the stream that it is unpacked from."""
    end: int
    """Offset of the end of that payload or stream, as the container says: maybe behind the file."""
    unread: bool = False
    """Whether the payload is missing because a Python package is not installed."""
    cut_short: bool = False
    """Whether the payload is missing because the stream ends early."""
    stream_end: int | None = None
    """Offset of the end of the stream, as it says; None if no payload was unpacked from one."""
    embedded: KernelFile | None = None
    """The kernel in the section .kernel, if the file is Xen's EFI binary and has one; else None.

    Only Xen's EFI binary finds that kernel: for other loaders, payload is the file itself, which
    is no kernel.
    """

    @property
    def inner(self) -> KernelFile:
        """The kernel in a unified EFI image; else this file."""
        return self.embedded or self

    @property
    def compressed(self) -> bool:
        """Whether there is a stream of a known compression at `start`."""
        return self.container not in ((), (BZIMAGE,))

    @property
    def stated_size(self) -> int | None:
        """The size of the payload according to Xen: the last 32-bit word of a compressed stream."""
        return self.file.unsigned(self.end - 4, 4) if self.compressed else None

    @property
    def size_appended(self) -> bool:
        """Whether stated_size is the payload's size, as with gzip and images of Linux's build."""
        return self.payload is not None and self.stated_size == self.payload.size

    def close(self) -> None:
        """Close the files; further calls do nothing."""
        self.file.close()
        if self.payload is not None:
            self.payload.close()
        if self.embedded is not None:
            self.embedded.close()

    def __enter__(self) -> KernelFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_kernel(path: str | os.PathLike[str]) -> KernelFile:
    """Open a kernel image and unwrap it.

    Raises XenToolError if it cannot be opened or read, if it is not a file, or if there is no
    space to unpack it.  A container that cannot be unwrapped is no error: it is reported in
    KernelFile.problem.
    """
    name = os.fspath(path)
    return unwrap(name, Data.of_file(open_regular(name, "the file of a kernel image"), name))


def unwrap(path: str, file: Data) -> KernelFile:
    """Unwrap the container that a file is; path is for messages.  Raises as open_kernel() does."""
    kernel = _unwrap(path, file)
    if kernel.format != "raw" or file.read(0, 2) != b"MZ":
        return kernel
    from . import pe

    found = pe.pe_of(file)
    section = found and found.section(pe.KERNEL)
    if found is None or section is None:
        return kernel
    embedded = _unwrap(path, found.content(section))
    return kernel._replace(format=f"{UNIFIED} ({embedded.format})", embedded=embedded)


def _unwrap(path: str, file: Data) -> KernelFile:
    if file.size >= _SETUP_HEADER_SIZE and has_setup_header(file):
        return _bzimage(path, file)
    return unwrap_stream(path, file)


def has_setup_header(file: Data) -> bool:
    """Whether a file has the magic of Linux's setup header (Documentation/arch/x86/boot.rst)."""
    return file.read(0x202, 4) == b"HdrS"


def unwrap_stream(path: str, file: Data) -> KernelFile:
    """Unwrap a file like unwrap(), but ignore a bzImage's setup header."""
    what = "ELF" if file.read(0, 4) == spec.ELFMAG else "raw"
    image = KernelFile(path, what, file, file, None, (), None, 0, file.size)
    codec = _codec(file, 0, file.size)
    return _unpacked(image, codec, 0, file.size) if codec else image


def _bzimage(path: str, file: Data) -> KernelFile:
    protocol = file.unsigned(0x206, 2) or 0
    setup_sects = file.unsigned(0x1F1, 1) or 0
    # Linux reads a setup_sects of 0 as 4, but neither Xen nor libxenguest does.
    start = (setup_sects + 1) * _SECTOR + (file.unsigned(0x248, 4) or 0)
    end = start + (file.unsigned(0x24C, 4) or 0)
    image = KernelFile(path, BZIMAGE, file, None, None, (BZIMAGE,), protocol, start, end)
    if protocol < _PAYLOAD_SINCE:
        version = f"{protocol >> 8}.{protocol & 0xFF:02}"
        reason = f"boot protocol {version} does not say where its kernel is, only 2.08 and newer do"
        return image._replace(problem=reason)
    if start >= file.size or end > file.size:
        reason = (
            f"its payload [{start:#x}, {end:#x}) is not within the {file.size:#x} bytes of file"
        )
        return image._replace(problem=reason)
    codec = _codec(file, start, end)
    if codec is None:
        return image._replace(payload=file.part(start, end - start))
    return _unpacked(image, codec, start, end)


def _codec(file: Data, start: int, end: int) -> Codec | None:
    head = file.read(start, min(end - start, 8))
    return next((codec for codec in CODECS if head.startswith(codec.magic)), None)


def _unpacked(image: KernelFile, codec: Codec, start: int, end: int) -> KernelFile:
    """Return the image with the payload from the stream [start, end) of its file."""
    payload = problem = None
    unread = cut_short = False
    source = Source(image.file, start, end)
    try:
        payload = _unpack(image.path, codec.pieces, source)
    except ImportError as error:
        what = codec.package or f"a Python with the module {error.name}"
        problem = f"to unpack its {codec.name} stream takes {what}, which is not installed"
        unread = True
    except Damaged as reason:
        problem = f"its {codec.name} stream at offset {start:#x} {reason}"
        cut_short = isinstance(reason, CutShort)
    return image._replace(
        format=f"{image.format} ({codec.name})" if image.container else codec.name,
        payload=payload,
        problem=problem,
        container=(*image.container, codec.name),
        unread=unread,
        cut_short=cut_short,
        stream_end=None if payload is None else start + source.taken,
    )


def refuse_unread(kernel: KernelFile) -> None:
    """Raise XenToolError for a file that this tool cannot unwrap, though loaders might."""
    if kernel.inner.unread:
        raise XenToolError(f"{printable(kernel.path)}: {kernel.inner.problem}")


def unpack(path: str, pieces: Callable[[Source], Iterator[bytes]], source: Source) -> Data | None:
    """Return the content of the stream at source, which pieces yields; None if it is damaged.

    Raises as open_kernel() does, and XenToolError if a Python package is missing.
    """
    try:
        return _unpack(path, pieces, source)
    except Damaged:
        return None
    except ImportError as error:
        raise XenToolError(
            f"{printable(path)}: to unpack its stream takes a Python with the module "
            f"{error.name}, which is not installed"
        ) from error


def _unpack(path: str, pieces: Callable[[Source], Iterator[bytes]], source: Source) -> Data:
    """Return the content of a stream, in an unnamed file: it may be too large for memory.

    Raises Damaged, ImportError, or XenToolError if memory or the space on the disk is short.
    """
    import tempfile

    try:
        with tempfile.TemporaryFile() as file:
            size = 0
            for piece in pieces(source):
                size += len(piece)
                limit = min(UNPACKED_LIMIT, max(UNPACKED_SMALL, UNPACKED_RATIO * source.taken))
                if size > limit:
                    raise Damaged(
                        f"unpacks to more than {limit // _MIB} MiB, the limit for its size; "
                        "kernels do not, decompression bombs do"
                    )
                if source.taken > size + _UNPRODUCTIVE:
                    raise Damaged("cannot be unpacked (it unpacks to less than its own size)")
                file.write(piece)
            file.flush()
            return Data.of_file(os.dup(file.fileno()), path)
    except NoMemory as error:
        raise XenToolError(
            f"{printable(path)}: there is not enough memory to unpack it; unpack it first, or "
            "raise the limit (ulimit -v)"
        ) from error
    except OSError as error:
        raise XenToolError(
            f"{printable(path)}: cannot be unpacked to a temporary file: {error.strerror}; "
            "name a folder with room for it in TMPDIR"
        ) from error
