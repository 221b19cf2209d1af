# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read and write files of text fields.

A file is the CRC-32 of the rest (8 hexadecimal digits) and fields, each ended by a NUL byte.
File names contain no NUL, so any name can be a field.  A file with another format or a wrong
checksum is treated as missing.  This module, contents and database are imported by builds
with nothing to do, and so import as little as possible.
"""

from __future__ import annotations

import os
import stat
from binascii import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_CHECKSUM = 8


def read(path: str) -> list[str]:
    """Return the fields of a file; [] if it does not exist or has another format."""
    try:
        # Do not block on a FIFO, and do not follow a link.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return []
            data = file.read()
        checksum = b"%08x" % crc32(memoryview(data)[_CHECKSUM:])
        if data[:_CHECKSUM] != checksum or data[-1:] != b"\0":
            return []
        return data[_CHECKSUM:-1].decode("utf-8", "surrogateescape").split("\0")
    except (OSError, ValueError):
        return []


def write(path: str, fields: Iterable[str]) -> None:
    """Write a file of fields atomically.

    Raises XenToolError if it cannot be written.
    """
    from ..errors import XenToolError, unwritable
    from ..files import write_if_changed

    body = ("\0".join(fields) + "\0").encode("utf-8", "surrogateescape")
    try:
        kind = os.lstat(path).st_mode
        if stat.S_ISDIR(kind):
            raise XenToolError(f"{path} is a folder: remove it")
        if not stat.S_ISREG(kind):
            # Do not write through a link, or into a FIFO.
            os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise unwritable(path, error) from error
    write_if_changed(path, b"%08x" % crc32(body) + body)
