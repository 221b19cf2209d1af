# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The files that QEMU loads, as copies in memory.

Nothing lies in a folder that a killed run would leave, or that may be full; and what is booted
stays as it was, whoever writes the image anew while it runs.  A copy is gone when the last
process that has it open has ended.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from ..errors import XenToolError
from ..files import open_regular

_PIECE = 1 << 20


class Held:
    """Copies, which a process that inherits the descriptors finds by their names."""

    def __init__(self) -> None:
        self.descriptors: list[int] = []

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
        try:
            descriptor = os.memfd_create("boot")
            self.descriptors.append(descriptor)
            with open(descriptor, "wb", closefd=False) as file:
                file.writelines(contents)
        except OSError as error:
            raise XenToolError(
                f"what is booted cannot be held in memory: {error.strerror}"
            ) from error
        # Without a comma or a blank, which QEMU would take for syntax.
        return f"/proc/self/fd/{descriptor}"

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
