# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Copy the tree of a SConstruct without what was built in it, to build it elsewhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Container

from ..errors import XenToolError
from .database import FILE as DATABASE

_GIT = ".git"
_PYTHON = "pyvenv.cfg"
"""The file that marks a virtual environment of Python."""
_LEFT_OUT = ("__pycache__", ".sconsign", ".sconsign.dblite")


def copy(top: str, to: str, made: Container[str]) -> None:
    """Copy the tree below top to a new folder, except build directories.

    made: paths relative to top that are left out, too.
    Raises XenToolError if something cannot be copied.
    """
    try:
        _copy_folder(top, to, "", made)
    except OSError as error:
        raise XenToolError(f"{error.filename}: cannot be copied: {error.strerror}") from error


def _copy_folder(top: str, copy: str, folder: str, made: Container[str]) -> None:
    os.mkdir(os.path.join(copy, folder))
    for entry in os.scandir(os.path.join(top, folder)):
        path = os.path.join(folder, entry.name)
        to = os.path.join(copy, path)
        if path in made or entry.name in _LEFT_OUT:
            continue
        if entry.is_symlink():
            os.symlink(_leads_to(entry.path, top), to)
        elif entry.name == _GIT and entry.is_dir():
            # It may be large, and git must give the same answers in the copy.
            os.symlink(entry.path, to)
        elif entry.is_dir():
            has = (os.path.join(entry.path, name) for name in (DATABASE, _PYTHON))
            if not any(map(os.path.lexists, has)):
                _copy_folder(top, copy, path, made)
        elif entry.is_file():
            shutil.copy(entry.path, to)


def _leads_to(link: str, top: str) -> str:
    """Return the text of a link in the copy.

    A link within the tree gets a relative path, one that leads out of the tree an absolute path.
    """
    text = os.readlink(link)
    folder = os.path.dirname(link)
    place = os.path.normpath(os.path.join(folder, text))
    if not place.startswith(os.path.join(top, "")):
        return place
    return os.path.relpath(place, folder) if os.path.isabs(text) else text
