# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Copies of the files that QEMU loads, in memory (memfd_create(2)).

Copies in memory need no disk, and leave nothing behind if the run is killed: a copy is freed when
the last process that has it open has ended.  What is booted stays the same if the image is written
again during the run.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from ..errors import XenToolError, unreadable, unwritable
from ..files import open_regular

_PIECE = 1 << 20
_LOWEST = 100
"""The lowest descriptor of a copy.  A dom0 sees the name of the copy, which must be equally long
in a replay: with descriptors of three digits it is."""


class Copies:
    """The copies of a run; a process that inherits the descriptors opens them by their names.

    A context manager, which closes the descriptors.  With a folder, each copy is also written to a
    file there, which stays, for commands that are run by hand.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.descriptors: list[int] = []
        self._folder = folder
        self._kept: dict[str, str] = {}
        """The paths of the files in the folder, by the names of the copies."""

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
        # The name must have no comma and no blank, which QEMU would parse.
        name = f"/proc/self/fd/{descriptor}"
        if self._folder:
            self._kept[name] = self._keep(name, self._folder)
        return name

    def _keep(self, name: str, folder: Path) -> str:
        """Write a copy to a file in the folder; return the path of the file."""
        # QEMU splits the list of files and their words at blanks and commas.
        if re.search(r"[\s,]", str(folder)):
            raise XenToolError(
                f"{folder}: what QEMU loads cannot be kept there: a blank or a comma is in its name"
            )
        path = folder / f"{len(self._kept)}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(name, path)
        except OSError as error:
            raise unwritable(path, error) from error
        return str(path)

    def by_hand(self, options: Sequence[str]) -> list[str]:
        """Return options for QEMU that name the files in the folder instead of the copies."""
        pattern = re.compile(r"/proc/self/fd/[0-9]+")
        return [pattern.sub(lambda n: self._kept.get(n[0], n[0]), word) for word in options]

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
            raise unreadable(path, error) from error
