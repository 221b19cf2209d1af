# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Writes files so that nobody ever sees half of one.

Every file that the tool writes goes through here: to a temporary name beside
it, then moved into place, and only if its content changed.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path

from .errors import XenToolError


def write_if_changed(path: str | os.PathLike[str], content: bytes | str) -> bool:
    """Makes the file hold exactly content; returns whether it had to be written.

    A file that holds it already keeps its mtime.  Missing folders are made.  A
    symbolic link stays one, and a device, such as /dev/null, is written to.

    Raises XenToolError if the file cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        # Not Path.resolve(), which has an error of its own for a loop of links.
        path = Path(os.path.realpath(path))
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(data)
            return True
        mode = None
        with contextlib.suppress(FileNotFoundError):
            if path.read_bytes() == data:
                return False
            # A file that others may not read stays so.
            mode = stat.S_IMODE(path.stat().st_mode)
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, data, mode)
    except OSError as error:
        raise XenToolError(f"{path}: cannot be written: {error.strerror}") from error
    return True


def _replace(path: Path, data: bytes, mode: int | None) -> None:
    # Actions run in threads of one process, so the name holds both.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        temporary.write_bytes(data)
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def shown(path: Path) -> str:
    """The path as a user would type it here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
