# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Parsed files, and the search for them; each file is read once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .directives import Source, parse
from .options import Options


class Found(NamedTuple):
    """A file, and where in the search path #include_next goes on from it."""

    path: str
    following: int | None
    """An index; None for a file that was not searched for."""


class Sources:
    """What read(path) and exists(path) say about files, remembered."""

    def __init__(self, read: Callable[[str], str | None], exists: Callable[[str], bool]) -> None:
        self._read = read
        self._exists = exists
        self._parsed: dict[str, Source] = {}
        self._present: dict[str, bool] = {}
        self.absent: set[str] = set()
        """Where a file was looked for and is not; whoever wants to know puts a set here."""

    def source(self, path: str) -> Source | None:
        """The parsed file; None if there is none yet."""
        source = self._parsed.get(path)
        if source is None:
            text = self._read(path)
            if text is not None:
                source = self._parsed[path] = parse(text)
        return source

    def find(self, name: str, folders: Sequence[str]) -> tuple[str, int] | None:
        """The first file of this name in folders, and the index of its folder."""
        for index, folder in enumerate(folders):
            path = os.path.normpath(os.path.join(folder, name))
            if path not in self._present:
                self._present[path] = self._exists(path)
            if self._present[path]:
                return path, index
            self.absent.add(path)
        return None

    def header(
        self, name: str, options: Options, *, beside: str | None, following: int | None
    ) -> Found | None:
        """Searches for a header.

        beside is the includer, if the name is in quotes; following is where
        #include_next begins.
        """
        if os.path.isabs(name):
            found = self.find(name, ("",))
            return Found(found[0], None) if found else None
        start = following
        if start is None and beside is not None:
            if found := self.find(name, (os.path.dirname(beside),)):
                # After the includer's own folder comes the whole search path.
                return Found(found[0], 0)
            start = 0
        elif start is None:
            start = len(options.quoted) - len(options.angled)
        found = self.find(name, options.quoted[start:])
        return Found(found[0], start + found[1] + 1) if found else None
