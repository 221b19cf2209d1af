# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write files so that nobody ever sees half of one, and open none that is no file.

Every file that the tool writes goes through here: to a temporary name beside it, then moved
into place, and only if its content changed.  Imported by every build that has something to
do, so without pathlib.
"""

from __future__ import annotations

import os
import stat

from .errors import XenToolError


def write_if_changed(path: str | os.PathLike[str], content: bytes | str) -> bool:
    """Make the file hold exactly content; returns whether it had to be written.

    A file that holds it already keeps its mtime.  Missing folders are made.  A
    symbolic link stays one, and a device, such as /dev/null, is written to.

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
                # A file that others may not read stays so.
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(name), exist_ok=True)
        _replace(name, data, mode)
    except OSError as error:
        raise XenToolError(f"{name}: cannot be written: {error.strerror}") from error
    return True


def _replace(name: str, data: bytes, mode: int | None) -> None:
    # Threads of one process may write the same file, so its identity is not enough.
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
    """Remove a file, if there is one and it can be removed."""
    try:
        os.unlink(path)
    except OSError:
        return


def open_regular(path: str | os.PathLike[str], instead: str) -> int:
    """Return a descriptor that reads the file at path.

    Raises XenToolError if it cannot be opened, or is a folder or a pipe: then name instead.
    """
    name = os.fspath(path)
    try:
        # A FIFO that nobody writes to must not be waited for.
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise XenToolError(f"{name}: cannot be opened: {reason}") from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    kind = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
    raise XenToolError(f"{name}: is {kind}; name {instead}")


def is_in(path: str, folder: str) -> bool:
    """Whether a path is a folder, or lies below it, by their names."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def shown(path: str | os.PathLike[str]) -> str:
    """The path as a user would type it here."""
    name, here = os.fspath(path), os.getcwd()
    return os.path.relpath(name, here) if name.startswith(os.path.join(here, "")) else name
