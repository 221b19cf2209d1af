# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Where the console of a run is kept: a file in a folder, written as it comes in.

A run that is made again overwrites what the last one left.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from ...errors import XenToolError
from ..modes import Mode

if TYPE_CHECKING:
    from ..qemu import Machine

_FOLDER = "boot"


def folder(build: str) -> Path:
    """Return the folder of a build directory."""
    return Path(build) / _FOLDER


def clean(build: str) -> None:
    """Remove what runs have left in a build directory."""
    for pattern in ("*.log", "*.files/*"):
        for path in folder(build).glob(pattern):
            with contextlib.suppress(OSError):
                path.unlink()


class Log:
    """A file that lines are written to; they also go to echo, if there is one."""

    def __init__(self, path: Path, echo: Callable[[str], None] | None = None) -> None:
        self.path = path
        self._echo = echo
        with _errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8", errors="backslashreplace", buffering=1)

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        with _errors(self.path):
            self._file.close()

    def line(self, text: str) -> None:
        """Take a line of the console."""
        with _errors(self.path):
            self._file.write(f"{text}\n")
        if self._echo:
            self._echo(text)


@contextlib.contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Tell of what fails with a file by one sentence."""
    try:
        yield
    except OSError as error:
        raise XenToolError(f"{path}: cannot be written: {error.strerror}") from error


def show_command(machine: Machine) -> None:
    """Print the command that starts such a machine, for a shell."""
    print(shlex.join(machine.command), flush=True)


def stem(name: str | os.PathLike[str], mode: Mode) -> str:
    """Return what files of a run are called, without an ending: of its image, and its mode."""
    safe = re.sub(r"[^\w.+~-]", "_", os.path.basename(name))
    return f"{safe}.{mode.name}"
