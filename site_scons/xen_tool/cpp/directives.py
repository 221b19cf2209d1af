# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Splits a source into its preprocessor directives and the other names that matter to a build."""

from __future__ import annotations

import re
from dataclasses import dataclass

_COMMENT_OR_STRING = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL
)
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(\w+)[ \t]*(.*)$", re.MULTILINE)
_DEFINE = re.compile(r"(\w+)(\(([^)]*)\))?[ \t]*(.*)")
_CONFIG = re.compile(r"\bCONFIG_(\w*)(?=([ \t]*##)?)")
# In C, a string within a string: asm(".incbin \"file\"").
_INCBIN = re.compile(r"""\.incbin[ \t]+\\?"([^"\\]+)\\?\"""")
_KNOWN = (
    *("if", "ifdef", "ifndef", "elif", "elifdef", "elifndef", "else", "endif"),
    *("include", "include_next", "import", "define", "undef", "pragma"),
)


@dataclass(frozen=True)
class Macro:
    """What #define says; parameters is None for an object-like macro."""

    parameters: tuple[str, ...] | None
    body: str


@dataclass(frozen=True)
class Directive:
    """One directive: its name, and the rest of its line."""

    name: str
    text: str
    macro: Macro | None = None


@dataclass(frozen=True)
class Source:
    """All that counts in one file, whichever branches are taken."""

    directives: tuple[Directive, ...]
    symbols: frozenset[str]
    """CONFIG_ names, without the prefix."""
    pastes: bool
    """Whether CONFIG_ names are made with ##, so that any may be meant."""
    incbins: tuple[str, ...]


def parse(text: str) -> Source:
    """Reads a whole file; comments do not count."""
    text = text.replace("\r\n", "\n").replace("\\\n", "")
    text = _COMMENT_OR_STRING.sub(lambda m: m[0] if m[0][0] in "\"'" else " ", text)
    symbols = set()
    pastes = False
    for match in _CONFIG.finditer(text):
        if match[1] and not match[2]:
            symbols.add(match[1])
        else:
            pastes = True
    directives = (_directive(m[1], m[2].strip()) for m in _DIRECTIVE.finditer(text))
    return Source(
        directives=tuple(d for d in directives if d.name in _KNOWN),
        symbols=frozenset(symbols),
        pastes=pastes,
        incbins=tuple(_INCBIN.findall(text)),
    )


def _directive(name: str, text: str) -> Directive:
    if name != "define":
        return Directive(name, text)
    match = _DEFINE.match(text)
    if match is None:
        return Directive("", text)
    parameters = None
    if match[2]:
        parameters = tuple(p.strip() for p in match[3].split(",") if p.strip())
    return Directive(name, match[1], Macro(parameters, match[4]))
