# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a compiler's command line says to its preprocessor."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from .directives import Macro, definition, parse

_FOLDERS = ("-iquote", "-isystem", "-idirafter", "-I")
_FILES = ("-imacros", "-include")


@dataclass(frozen=True)
class Options:
    """The flags that decide which files are read."""

    quoted: tuple[str, ...]
    """Folders for #include "...", after the includer's own; angled are the last of them."""
    angled: tuple[str, ...]
    """Folders for #include <...>."""
    macros: tuple[tuple[str, Macro | None], ...]
    """-D and -U, in order."""
    forced: tuple[str, ...]
    """Files of -imacros and -include."""


def options(arguments: Sequence[str]) -> Options:
    """Reads -I, -iquote, -isystem, -idirafter, -D, -U, -imacros and -include, also behind -Wp."""
    found: dict[str, list[str]] = {name: [] for name in (*_FOLDERS, *_FILES)}
    macros: list[tuple[str, Macro | None]] = []
    words = _words(arguments)
    for word in words:
        name = next((f for f in (*found, "-D", "-U") if word.startswith(f)), None)
        if name is None:
            continue
        value = word.removeprefix(name) or next(words, "")
        if name in found:
            found[name].append(value)
        elif name == "-U":
            macros.append((value, None))
        elif defined := _definition(value):
            macros.append(defined)
    quoted, angled = _search_path(found)
    forced = (*found["-imacros"], *found["-include"])
    return Options(quoted, angled, tuple(macros), forced)


def _words(arguments: Iterable[str]) -> Iterator[str]:
    for argument in arguments:
        if argument.startswith("-Wp,"):
            yield from argument.split(",")[1:]
        else:
            yield argument


def _definition(text: str) -> tuple[str, Macro] | None:
    name, equals, body = text.partition("=")
    line = f"{name} {body if equals else '1'}"
    # As in a source, comments do not count.
    return definition(parse(line).text.strip())


def _search_path(found: dict[str, list[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The folders of quoted and of angled names; gcc leaves out those that it has twice."""
    system = _unique([*found["-isystem"], *found["-idirafter"]])
    angled = [*_unique(found["-I"], without=set(system)), *system]
    quoted = _unique(found["-iquote"], without=set(system))
    if quoted and quoted[-1:] == angled[:1]:
        quoted.pop()
    return (*quoted, *angled), tuple(angled)


def _unique(folders: Iterable[str], without: Container[str] = ()) -> list[str]:
    normal = dict.fromkeys(os.path.normpath(folder) for folder in folders)
    return [folder for folder in normal if folder not in without]
