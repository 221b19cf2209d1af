# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read-only bytes of a file or of memory, which can be read at any offset.

All code that reads an image uses this, so that no offset, size or count of a
broken image raises an exception of Python's, or allocates much memory.
"""

from __future__ import annotations

import os
import weakref

from ..errors import XenToolError
from ..printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .elf import Elf

STRING_LIMIT = 4096
"""ELF_MAX_STRING_LENGTH: longest string that libelf accepts, without its NUL (Xen libelf.h)."""

# Bytes per system call: small consecutive reads, as of headers and notes, share one.
_WINDOW = 4096

# Most strings are shorter.
_SHORT = 64


class Data:
    """A sequence of `size` bytes, from offset 0.

    A file is read by pread() and not mapped: another process may truncate it at any time, such
    as a linker that writes it again, and access to truncated bytes of a mapping would end this
    process by SIGBUS.  Truncated bytes count as outside the file.
    """

    def __init__(self, size: int, window: bytes, descriptor: int | None, base: int, name: str):
        """Use of_bytes() or of_file()."""
        self.size = size
        self._base = base
        self._name = name
        self._descriptor = descriptor
        self._window = window
        self._start = 0
        self.elf: Elf | None = None
        """The ELF file in it, set by elf.elf_of()."""
        if descriptor is not None:
            # Read-ahead would fetch all of a large file whose headers are far apart.
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
            self._closer = weakref.finalize(self, os.close, descriptor)

    @classmethod
    def of_bytes(cls, content: bytes) -> Data:
        """Wrap bytes in memory."""
        return cls(len(content), content, None, 0, "")

    @classmethod
    def of_file(cls, descriptor: int, name: str) -> Data:
        """Wrap a file that is open for reading, with its present size; close() closes it.

        name is for messages.
        """
        return cls(os.fstat(descriptor).st_size, b"", descriptor, 0, name)

    def part(self, start: int, size: int) -> Data:
        """Return the bytes [start, start + size), as far as they exist; to be closed separately."""
        size = max(0, min(size, self.size - start))
        if self._descriptor is None:
            return Data.of_bytes(self.read(start, size))
        return Data(size, b"", os.dup(self._descriptor), self._base + start, self._name)

    def descriptor(self) -> int | None:
        """Return a new descriptor of the file; None if the data is in memory, or part of a file."""
        if self._descriptor is None or self._base:
            return None
        is_whole = os.fstat(self._descriptor).st_size == self.size
        return os.dup(self._descriptor) if is_whole else None

    def close(self) -> None:
        """Close the file, after which no byte can be read; further calls do nothing."""
        if self._descriptor is not None:
            self._descriptor = None
            self._window = b""
            self.size = 0
            self.elf = None
            self._closer()

    def __enter__(self) -> Data:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, offset: int, size: int) -> bytes:
        """Return the bytes [offset, offset + size), as far as they exist.

        Raises XenToolError if the file cannot be read, as when its disk fails.
        """
        size = min(size, self.size - offset)
        if offset < 0 or size <= 0:
            return b""
        start = offset - self._start
        if start >= 0 and start + size <= len(self._window):
            return self._window[start : start + size]
        if self._descriptor is None:
            return b""
        if size > _WINDOW:
            return self._pread(offset, size)
        self._window, self._start = self._pread(offset, _WINDOW), offset
        return self._window[:size]

    def _pread(self, offset: int, size: int) -> bytes:
        assert self._descriptor is not None
        try:
            size = min(size, self.size - offset)
            return os.pread(self._descriptor, size, self._base + offset)
        except OSError as error:
            raise XenToolError(
                f"{printable(self._name)}: cannot be read at offset {offset:#x}: {error.strerror}"
            ) from error

    def unsigned(self, offset: int, width: int, *, big: bool = False) -> int | None:
        """Return the unsigned integer in width bytes; None if any of them is outside."""
        content = self.read(offset, width)
        if len(content) < width:
            return None
        return int.from_bytes(content, "big" if big else "little")

    def string(self, offset: int, limit: int = STRING_LIMIT) -> bytes | None:
        """Return the bytes up to the next NUL, as libelf's elf_strval() does.

        Return None if there is no NUL before the end of the data, or within limit bytes.
        """
        for size in (_SHORT, limit + 1):
            content = self.read(offset, min(size, limit + 1))
            end = content.find(b"\0")
            if end >= 0:
                return content[:end]
        return None


class Resized(Data):
    """Data with another size: cut at its end, or extended by zeros."""

    def __init__(self, data: Data, size: int) -> None:
        super().__init__(size, b"", None, 0, "")
        self._data = data

    def read(self, offset: int, size: int) -> bytes:
        """Read as Data.read() does."""
        size = min(size, self.size - offset)
        if offset < 0 or size <= 0:
            return b""
        return self._data.read(offset, size).ljust(size, b"\0")
