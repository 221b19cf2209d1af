# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Walks a translation unit: the files that it reads, and the CONFIG_ names it mentions."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .directives import Directive, Macro, Source, parse
from .macros import UNKNOWN, Macros, condition, expand, is_defined

_INCLUDE_DEPTH = 200
"""Where gcc gives up, too."""

YES, MAYBE, NO = 2, 1, 0
"""Whether the compiler reads a place."""


@dataclass(frozen=True)
class Options:
    """What a compiler's command line says to its preprocessor."""

    quoted: tuple[str, ...]
    """Folders for #include "...", after the includer's own."""
    angled: tuple[str, ...]
    """Folders for #include <...>."""
    macros: tuple[tuple[str, Macro | None], ...]
    """-D and -U, in order."""
    forced: tuple[str, ...]
    """Files of -include."""


@dataclass
class Dependencies:
    """What the outcome of one compilation depends on, besides its source."""

    files: dict[str, None] = field(default_factory=dict)
    """Headers and .incbin files, in the order in which they are met."""
    symbols: set[str] = field(default_factory=set)
    """CONFIG_ names, without the prefix."""
    pastes: bool = False
    """Whether any symbol may be meant, as names are made with ##."""


def options(arguments: Sequence[str]) -> Options:
    """Reads -I, -iquote, -isystem, -D, -U and -include from a compiler's arguments."""
    found: dict[str, list[str]] = {"-I": [], "-iquote": [], "-isystem": [], "-include": []}
    macros: list[tuple[str, Macro | None]] = []
    words = iter(arguments)
    for word in words:
        name = next((f for f in (*found, "-D", "-U") if word.startswith(f)), None)
        if name is None:
            continue
        value = word.removeprefix(name) or next(words, "")
        if name in found:
            found[name].append(value)
        elif name == "-U":
            macros.append((value, None))
        else:
            macros.append(_macro(value))
    angled = (*found["-I"], *found["-isystem"])
    quoted = (*found["-iquote"], *angled)
    return Options(quoted, angled, tuple(macros), tuple(found["-include"]))


def _macro(definition: str) -> tuple[str, Macro]:
    name, equals, body = definition.partition("=")
    directive = parse(f"#define {name} {body if equals else '1'}").directives[0]
    assert directive.macro is not None
    return directive.text, directive.macro


class Scanner:
    """Scans many translation units, and reads each file once.

    read(path) returns a file's text, or None if there is none yet; exists(path)
    says whether a file is there, or will be.
    """

    def __init__(self, read: Callable[[str], str | None], exists: Callable[[str], bool]) -> None:
        self._read = read
        self._exists = exists
        self._sources: dict[str, Source | None] = {}
        self._found: dict[str, bool] = {}

    def scan(self, path: str, options: Options, known: Mapping[str, Macro | None]) -> Dependencies:
        """Scans a source; known are macros that are surely (None: not) defined at its start."""
        return _Unit(self, options, known).scan(path)

    def source(self, path: str) -> Source | None:
        """The parsed file; None if there is none yet."""
        if path not in self._sources:
            text = self._read(path)
            self._sources[path] = None if text is None else parse(text)
        return self._sources[path]

    def exists(self, path: str) -> bool:
        """Whether there is, or will be, such a file."""
        if path not in self._found:
            self._found[path] = self._exists(path)
        return self._found[path]


class _Unit:
    """One translation unit on its way through the preprocessor."""

    def __init__(
        self, scanner: Scanner, options: Options, known: Mapping[str, Macro | None]
    ) -> None:
        self._scanner = scanner
        self._options = options
        self._macros = Macros({name: frozenset([macro]) for name, macro in known.items()})
        self._macros.update({name: frozenset([macro]) for name, macro in options.macros})
        self._result = Dependencies()
        self._once: set[str] = set()
        self._stack: list[str] = []

    def scan(self, path: str) -> Dependencies:
        for name in self._options.forced:
            # As if from a file in the working folder.
            self._include(f'"{name}"', "", YES, after=None)
        self._file(path, YES)
        return self._result

    def _file(self, path: str, reading: int) -> None:
        source = self._scanner.source(path)
        on_stack = path in self._stack
        if source is None or path in self._once or len(self._stack) >= _INCLUDE_DEPTH:
            return
        if on_stack and reading != YES:
            return
        self._result.symbols |= source.symbols
        self._result.pastes |= source.pastes
        for name in source.incbins:
            self._incbin(name)
        self._stack.append(path)
        self._walk(path, source.directives, reading)
        self._stack.pop()

    def _walk(self, path: str, directives: Sequence[Directive], reading: int) -> None:
        # For each open #if: what encloses it, and whether a branch was taken.
        open_ifs: list[tuple[int, bool | None]] = []
        for index, directive in enumerate(directives):
            name, text = directive.name, directive.text
            if name in ("if", "ifdef", "ifndef"):
                open_ifs.append((reading, False))
                following = directives[index + 1 : index + 2]
                value = self._test(name, text, following) if reading else False
                reading = self._branch(open_ifs, value)
            elif name in ("elif", "elifdef", "elifndef", "else") and open_ifs:
                value = True if name == "else" else self._test(name.removeprefix("el"), text, ())
                reading = self._branch(open_ifs, value)
            elif name == "endif" and open_ifs:
                reading = open_ifs.pop()[0]
            elif not reading:
                continue
            elif name == "define":
                self._define(text, directive.macro, reading)
            elif name == "undef":
                self._define(text.split(" ")[0], None, reading)
            elif name == "pragma" and text == "once":
                self._once.add(path)
            elif name in ("include", "import"):
                self._include(text, path, reading, after=None)
            elif name == "include_next":
                self._include(text, path, reading, after=os.path.dirname(path))

    def _branch(self, open_ifs: list[tuple[int, bool | None]], value: bool | None) -> int:
        enclosing, taken = open_ifs[-1]
        if taken is True or value is False:
            return NO
        open_ifs[-1] = (enclosing, value)
        return min(enclosing, YES if value and taken is False else MAYBE)

    def _test(self, name: str, text: str, following: Sequence[Directive]) -> bool | None:
        if name == "if":
            return condition(text, self._macros)
        symbol = text.split(" ")[0]
        value = is_defined(symbol, self._macros)
        if name == "ifdef":
            return value
        guards = any(d.name == "define" and d.text == symbol for d in following)
        if guards and self._macros.of(symbol) == UNKNOWN:
            # An include guard is nothing that the compiler predefines.
            return True
        return None if value is None else not value

    def _define(self, name: str, macro: Macro | None, reading: int) -> None:
        before = self._macros.of(name) if reading == MAYBE else frozenset()
        self._macros[name] = before | {macro}

    def _include(self, text: str, path: str, reading: int, after: str | None) -> None:
        if text[:1] in ('"', "<"):
            names = [text]
        else:
            names = ["".join(tokens).strip() for tokens in expand(text, self._macros)]
        for name in names:
            match = re.match(r'"([^"]+)"|<([^>]+)>', name)
            found = match and self._find(match[1], match[2], path, after)
            if found:
                self._result.files[found] = None
                self._file(found, reading if len(names) == 1 else MAYBE)

    def _find(
        self, quoted: str | None, angled: str | None, path: str, after: str | None
    ) -> str | None:
        name = quoted or angled or ""
        folders = list(self._options.quoted if quoted else self._options.angled)
        if quoted and after is None:
            folders.insert(0, os.path.dirname(path))
        if after is not None and after in folders:
            folders = folders[folders.index(after) + 1 :]
        return self._first(folders, name)

    def _incbin(self, name: str) -> None:
        # The assembler looks in the working folder, then in those of -I.
        found = self._first(["", *self._options.angled], name)
        if found:
            self._result.files[found] = None

    def _first(self, folders: Sequence[str], name: str) -> str | None:
        candidates = (os.path.normpath(os.path.join(folder, name)) for folder in folders)
        return next((c for c in candidates if self._scanner.exists(c)), None)
