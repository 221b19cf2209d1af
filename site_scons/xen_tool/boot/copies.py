# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Copies of the files that QEMU loads: in memory, or in a given folder.

Copies in memory leave no folder behind if the run is killed, and need no space on a disk; and the
booted files stay the same if the image is written again during the run.  A copy is freed when the
last process that has it open has ended.
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
"""The lowest descriptor.  A dom0 sees the file name, whose length must be the same in a replay."""


class Copies:
    """The copies of a run; a process that inherits the descriptors opens them by their names.

    A context manager, which closes the descriptors.  Copies in a folder stay, for commands that
    are run later.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.descriptors: list[int] = []
        self._folder = folder
        self._files = 0

    def __enter__(self) -> Copies:
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
        """Write the contents one after the other to a new copy, and return its file name.

        Raises XenToolError if it cannot be written.
        """
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
        # It must have no comma and no blank, which QEMU would parse.
        return f"/proc/self/fd/{descriptor}"

    def _put_in(self, folder: Path, contents: Iterable[bytes]) -> str:
        # QEMU splits the list of files and their words at blanks and commas.
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
        """Copy the file at path, and return the name of the copy.

        Raises XenToolError, which proposes to name `instead`, if path is no readable file.
        """
        return self.put(_pieces(path, instead))


def _pieces(path: Path, instead: str) -> Iterator[bytes]:
    with open(open_regular(path, instead), "rb") as file:
        try:
            while piece := file.read(_PIECE):
                yield piece
        except OSError as error:
            raise XenToolError(f"{path}: cannot be read: {error.strerror}") from error
