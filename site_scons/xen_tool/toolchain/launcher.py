# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A compiler launcher, a command before the compiler: ccache, sccache, distcc, icecc, or another.

Its environment variables and configuration files are inputs of a step, as the toolchain's files
are.  Only compilations use it, except those that embed a file by .incbin: caches do not notice
that such a file is read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from .words import LAUNCHER_SETTINGS

_PLACES = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")
# Each setting of direct mode, and the variable that switches the mode off unless the user set
# either.  In direct mode, a cache checks only the headers that were read, and would miss a new
# header that now precedes one of them in the search path.
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
    """A launcher: its command line, files and environment."""

    argv: tuple[str, ...]
    """Its words, which come before those of the compiler."""
    files: tuple[str, ...]
    """Its program and its configuration files, which need not exist."""
    environment: dict[str, str]
    """The environment variables that are passed to it."""


NONE = Launcher((), (), {})


def launcher(argv: tuple[str, ...], environ: Mapping[str, str]) -> Launcher:
    """Return the launcher that a command starts.

    argv: the words of the command; the first is the path of the program.  environ: the
    environment variables of this process.
    """
    settings = {
        name: value
        for name, value in sorted(environ.items())
        if name in _PLACES or name.startswith(LAUNCHER_SETTINGS)
    }
    for name, exact in _EXACT.items():
        if name not in settings and not exact.keys() & settings.keys():
            settings.update(exact)
    files = dict.fromkeys(_expanded(name, environ) for name in _FILES)
    programs = (argv[0], os.path.realpath(argv[0]))
    return Launcher(argv, (*programs, *filter(None, files)), settings)


def _expanded(name: str, environ: Mapping[str, str]) -> str:
    """Return a path of _FILES with its variable replaced; "" if the variable is unset or empty."""
    variable, slash, rest = name.removeprefix("$").partition("/")
    if not name.startswith("$"):
        return name
    value = environ.get(variable)
    return f"{value}{slash}{rest}" if value else ""
