# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write files atomically, and open regular files only.

Every file that the tool writes goes through here: it is written under a temporary name in its
folder and renamed, and only if its content changed.  Builds import this module, so it does
not import pathlib.
"""

from __future__ import annotations

import os
import stat

from .errors import XenToolError, unwritable
from .printable import printable


def write_if_changed(path: str | os.PathLike[str], content: bytes | str) -> bool:
    """Write content to a file unless the file has it already; return whether it was written.

    An unchanged file keeps its mtime.  Missing folders are created.  A symbolic link stays
    one, and a device such as /dev/null is written to.

    Raises XenToolError if the file cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    name = os.path.realpath(path)
    try:
        if os.path.exists(name) and not os.path.isfile(name) and not os.path.isdir(name):
            with open(name, "wb") as device:
                device.write(data)
            return True
        mode = None
        try:
            with open(name, "rb") as file:
                if file.read() == data:
                    return False
                # Keep the permissions of the file.
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(name), exist_ok=True)
        _replace(name, data, mode)
    except OSError as error:
        raise unwritable(printable(name), error) from error
    return True


def _replace(name: str, data: bytes, mode: int | None) -> None:
    # Threads of one process may write the same file, so the PID alone is not unique.
    folder, base = os.path.split(name)
    temporary = os.path.join(folder, f".{base}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
        if mode is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, name)
    except BaseException:
        remove(temporary)
        raise


def remove(path: str) -> None:
    """Remove a file, if it exists and can be removed."""
    try:
        os.unlink(path)
    except OSError:
        return


def check_replaceable(path: str | os.PathLike[str]) -> None:
    """Raise XenToolError if path is a folder, a device or a pipe, which no file may replace."""
    name = os.fspath(path)
    if os.path.exists(name) and not os.path.isfile(name):
        kind = "a folder" if os.path.isdir(name) else "a device or a pipe"
        raise XenToolError(f"{printable(name)}: is {kind}; name a file")


def open_regular(path: str | os.PathLike[str], instead: str) -> int:
    """Open a regular file for reading; return the descriptor.

    Raises XenToolError if it cannot be opened, or is a folder, a device or a pipe; instead is
    what the user should name instead, such as "a linked kernel".
    """
    name = os.fspath(path)
    try:
        # Do not block on a FIFO.
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        # Versions of Python have different texts for a NUL in a name.
        reason = error.strerror if isinstance(error, OSError) else "a name has no NUL"
        raise XenToolError(f"{printable(name)}: cannot be opened: {reason}") from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    kind = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
    raise XenToolError(f"{printable(name)}: is {kind}; name {instead}")


def read_regular(path: str | os.PathLike[str], instead: str) -> tuple[bytes, int]:
    """Return the content and the permissions of a file; arguments and errors: open_regular()."""
    with open(open_regular(path, instead), "rb") as file:
        return file.read(), stat.S_IMODE(os.fstat(file.fileno()).st_mode)


def is_in(path: str, folder: str) -> bool:
    """Whether a path is that of a folder, or below it; compares the names only."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path for messages: printable, and relative to the current folder if below it."""
    name, here = os.fspath(path), os.getcwd()
    return printable(
        os.path.relpath(name, here) if name.startswith(os.path.join(here, "")) else name
    )
