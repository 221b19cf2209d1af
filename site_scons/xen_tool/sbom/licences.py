# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read the licence of a file as REUSE specifies (reuse.software, 3.3), and find conflicts.

The licence is in a line SPDX-License-Identifier of the file, or of FILE.license beside it, or else
in an annotation of a REUSE.toml in the folder of the file or above.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Iterator, Mapping

from ..light import NamedTuple

_TAG = re.compile(rb"SPDX-License-" + rb"Identifier:[ \t]*(.+?)[ \t]*(?:\*/|-->|$)", re.MULTILINE)
_LOOKED_AT = 64 << 10
"""Bytes of a file in which the tag is searched."""
_WORD = re.compile(r"\(|\)|[^\s()]+")

_EXCLUDED_BY: Mapping[str, frozenset[str]] = {
    "GPL-2.0-only": frozenset(
        {
            *("Apache-2.0", "BSD-4-Clause", "CC-BY-SA-4.0", "CDDL-1.0", "CDDL-1.1", "EPL-1.0"),
            *("EPL-2.0", "GPL-3.0-only", "GPL-3.0-or-later", "LGPL-3.0-only", "MPL-1.1"),
            *("LGPL-3.0-or-later", "AGPL-3.0-only", "AGPL-3.0-or-later", "OpenSSL"),
        }
    ),
    "GPL-2.0-or-later": frozenset(("CDDL-1.0", "CDDL-1.1", "EPL-1.0", "BSD-4-Clause", "OpenSSL")),
    "GPL-3.0-only": frozenset(("CDDL-1.0", "CDDL-1.1", "EPL-1.0", "BSD-4-Clause", "OpenSSL")),
    "GPL-3.0-or-later": frozenset(("CDDL-1.0", "CDDL-1.1", "EPL-1.0", "BSD-4-Clause", "OpenSSL")),
}
"""The licences that a licence excludes from the same program (the FSF's list of licences)."""
_OLDER = {"GPL-2.0": "GPL-2.0-only", "GPL-2.0+": "GPL-2.0-or-later", "GPL-3.0": "GPL-3.0-only"}
"""The present identifiers of licences by those that SPDX has deprecated."""


def licence(path: str) -> str:
    """Return the licence expression of a file; "" if it states none."""
    for name in (path, f"{path}.license"):
        try:
            with open(name, "rb") as file:
                found = _TAG.findall(file.read(_LOOKED_AT))
        except OSError:
            continue
        tags = dict.fromkeys(tag.decode("utf-8", "replace") for tag in found)
        if tags:
            return _joined(tags)
    return _annotated(path)


def _joined(expressions: Iterable[str]) -> str:
    """Join several expressions by AND."""
    each = list(expressions)
    return each[0] if len(each) == 1 else " AND ".join(f"({one})" for one in each)


def _annotated(path: str) -> str:
    """Return the licence expression that the nearest REUSE.toml states for a file; "" if none."""
    folder = os.path.dirname(path)
    while True:
        for pattern, expression in _annotations(os.path.join(folder, "REUSE.toml")):
            if _matches(os.path.relpath(path, folder or os.curdir), pattern):
                return expression
        if folder in ("", "/"):
            return ""
        folder = os.path.dirname(folder)


@functools.cache
def _annotations(path: str) -> tuple[tuple[str, str], ...]:
    """Return the patterns of paths in a REUSE.toml, and the licence expression of each.

    The last one comes first, as it has precedence.  A file that cannot be read has none.
    """
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return ()
    return tuple(_tables(content.decode("utf-8", "replace")))[::-1]


def _tables(text: str) -> Iterator[tuple[str, str]]:
    """Yield the patterns and expressions in the text of a REUSE.toml: its [[annotations]]."""
    for table in re.split(r"(?m)^\[\[annotations\]\][ \t]*$", text)[1:]:
        values = dict(re.findall(r"(?m)^([\w-]+)[ \t]*=[ \t]*(\[[^\]]*\]|\"[^\"]*\")", table))
        expressions = re.findall(r'"([^"]*)"', values.get("SPDX-License-" + "Identifier", ""))
        for pattern in re.findall(r'"([^"]*)"', values.get("path", "")):
            if expressions:
                yield pattern, _joined(expressions)


def _matches(name: str, pattern: str) -> bool:
    """Whether a name matches a pattern of REUSE: * stays within a folder, ** does not."""
    translated = re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    return re.fullmatch(translated, name) is not None


class Conflict(NamedTuple):
    """Two files of one image whose licences exclude each other."""

    path: str
    licence: str
    other: str
    other_licence: str


def conflicts(licences: Mapping[str, str]) -> Iterator[Conflict]:
    """Yield the first two files of each two licence expressions that exclude each other.

    licences: expressions by path; "" if a file states none.  An expression that excludes itself,
    such as GPL-2.0-only AND CDDL-1.0, is paired with itself.
    """
    first: dict[str, str] = {}
    for path, expression in licences.items():
        if expression:
            first.setdefault(expression, path)
    expressions = sorted(first)
    for number, one in enumerate(expressions):
        for other in expressions[number:]:
            if not any(_agree(a | b) for a in choices(one) for b in choices(other)):
                pair = sorted([(first[one], one), (first[other], other)])
                yield Conflict(*pair[0], *pair[1])


def _agree(together: frozenset[str]) -> bool:
    """Whether one program may have all these licences."""
    return not any(together & _EXCLUDED_BY.get(each, frozenset()) for each in together)


def choices(expression: str) -> list[frozenset[str]]:
    """Return the alternatives of a licence expression: sets of licences that apply together.

    Each side of an OR is an alternative.  An exception after WITH is left out.  A text that is not
    an expression counts as one licence of that name.
    """
    words = _WORD.findall(expression)
    try:
        found = _any_of(words)
    except (IndexError, ValueError):
        return [frozenset([expression])]
    return found if not words else [frozenset([expression])]


def _any_of(words: list[str]) -> list[frozenset[str]]:
    """Parse an expression at the start of words, and remove it from them.

    This and the next two raise IndexError or ValueError if the words are not an expression.
    """
    found = _all_of(words)
    while words and words[0].upper() == "OR":
        words.pop(0)
        found = [*found, *_all_of(words)]
    return found


def _all_of(words: list[str]) -> list[frozenset[str]]:
    """Parse operands of AND at the start of words, and remove them."""
    found = _one(words)
    while words and words[0].upper() == "AND":
        words.pop(0)
        others = _one(words)
        found = [one | other for one in found for other in others]
    return found


def _one(words: list[str]) -> list[frozenset[str]]:
    """Parse a licence, or an expression in parentheses, at the start of words, and remove it."""
    word = words.pop(0)
    if word == "(":
        found = _any_of(words)
        if words.pop(0) != ")":
            raise ValueError
        return found
    if word == ")" or word.upper() in ("OR", "AND", "WITH"):
        raise ValueError
    if words and words[0].upper() == "WITH":
        del words[:2]
    return [frozenset([_OLDER.get(word, word)])]
