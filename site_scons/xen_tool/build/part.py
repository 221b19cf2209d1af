# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The temporary folders in which programs write their outputs: .NAME.part beside NAME.

The path depends on the output alone, as some objects contain it.  Used by commands.
"""

from __future__ import annotations

import os

from .contents import stamp

OURS = ".part"
"""Start of the names of files in such a folder that are not outputs."""


class Parts:
    """Makes the temporary folders of running steps.

    The folder of a step that has ended is renamed for the next one: on some file systems it
    takes milliseconds to remove a folder.
    """

    def __init__(self) -> None:
        self._empty: list[str] = []

    def make(self, output: str) -> str:
        """Return the empty folder for an output; raise OSError if it cannot be made."""
        part = folder_of(output)
        try:
            self._make(part)
        except OSError:
            if not os.path.lexists(part):
                raise
            # Left behind by a killed build, or not a folder of ours.
            _remove(part)
            self._make(part)
        return part

    def _make(self, part: str) -> None:
        while self._empty:
            try:
                os.rename(self._empty[-1], part)
            except OSError:
                if os.path.lexists(self._empty[-1]):
                    # On another file system, or there is something in the way.
                    break
                self._empty.pop()
            else:
                self._empty.pop()
                return
        os.mkdir(part)

    def give_back(self, part: str) -> None:
        """Empty a folder that is not needed any more, and keep it for make()."""
        try:
            for name in os.listdir(part):
                os.unlink(os.path.join(part, name))
        except OSError:
            _remove(part)
        else:
            self._empty.append(part)

    def remove(self) -> None:
        """Remove the folders that were given back."""
        while self._empty:
            _remove(self._empty.pop())


def folder_of(output: str) -> str:
    """Return the temporary folder in which an output is made."""
    folder, name = os.path.split(output)
    return os.path.join(folder, f".{name}.part")


def move(part: str, output: str) -> list[str]:
    """Move all outputs in a temporary folder into place; return the others than `output`."""
    folder = os.path.dirname(output)
    others = []
    for name in sorted(os.listdir(part)):
        if not name.startswith(OURS):
            place = os.path.join(folder, name)
            os.replace(os.path.join(part, name), place)
            if place != output:
                others.append(place)
    return others


def beside(output: str) -> dict[str, str]:
    """Return the stamps, by path, of files beside an output that are named like a.* beside a.o."""
    folder, name = os.path.split(output)
    stem = f"{os.path.splitext(name)[0]}."
    found = {}
    for other in sorted(os.listdir(folder or os.curdir)):
        if other.startswith(stem) and other != name:
            path = os.path.join(folder, other)
            try:
                found[path] = stamp(os.lstat(path))
            except OSError:
                # It is gone, such as a temporary file of an editor.
                continue
    return found


def as_if_in_place(printed: bytes, output: str) -> bytes:
    """Replace the temporary path of an output by its final path in what a program printed."""
    part = os.path.join(folder_of(output), os.path.basename(output))
    return printed.replace(os.fsencode(part), os.fsencode(output))


def _remove(part: str) -> None:
    """Remove a folder and all in it, or a file or link of that name; links are not followed."""
    try:
        os.rmdir(part)
    except NotADirectoryError:
        os.unlink(part)
    except FileNotFoundError:
        return
    except OSError:
        import shutil

        shutil.rmtree(part, ignore_errors=True)
