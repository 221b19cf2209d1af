# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Walks a translation unit: the files that it reads, and the CONFIG_ names it mentions.

A file that the compiler surely reads is walked as the compiler does it, from
top to bottom.  From an #if that only the compiler can decide, until its
#endif, nothing is sure: a macro that is defined there has one definition more
than before, and a file that is included there may be read now, or may have
been before.  So definitions only become more, and such files are walked again
until that changes nothing any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .directives import ASSEMBLER, Directive, Macro, Source, Tokens, parse
from .macros import Definitions, Macros
from .options import Options as Options
from .options import options as options
from .sources import Found, Sources

_INCLUDE_DEPTH = 200
"""Where gcc gives up, too."""

YES, MAYBE, NO = 2, 1, 0
"""Whether the compiler reads a place."""

_HEADER_NAME = re.compile(r'"([^"]+)"|<([^>]+)>')


@dataclass
class Dependencies:
    """What the outcome of one compilation depends on, besides its source."""

    files: dict[str, None] = field(default_factory=dict)
    """Headers and .incbin files, in the order in which they are met."""
    symbols: set[str] = field(default_factory=set)
    """CONFIG_ names, without the prefix."""
    pastes: bool = False
    """Whether any symbol may be meant, as names are made with ##."""
    absent: set[str] | None = field(default_factory=set)
    """Where a file was looked for and is not; None if it may be anywhere."""


class _Walk(NamedTuple):
    """The last walk through a file that the compiler may read."""

    changes: int
    """Of macros, before it."""
    asked: set[str]
    """Macros that it looked up or defined."""
    included: list[Found]


class Scanner:
    """Scans many translation units, and reads each file once.

    read(path) returns a file's text, or None if there is none yet; exists(path)
    says whether a file is there, or will be.
    """

    def __init__(self, read: Callable[[str], str | None], exists: Callable[[str], bool]) -> None:
        self._sources = Sources(read, exists)

    def scan(self, path: str, options: Options, known: Mapping[str, Macro | None]) -> Dependencies:
        """Scans a source; known are macros that are surely (None: not) defined at its start."""
        return _Unit(self._sources, options, known).scan(path)


class _Unit:
    """One translation unit on its way through the preprocessor."""

    def __init__(
        self, sources: Sources, options: Options, known: Mapping[str, Macro | None]
    ) -> None:
        self._sources = sources
        self._options = options
        self._macros = Macros({**known, **dict(options.macros)})
        self._pushed: dict[str, Definitions] = {}
        self._undefined: set[str] = set()
        self._result = Dependencies()
        self._entered: dict[str, Source] = {}
        self._depth = 0
        self._hides_incbin = False
        # Files that say #pragma once, by whether that was surely read.
        self._once: dict[str, int] = {}
        self._walks: dict[Found, _Walk] = {}
        self._included: list[Found] | None = None

    def scan(self, path: str) -> Dependencies:
        self._result.absent = self._sources.absent = set()
        for _, macro in self._options.macros:
            if macro is not None and "CONFIG_" in macro.body:
                self._mention(parse(macro.body))
        try:
            for name in self._options.forced:
                # As if from a file in the working folder.
                self._include(Directive("include", f'"{name}"'), Found("", None), YES)
            self._read(Found(path, None), YES)
        except _TooDeep:
            # The compiler will say so.
            pass
        if self._hides_incbin or any(s.hides_incbin for s in self._entered.values()):
            self._incbin_by_any_name()
            self._result.absent = None
        return self._result

    def _mention(self, source: Source) -> None:
        self._result.symbols |= source.symbols
        self._result.pastes |= source.pastes

    def _read(self, file: Found, reading: int) -> None:
        source = self._sources.source(file.path)
        if source is None:
            return
        if source.guard:
            # An include guard is nothing that the compiler predefines.
            self._macros.assume_undefined(source.guard)
            if None not in self._macros.peek(source.guard):
                self._macros.asked.add(source.guard)
                return
        once = self._once.get(file.path, NO)
        if once == YES:
            return
        if file.path not in self._entered:
            self._entered[file.path] = source
            self._mention(source)
        if reading == MAYBE or once == MAYBE:
            self._maybe(file)
        else:
            self._depth += 1
            if self._depth > _INCLUDE_DEPTH:
                raise _TooDeep
            self._walk(file, source.directives, YES)
            self._depth -= 1
        if reading == YES and source.guard and source.guard not in self._undefined:
            # If not before, then it was read now.
            self._macros.set(source.guard, self._macros.of(source.guard) - {None})

    def _maybe(self, file: Found) -> None:
        """Walks a file that the compiler may read, and all that it may include."""
        if self._included is not None:
            self._included.append(file)
            return
        asked = self._macros.asked
        met: dict[Found, None] = {}
        todo = [file]
        while todo:
            file = todo.pop()
            settled = self._is_settled(file)
            if not (settled and file in met):
                met[file] = None
                if not settled:
                    self._walk_again(file)
                todo += reversed(self._walks[file].included)
            if not todo:
                todo = [f for f in met if not self._is_settled(f)]
        self._included = None
        self._macros.asked = asked

    def _walk_again(self, file: Found) -> None:
        self._included = []
        self._macros.asked = set()
        self._walks[file] = _Walk(self._macros.changes, self._macros.asked, self._included)
        source = self._entered[file.path]
        self._walk(file, source.directives[1:-1] if source.guard else source.directives, MAYBE)

    def _is_settled(self, file: Found) -> bool:
        """Whether no macro that a file looks up or defines has changed since its last walk."""
        walk = self._walks.get(file)
        if walk is None:
            return False
        changed = self._macros.changed
        return walk.changes == self._macros.changes or all(
            changed.get(name, 0) <= walk.changes for name in walk.asked
        )

    def _walk(self, file: Found, directives: Sequence[Directive], reading: int) -> None:
        # For each open #if: what encloses it, and whether a branch was taken.
        open_ifs: list[tuple[int, bool | None]] = []
        for directive in directives:
            name = directive.name
            if name in ("if", "ifdef", "ifndef"):
                open_ifs.append((reading, False))
                reading = self._branch(open_ifs, name, directive)
            elif name in ("elif", "elifdef", "elifndef", "else"):
                if open_ifs:
                    reading = self._branch(open_ifs, name.removeprefix("el"), directive)
            elif name == "endif":
                if open_ifs:
                    reading = open_ifs.pop()[0]
            elif reading == NO:
                continue
            elif name == "define":
                self._define(directive.text, frozenset([directive.macro]), reading)
            elif name == "undef":
                self._undefined.add(directive.text)
                self._define(directive.text, frozenset([None]), reading)
            elif name == "push_macro":
                pushed = self._pushed.get(directive.text, frozenset())
                self._pushed[directive.text] = pushed | self._macros.of(directive.text)
            elif name == "pop_macro":
                # Any that was pushed: that is simple, and rare.
                pushed = self._pushed.get(directive.text, frozenset())
                self._undefined.add(directive.text)
                self._define(directive.text, pushed, MAYBE)
            elif name == "once":
                self._once[file.path] = max(reading, self._once.get(file.path, NO))
            elif name in ASSEMBLER:
                # In C, the quotes may be the ends of two strings: ".incbin " F "\n".
                self._hides_incbin |= not self._assemble(directive)
            else:
                self._include(directive, file, reading)

    def _branch(
        self, open_ifs: list[tuple[int, bool | None]], name: str, directive: Directive
    ) -> int:
        """Enters a branch: whether the compiler reads it."""
        enclosing, taken = open_ifs[-1]
        if enclosing == NO or taken is True:
            return NO
        value: bool | None = True
        if name == "if":
            value = self._macros.condition(directive.tokens)
        elif name in ("ifdef", "ifndef"):
            value = self._macros.is_defined(directive.text)
            if name == "ifndef" and value is not None:
                value = not value
        if value is False:
            return NO
        open_ifs[-1] = (enclosing, value)
        return min(enclosing, YES if value and taken is False else MAYBE)

    def _define(self, name: str, definitions: Definitions, reading: int) -> None:
        if reading == MAYBE:
            definitions |= self._macros.of(name)
        self._macros.set(name, definitions)

    def _include(self, directive: Directive, file: Found, reading: int) -> None:
        text = directive.text
        names = [text]
        if text[:1] not in ('"', "<"):
            here = {"__FILE__": Macro(None, f'"{file.path}"')}
            names = [_joined(tokens) for tokens in self._macros.expand(directive.tokens, here)]
        found: dict[Found, None] = {}
        for name in names:
            match = _HEADER_NAME.match(name)
            header = match and self._sources.header(
                match[1] or match[2],
                self._options,
                beside=file.path if match[1] else None,
                following=file.following if directive.name == "include_next" else None,
            )
            if header:
                found[header] = None
        for header in found:
            self._result.files[header.path] = None
            if directive.name != "embed":
                self._read(header, reading if len(found) == 1 else MAYBE)

    def _assemble(self, directive: Directive) -> bool:
        """Adds a file that the assembler reads; False if there is none."""
        # The assembler looks in the working folder, then in those of -I.
        found = self._sources.find(directive.text, ("", *self._options.angled))
        if found is None:
            return False
        if found[0] in self._result.files:
            return True
        self._result.files[found[0]] = None
        source = self._sources.source(found[0]) if directive.name == ".include" else None
        for inner in source.directives if source else ():
            if inner.name in ASSEMBLER:
                self._assemble(inner)
        return True

    def _incbin_by_any_name(self) -> None:
        """An .incbin's file is made by macros: any word that names one may be meant."""
        words = {w for source in self._entered.values() for w in source.words}
        for _, macro in self._options.macros:
            if macro is not None:
                words |= parse(macro.body).words
        for word in sorted(words):
            self._assemble(Directive(".incbin", word))


class _TooDeep(Exception):  # noqa: N818 - ends a scan, is no error
    """Includes are nested deeper than a compiler allows."""


def _joined(tokens: Tokens) -> str:
    return re.sub(" +", " ", "".join(tokens)).strip()
