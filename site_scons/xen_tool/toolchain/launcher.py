# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A command that stands before the compiler: ccache, sccache, distcc, icecc, or another.

What it is told by the environment and by its own files counts as the toolchain does.  It is there
for compilations only, and not for those that embed a file (.incbin), of which such programs do
not know that it was read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from .words import LAUNCHER_SETTINGS

_PLACES = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")
# By the headers that were read a cache would find an object, although a new one is now found first.
_EXACT = {"CCACHE_DIRECT": {"CCACHE_NODIRECT": "1"}, "SCCACHE_DIRECT": {"SCCACHE_DIRECT": "false"}}
_FILES = (
    "$CCACHE_CONFIGPATH",
    "$CCACHE_DIR/ccache.conf",
    "$XDG_CONFIG_HOME/ccache/ccache.conf",
    "$HOME/.config/ccache/ccache.conf",
    "$HOME/.ccache/ccache.conf",
    "/etc/ccache.conf",
    "$SCCACHE_CONF",
    "$XDG_CONFIG_HOME/sccache/config",
    "$HOME/.config/sccache/config",
    "$DISTCC_DIR/hosts",
    "$HOME/.distcc/hosts",
    "/etc/distcc/hosts",
)


class Launcher(NamedTuple):
    """A launcher, found once."""

    argv: tuple[str, ...]
    """Its words, before those of the compiler."""
    files: tuple[str, ...]
    """Its program and its own files, whether they are there or not."""
    environment: dict[str, str]
    """What it gets of the environment."""


NONE = Launcher((), (), {})


def launcher(argv: tuple[str, ...], environ: Mapping[str, str]) -> Launcher:
    """The launcher of a command, of which the first word is a program's path."""
    told = {
        name: value
        for name, value in sorted(environ.items())
        if name in _PLACES or name.startswith(LAUNCHER_SETTINGS)
    }
    for name, exact in _EXACT.items():
        if name not in told and not exact.keys() & told.keys():
            told.update(exact)
    files = dict.fromkeys(_expanded(name, environ) for name in _FILES)
    programs = (argv[0], os.path.realpath(argv[0]))
    return Launcher(argv, (*programs, *filter(None, files)), told)


def _expanded(name: str, environ: Mapping[str, str]) -> str:
    variable, slash, rest = name.removeprefix("$").partition("/")
    if not name.startswith("$"):
        return name
    value = environ.get(variable)
    return f"{value}{slash}{rest}" if value else ""
