# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The files that QEMU loads, as copies: in memory, or in a folder that is named.

In memory there is no folder that a killed run would leave, or that may be full; and what is
booted stays as it was, whoever writes the image anew while it runs.  A copy is gone when the last
process that has it open has ended.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from ..errors import XenToolError
from ..files import open_regular

_PIECE = 1 << 20
_LOWEST = 100
"""Of the descriptors.  A dom0 sees the name, and must find one of the same length in a replay."""


class Held:
    """Copies, which a process that inherits the descriptors finds by their names.

    In a folder they stay, for a command that is run later.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.descriptors: list[int] = []
        self._folder = folder
        self._files = 0

    def __enter__(self) -> Held:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)

    def put(self, contents: Iterable[bytes]) -> str:
        """Return the name of a file with these contents, one after the other."""
        if self._folder:
            return self._put_in(self._folder, contents)
        try:
            low = os.memfd_create("boot")
            try:
                descriptor = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
            finally:
                os.close(low)
            self.descriptors.append(descriptor)
            with open(descriptor, "wb", closefd=False) as file:
                file.writelines(contents)
        except OSError as error:
            raise XenToolError(
                f"what is booted cannot be held in memory: {error.strerror}"
            ) from error
        # Without a comma or a blank, which QEMU would take for syntax.
        return f"/proc/self/fd/{descriptor}"

    def _put_in(self, folder: Path, contents: Iterable[bytes]) -> str:
        # QEMU splits a list of files with words behind them by blanks and commas.
        if re.search(r"[\s,]", str(folder)):
            raise XenToolError(
                f"{folder}: what QEMU loads cannot be kept there: a blank or a comma is in its name"
            )
        path = folder / f"{self._files}"
        self._files += 1
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.writelines(contents)
        except OSError as error:
            raise XenToolError(f"{path}: cannot be written: {error.strerror}") from error
        return str(path)

    def copy(self, path: Path, instead: str) -> str:
        """Return the name of a copy of the file at path; if there is none, name instead."""
        return self.put(_pieces(path, instead))


def _pieces(path: Path, instead: str) -> Iterator[bytes]:
    with open(open_regular(path, instead), "rb") as file:
        try:
            while piece := file.read(_PIECE):
                yield piece
        except OSError as error:
            raise XenToolError(f"{path}: cannot be read: {error.strerror}") from error
