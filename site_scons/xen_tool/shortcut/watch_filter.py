# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Decide which saved files make `scons watch` build again.

In the project's top folder all files count except those in build directories and caches, and the
backup files of editors.  Outside of it, files that SConscripts read count, and the inputs in the
build database.  A file that a build writes outside its build directory counts only if it changed
after the build.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Set

from watchfiles import Change, DefaultFilter

from ..build import fields
from ..build.contents import stamp
from ..build.database import FILE as DATABASE
from ..build.database import Database
from ..build.discover import ANY
from ..build.lock import FILE as LOCK
from ..build.shared_fields import DamagedError
from ..files import is_in
from . import watch_messages

_MARKS = (DATABASE, LOCK, "pyvenv.cfg", "CACHEDIR.TAG")
"""Files that mark their folder as one without sources."""
_MAY_BE_SOURCE = DefaultFilter(
    ignore_dirs=(*DefaultFilter.ignore_dirs, ".sconf_temp"),
    ignore_entity_patterns=(
        *DefaultFilter.ignore_entity_patterns,
        r"^\.sconsign",
        # Backup files of Emacs, Vim, Kate and GLib.
        *(r"^#.*#$", r"^4913$", r"\.kate-swp$", r"^\.goutputstream-"),
    ),
)


class Saves:
    """The saved files that count.  Paths are absolute.

    top: the project's folder.  messages: the folder of the messages of builds.
    """

    def __init__(self, top: str, messages: str) -> None:
        self._top = top
        self._messages = messages
        temporary = os.path.realpath(tempfile.gettempdir())
        self._temporary = [messages, *([temporary] if temporary.startswith(f"{top}/") else [])]
        self._folders: list[str] = []
        """The build directories."""
        self._made: dict[str, str] = {}
        """Files that builds write, with their stamps after the last build; "" if missing."""
        self._noticed: set[str] = set()
        """Files that builds write, and that no SConscript declares as outputs."""
        self.outside: Mapping[str, set[str]] = {}
        """Folders outside the top with files that count, and the names of these files."""

    def learn(self) -> None:
        """Read the messages of a build, and look at the files that it wrote."""
        declared: list[str] = []
        read: list[str] = []
        if rows := fields.read(os.path.join(self._messages, watch_messages.READ)):
            folders, made = map(int, rows[:2])
            self._folders = rows[2 : 2 + folders]
            declared = rows[2 + folders : 2 + folders + made]
            read = rows[2 + folders + made :]
        self._made = {path: _stamp(path) for path in (*declared, *self._noticed)}
        self.outside = self._outside(read)

    def ignore(self, paths: Iterable[str]) -> None:
        """Treat files as written by the build, until they change between builds."""
        self._noticed.update(paths)
        self._made.update((path, _stamp(path)) for path in paths)

    def heed(self, paths: Iterable[str]) -> None:
        """Undo ignore()."""
        self._noticed.difference_update(paths)

    def counted(self, changes: Mapping[str, Set[Change]]) -> list[str]:
        """Return the changed paths that count, existing files first."""
        found = sorted(path for path, how in changes.items() if self._counts(path, how))
        return sorted(found, key=lambda path: (os.path.isdir(path), not os.path.lexists(path)))

    def _counts(self, path: str, how: Set[Change]) -> bool:
        if Change.added in how and not os.path.lexists(path):
            # A temporary file.
            return False
        if any(is_in(path, folder) or is_in(folder, path) for folder in self._folders):
            return False
        if any(is_in(path, folder) for folder in self._temporary):
            return False
        if path in self._made and self._made[path] == _stamp(path):
            return False
        if not is_in(path, self._top):
            folder, name = os.path.split(path)
            return not self.outside.get(folder, set()).isdisjoint((name, ANY))
        name = os.path.relpath(path, self._top)
        return _MAY_BE_SOURCE(Change.modified, name) and not self._is_marked(name)

    def _is_marked(self, name: str) -> bool:
        """Whether a path below the top, or a folder around it, is marked as without sources."""
        while name:
            if any(os.path.exists(os.path.join(self._top, name, mark)) for mark in _MARKS):
                return True
            name = os.path.dirname(name)
        return False

    def _outside(self, read: Iterable[str]) -> Mapping[str, set[str]]:
        """Return the value of `outside` for files that were read, and the inputs in databases."""
        found: dict[str, set[str]] = {}
        real: dict[str, str] = {}
        inputs = {path: set[str]() for path in read}
        for folder in self._folders:
            try:
                paths, names = Database(os.path.join(folder, DATABASE)).inputs()
            except DamagedError:
                continue
            inputs.update((os.path.join(self._top, path), names) for path in paths)
        for path, names in inputs.items():
            place, name = os.path.split(path)
            if place not in real:
                real[place] = os.path.realpath(place)
            file = os.path.join(real[place], name)
            # The target of a link is what an editor writes.
            place, name = os.path.split(os.path.realpath(file) if os.path.islink(file) else file)
            if not any(is_in(place, folder) for folder in (self._top, *self._folders)):
                found.setdefault(place, set()).update((name,) if name else names)
        return {folder: names for folder, names in found.items() if os.path.isdir(folder)}


def _stamp(path: str) -> str:
    """Return the stamp of a file; "" if it is missing."""
    try:
        return stamp(os.stat(path))
    except OSError:
        return ""
