# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The log file of a run's console, written while the run goes on.

The next run of the same image and mode overwrites it.
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

from ...errors import unwritable
from ..modes import Mode
from .console import show

if TYPE_CHECKING:
    from ..qemu import Machine

_FOLDER = "boot"


def folder(build: str) -> Path:
    """Return the folder of the logs in a build directory."""
    return Path(build) / _FOLDER


def clean(build: str) -> None:
    """Remove the files that runs have left in a build directory."""
    for pattern in ("*.log", "*.files/*"):
        for path in folder(build).glob(pattern):
            with contextlib.suppress(OSError):
                path.unlink()


class Log:
    """A log file; its lines are passed to echo too, if there is one.

    Raises XenToolError, as its methods do, if the file cannot be written.
    """

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
        """Write a line of the console."""
        with _errors(self.path):
            self._file.write(f"{text}\n")
        if self._echo:
            self._echo(text)


@contextlib.contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Raise XenToolError for an OSError of a file."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error


def show_command(machine: Machine) -> None:
    """Print the shell command that starts such a machine by hand."""
    show(shlex.join(machine.command))


def stem(name: str | os.PathLike[str], mode: Mode) -> str:
    """Return the name of a run's files without a suffix, from its image and its mode."""
    safe = re.sub(r"[^\w.+~-]", "_", os.path.basename(name))
    return f"{safe}.{mode.name}"
