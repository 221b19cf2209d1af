# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""List the members of thin archives, which linkers read but do not report in depfiles.

A thin archive (`ar rcT`) has the names of its members, but not their contents (binutils,
bfd/archive.c).  Used by build/.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC = b"!<thin>\n"
_HEADER = 60
_NAME, _SIZE = slice(0, 16), slice(48, 58)


def thin_members(path: str) -> list[str]:
    """Return the paths of the members of a thin archive; [] for any other or damaged file."""
    try:
        with open(path, "rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return []
            data = file.read()
        names = list(_names(data))
    except (OSError, ValueError):
        return []
    folder = os.path.dirname(path)
    return [os.path.join(folder, os.fsdecode(name)) for name in names]


def _names(data: bytes) -> Iterator[bytes]:
    """Yield the names of the members; data is the archive after the magic bytes.

    Raises ValueError if a header is malformed.
    """
    long_names = b""
    place = 0
    while place + _HEADER <= len(data):
        header = data[place : place + _HEADER]
        name, size = header[_NAME].rstrip(), int(header[_SIZE])
        place += _HEADER
        if name in (b"/", b"/SYM64/", b"//"):
            # Only the index and the table of long names have contents in the archive.
            if name == b"//":
                long_names = data[place : place + size]
            place += size + size % 2
        elif name[:1] == b"/":
            start = int(name[1:].split(b":")[0])
            yield long_names[start : long_names.index(b"/\n", start)]
        else:
            yield name.removesuffix(b"/")
