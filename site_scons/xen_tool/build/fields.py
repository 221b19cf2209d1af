# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Files of text fields: a checksum of the rest (8 hexadecimal digits), fields that end in NUL.

Names of files have no NUL, so any can be a field.  Bytes that are not such a file are as
good as none, and reading them runs nothing.  This module is imported on the way of a build
that has nothing to do, as contents and database are: they import as little as they can.
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
    """The fields of a file; [] if it is not such a file, whatever it is."""
    try:
        # Neither a FIFO, which would block, nor what a link leads to elsewhere.
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
    """Write a file, in one move.

    Raises XenToolError if it cannot be written.
    """
    from ..errors import XenToolError
    from ..files import write_if_changed

    body = ("\0".join(fields) + "\0").encode("utf-8", "surrogateescape")
    try:
        kind = os.lstat(path).st_mode
        if stat.S_ISDIR(kind):
            raise XenToolError(f"{path} is a folder: remove it")
        if not stat.S_ISREG(kind):
            # A link would lead elsewhere, and a FIFO waits for a reader.
            os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise XenToolError(f"{path}: cannot be written: {error.strerror}") from error
    write_if_changed(path, b"%08x" % crc32(body) + body)
