# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Name files so that documents made in two checkouts, or on two machines, are the same.

arch/x86/setup.c                               a file of the tree
$(top)                                         the folder of the SConstruct, within a word
$(build)/vmlinux                               a file of a build directory outside of the tree
pkg:pypi/xen-tool@0.1.0#xen_tool/abi.py        a file of a Python package: a package URL
/usr/bin/gcc                                   another file, such as a compiler of the system
"""

from __future__ import annotations

import functools
import os
import re
import sys
from importlib import metadata

from .. import __version__

TOP, BUILD = "$(top)", "$(build)"
PACKAGE_URL = "pkg:pypi/"
_THIS = "xen-tool"
_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""The folder of the package xen_tool."""
_ENDS_NAME = r"(?=[/=:,;'\"]|$)"
"""What may follow the path of a folder in a word of a command."""


class Names:
    """Convert paths of files to names and back.

    top: the absolute path of the tree.  build: the build directory, relative to top or absolute.
    Only a build directory that is not below top is named $(build).
    """

    def __init__(self, top: str, build: str) -> None:
        self._top = top
        path = os.path.join(top, build)
        self._build = "" if path.startswith(os.path.join(top, "")) else path
        self._word = functools.cache(self._in_word)

    def of(self, path: str) -> str:
        """Return the name of the file at a path that is relative to top or absolute."""
        absolute = os.path.join(self._top, path)
        return _of_package(absolute) or self.word(path).removeprefix(f"{TOP}/")

    def word(self, word: str) -> str:
        """Return a word of a command with names in place of the paths in it."""
        return self._word(word) if "/" in word else word

    def path(self, name: str) -> str:
        """Return the path of a file by its name; "" if its Python package is not installed here."""
        if name.startswith(PACKAGE_URL):
            return _in_package(name)
        return os.path.join(self._top, self.here(name))

    def here(self, word: str) -> str:
        """Return a word with the folders of this machine in place of $(top) and $(build)."""
        return word.replace(TOP, self._top).replace(BUILD, self._build)

    def _in_word(self, word: str) -> str:
        """Return what word() returns; this is cached, as words repeat."""
        for folder in _package_folders():
            if folder in word:
                pattern = rf"{re.escape(folder)}/[^=:,;'\"]+"
                word = re.sub(pattern, lambda match: _of_package(match[0]) or match[0], word)
        for path, name in ((self._build, BUILD), (self._top, TOP)):
            # path is "" for a build directory below top, and "/", which all paths have, for a tree
            # in the root folder.
            if len(path) > 1 and path in word:
                word = re.sub(re.escape(path) + _ENDS_NAME, name, word)
        return word


def is_elsewhere(name: str) -> bool:
    """Whether a name is that of a file which is neither in the tree nor in the build directory."""
    return name.startswith(("/", PACKAGE_URL))


@functools.cache
def _package_folders() -> tuple[str, ...]:
    """Return the folders that Python packages are installed in, first that of xen_tool."""
    found = (os.path.abspath(folder) for folder in sys.path if folder.endswith("-packages"))
    return tuple(dict.fromkeys([os.path.dirname(_FOLDER), *found]))


def _of_package(path: str) -> str:
    """Return the package URL of a file or folder of a Python package; "" if it is not of one.

    path: absolute.
    """
    for folder in _package_folders():
        if path.startswith(os.path.join(folder, "")):
            inside = os.path.relpath(path, folder)
            package = _distribution(folder, inside.partition("/")[0])
            return f"{PACKAGE_URL}{package}#{inside}" if package else ""
    return ""


@functools.cache
def _distribution(folder: str, module: str) -> str:
    """Return NAME@VERSION of the package that installed a module into a folder; "" if none did."""
    if os.path.join(folder, module) == _FOLDER:
        return f"{_THIS}@{__version__}"
    for each in metadata.distributions(path=[folder]):
        if re.search(rf"^{re.escape(module)}[/,]", each.read_text("RECORD") or "", re.MULTILINE):
            name = re.sub(r"[-_.]+", "-", each.metadata["Name"]).lower()
            return f"{name}@{each.version}"
    return ""


def _in_package(name: str) -> str:
    """Return the path for a package URL; "" if the package is not installed, in any version."""
    package, _, inside = name.removeprefix(PACKAGE_URL).partition("#")
    distribution = package.partition("@")[0]
    if distribution == _THIS:
        return os.path.join(os.path.dirname(_FOLDER), inside)
    try:
        return str(metadata.distribution(distribution).locate_file(inside))
    except metadata.PackageNotFoundError:
        return ""
