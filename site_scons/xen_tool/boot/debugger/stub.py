# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The place at which QEMU waits for gdb: a TCP port of this machine, or a socket's path.

The socket is created here and passed to QEMU, so that an error is reported before QEMU starts.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from ...errors import XenToolError

# Builds import this module for their settings, so the module socket is imported where it is used.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

PORT = 1234
"""The port of GDB=1, as of QEMU's option -s."""
_HOST = "127.0.0.1"
_LONGEST_PATH = 107
"""The longest path of a socket in bytes (unix(7))."""


class GdbPlace(NamedTuple):
    """A TCP port of 127.0.0.1, or the path of a socket."""

    port: int | None = None
    path: str = ""

    @property
    def target(self) -> str:
        """The argument of gdb's `target remote`."""
        return self.path or f"{_HOST}:{self.port}"


def where(text: str) -> GdbPlace:
    """Return the place of a value of GDB=: 1, a port, or a path with a slash.

    Raises XenToolError if it is none of these.
    """
    if "/" in text:
        if len(os.fsencode(text)) > _LONGEST_PATH:
            raise XenToolError(
                f"GDB={text}: the path of a socket has at most {_LONGEST_PATH} bytes"
            )
        return GdbPlace(path=text)
    if text == "1":
        return GdbPlace(PORT)
    if not (re.fullmatch("[0-9]{1,5}", text, re.ASCII) and 1024 <= int(text) <= 65535):
        raise XenToolError(
            f"GDB={text}: GDB is 1 (the port {PORT}), a port from 1024 to 65535, or the path of a "
            "socket, with a slash, such as ./gdb.sock"
        )
    return GdbPlace(int(text))


@contextlib.contextmanager
def listening(place: GdbPlace) -> Iterator[socket.socket]:
    """Yield a socket that listens at a place; close it and remove its path at the end.

    Raises XenToolError if the place is in use, or the socket cannot be created.
    """
    import socket

    family = socket.AF_UNIX if place.path else socket.AF_INET
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        try:
            if place.path:
                listener.bind(place.path)
                stack.callback(_remove, place.path)
            else:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((_HOST, place.port))
            listener.listen(1)
        except OSError as error:
            instead = "name another" if place.path else "name another port, such as GDB=2345"
            raise XenToolError(
                f"cannot listen for gdb at {place.target}: {error.strerror}; {instead}"
            ) from error
        yield listener


def options(descriptor: int) -> list[str]:
    """Return QEMU's options for a machine that is stopped until gdb connects to this socket."""
    return _options(f"fd={descriptor}")


def by_hand(place: GdbPlace) -> list[str]:
    """Return QEMU's options as options() does, for a machine that a person starts by hand."""
    path = place.path.replace(",", ",,")
    return _options(f"path={path}" if path else f"host={_HOST},port={place.port}")


def _options(socket: str) -> list[str]:
    return ["-S", "-chardev", f"socket,id=gdb,{socket},server=on,wait=off", "-gdb", "chardev:gdb"]


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
