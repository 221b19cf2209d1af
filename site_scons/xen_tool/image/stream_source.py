# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The bytes of a compressed stream, and how its reading fails.  Used by the codecs."""

from __future__ import annotations

from .data import Data

PIECE = 1 << 20
"""Bytes that are read or unpacked at a time."""


class Damaged(Exception):  # noqa: N818
    """The stream cannot be unpacked; the text is the predicate: "ends early", "has ..."."""


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

    def some(self, size: int = PIECE) -> bytes:
        """Return the next bytes, at most size; b"" at the end."""
        content = self._data.read(self._next, min(size, self.left))
        self._next += len(content)
        return content

    def give_back(self, size: int) -> None:
        """Count the last size bytes that were read as not yet read."""
        self._next -= size

    def exactly(self, size: int) -> bytes:
        """Return the next size bytes; raises CutShort if there are fewer."""
        content = self._data.read(self._next, min(size, self.left))
        if len(content) < size:
            raise CutShort
        self._next += size
        return content

    def number(self, width: int, *, big: bool = False) -> int:
        """Return the unsigned integer in the next width bytes; raises CutShort."""
        return int.from_bytes(self.exactly(width), "big" if big else "little")
