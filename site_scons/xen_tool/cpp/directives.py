# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Splits a source into its preprocessor directives and the other names that matter to a build."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

Tokens = list[str]

_SPLICE = re.compile(r"\\[ \t\f\v]*\n")
# Every alternative starts with a character of its own: that is fast.  A quote
# without a partner takes the rest of its line, as in gcc.
_COMMENT_OR_QUOTED = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)"""
    r"""|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?"""
    r"""|R(?<!\wR)"([^()\\\s]{0,16})\(.*?(?:\)\1"|\Z)"""
    r"""|\#[ \t]*include(?:_next)?[ \t]*<[^>\n]*>""",
    re.DOTALL,
)
_DIRECTIVE = re.compile(
    r"^[ \t\f\v]*\#[ \t\f\v]*"
    r"(if|ifdef|ifndef|elif|elifdef|elifndef|else|endif"
    r"|include|include_next|import|embed|define|undef|pragma)\b(.*)$"
    # In C, a string within a string: asm(".incbin \"file\"").
    r"""|(\.(?i:incbin|include))(?:[ \t]|\\t)+\\?"([^"\\\n]+)\\?\"""",
    re.MULTILINE,
)
_DEFINE = re.compile(r"([\w$]+)(?:\(([^)]*)\))?(.*)")
_NAME = re.compile(r"[\w$]*")
_DEFINED = re.compile(r"(!?)[ \t]*defined[ \t]*(?:\([ \t]*([\w$]+)[ \t]*\)|([\w$]+))$")
_CONFIG = re.compile(r"CONFIG_(?<!\wCONFIG_)(\w*)(?=([ \t]*##)?)")
_PUSH_OR_POP = re.compile(r"(push_macro|pop_macro)[ \t]*\([ \t]*\"([\w$]+)\"")
_INCBIN = re.compile(r"\.incbin\b", re.IGNORECASE)
_WORD = re.compile(r"""[^\s"'\\,;()<>]+""")
_TOKEN = re.compile(
    r"""\s+|[^\W\d][\w$]*|\$[\w$]*|\.?\d(?:[eEpP][+-]|[\w.]|'\w)*"""
    r"""|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'"""
    r"""|\#\#|<<|>>|&&|\|\||[<>=!]=|.""",
    re.DOTALL,
)
# asm's own .include reads a file that the preprocessor does not see.
ASSEMBLER = (".incbin", ".include")


@dataclass(frozen=True)
class Macro:
    """What #define says; parameters is None for an object-like macro."""

    parameters: tuple[str, ...] | None
    body: str

    @cached_property
    def tokens(self) -> Tokens:
        """The body's."""
        return tokenize(self.body)


@dataclass(frozen=True)
class Directive:
    """One directive: its name, and the rest of its line.

    Also an .incbin or .include of the assembler: text is the file, as written.
    """

    name: str
    text: str
    macro: Macro | None = None
    """Of #define; text is its name."""

    @cached_property
    def tokens(self) -> Tokens:
        """The text's."""
        return tokenize(self.text)


@dataclass(frozen=True)
class Source:
    """All that counts in one file, whichever branches are taken."""

    text: str
    """Without comments, and with continued lines joined."""
    directives: tuple[Directive, ...]
    guard: str | None
    """The macro that keeps the file, as a whole, from being read twice."""
    symbols: frozenset[str]
    """CONFIG_ names, without the prefix."""
    pastes: bool
    """Whether CONFIG_ names are made with ##, so that any may be meant."""
    hides_incbin: bool
    """Whether there is an .incbin that does not simply name its file."""

    @cached_property
    def words(self) -> frozenset[str]:
        """What could be a file's name."""
        return frozenset(w for w in _WORD.findall(self.text) if "." in w or "/" in w)


def tokenize(text: str) -> Tokens:
    """Preprocessing tokens; each run of blanks is one token " "."""
    return [" " if t.isspace() else t for t in _TOKEN.findall(text)]


def parse(text: str) -> Source:
    """Reads a whole file; comments do not count."""
    if text.startswith("\ufeff"):
        text = text[1:]
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if "\\" in text:
        text = _SPLICE.sub("", text)
    text = _COMMENT_OR_QUOTED.sub(_without_comment, text)
    directives = tuple(_directives(text))
    mentions = set(_CONFIG.findall(text))
    named = sum(d.name == ".incbin" for d in directives)
    return Source(
        text=text,
        directives=directives,
        guard=_guard(directives),
        symbols=frozenset(name for name, pasted in mentions if name and not pasted),
        pastes=any(pasted or not name for name, pasted in mentions),
        hides_incbin=len(_INCBIN.findall(text)) > named,
    )


def _without_comment(match: re.Match[str]) -> str:
    text = match[0]
    if text[0] == "/":
        return " "
    # A raw string may have several lines, and none is a directive.
    return text.replace("\n", " ") if text[0] == "R" else text


def _directives(text: str) -> Iterator[Directive]:
    for name, rest, assembler, file in _DIRECTIVE.findall(text):
        rest = rest.strip()
        if assembler:
            yield Directive(assembler.lower(), file)
        elif name == "define":
            if defined := definition(rest):
                yield Directive("define", *defined)
        elif name == "if" and (simple := _DEFINED.match(rest)):
            yield Directive("ifndef" if simple[1] else "ifdef", simple[2] or simple[3])
        elif name == "pragma":
            pragma = _PUSH_OR_POP.match(rest)
            if pragma:
                yield Directive(pragma[1], pragma[2])
            elif re.match(r"once\b", rest):
                yield Directive("once", "")
        elif name in ("ifdef", "ifndef", "elifdef", "elifndef", "undef"):
            match = _NAME.match(rest)
            yield Directive(name, match[0] if match else "")
        else:
            yield Directive(name, rest)


def definition(text: str) -> tuple[str, Macro] | None:
    """The name and the macro of a #define; None if it is malformed."""
    match = _DEFINE.match(text)
    if match is None:
        return None
    name, parameters, body = match.groups()
    if parameters is None:
        return name, Macro(None, body.strip())
    names = tuple(p.strip() for p in parameters.split(",") if p.strip())
    return name, Macro(names, body.strip())


def _guard(directives: Sequence[Directive]) -> str | None:
    if not directives or directives[0].name != "ifndef":
        return None
    guard = directives[0].text
    defines = False
    depth = 0
    for index, directive in enumerate(directives):
        name = directive.name
        if name in ("if", "ifdef", "ifndef"):
            depth += 1
        elif name == "endif":
            depth -= 1
            if depth == 0 and index + 1 < len(directives):
                return None
        elif depth == 1:
            if name.startswith("el"):
                return None
            # What has a value may stand in for a macro of the compiler's.
            if name == "define" and directive.text == guard and directive.macro:
                defines = directive.macro.body in ("", "1")
    return guard if defines and depth == 0 else None
