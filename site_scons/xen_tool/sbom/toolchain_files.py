# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find the programs among the files of a toolchain, the libraries they load, and their versions."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..build.contents import Contents
from ..files import open_regular
from ..image.data import Data
from ..image.elf import Elf, NotElf
from ..light import NamedTuple

_CACHE = "/etc/ld.so.cache"
"""The file in which the dynamic loader of glibc looks up libraries."""
_PT_INTERP = 3
_LIBRARY = re.compile(r"(?:=>)?\s+(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_VERSION = re.compile(r"\d+(?:\.\d+)+\S*")


def among(files: Iterable[str]) -> list[str]:
    """Return the programs among a toolchain's files: executable ones, but no header or .py file.

    A symbolic link counts as its target.
    """
    found: dict[str, None] = {}
    for path in files:
        if os.access(path, os.X_OK) and not path.endswith((".h", ".py")):
            found[os.path.realpath(path)] = None
    return list(found)


class Program(NamedTuple):
    """The facts about a program."""

    version: str
    """As version() returns it."""
    loaded: tuple[str, ...]
    """The files that are loaded when it runs: itself, the dynamic loader and its cache, and shared
    libraries; links are resolved."""


class Programs:
    """Look up programs by path; known: used of an earlier build, as read from JSON."""

    def __init__(self, contents: Contents, known: Mapping[str, Any]) -> None:
        self._contents = contents
        self._known = known
        self.used: dict[str, Program] = {}
        """Those looked up, by the digests of the program and of the dynamic loader's cache."""
        self.by_path: dict[str, Program] = {}
        """Those looked up, by path."""

    def of(self, path: str) -> Program:
        """Return the facts about a program; run it for --version if they are not known."""
        if path not in self.by_path:
            digest = self._contents.digest
            key = f"{digest(path)} {digest(_CACHE)}"
            known = self._known.get(key)
            found = Program(known[0], tuple(known[1])) if known else Program(*_ask(path))
            self.used[key] = self.by_path[path] = found
        return self.by_path[path]


def _ask(path: str) -> tuple[str, tuple[str, ...]]:
    """Return the fields of Program for a program, which is run."""
    return version(path), (path, *_libraries(path))


def _libraries(path: str) -> list[str]:
    """Return the dynamic loader of a program, its libraries, and the cache; [] if it is static."""
    loader = _loader(path)
    if not loader:
        return []
    found = _LIBRARY.findall(_said([loader, "--list", path]))
    libraries = {loader, *found}
    cache = [_CACHE] if os.path.exists(_CACHE) else []
    return [*sorted(set(map(os.path.realpath, libraries))), *cache]


def _loader(path: str) -> str:
    """Return the path of the dynamic loader that a program names (PT_INTERP); "" if none."""
    with Data.of_file(open_regular(path, "a program"), path) as data:
        try:
            segments = Elf(data).segments
        except NotElf:
            return ""
        for segment in segments:
            if segment.p_type == _PT_INTERP:
                return os.fsdecode(data.string(segment.p_offset) or b"")
    return ""


def version(path: str) -> str:
    """Return the last version number in the first line that a program prints for --version.

    Return "" if there is none, or if the program fails.
    """
    found: Sequence[str] = _VERSION.findall(_said([path, "--version"]).partition("\n")[0])
    return found[-1].rstrip(",") if found else ""


def _said(command: Sequence[str]) -> str:
    """Return the output of a command; "" if it fails, cannot be run, or takes over 60 seconds."""
    try:
        run = subprocess.run(
            command,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout.decode("utf-8", "replace") if run.returncode == 0 else ""
