# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Correct the text of Kconfig files where kconfiglib reads it otherwise than C kconfig's lexer.l.

Used by parser.py, which hands the text to kconfiglib.
"""

from __future__ import annotations

import re

# The beginning of a macro, an escaped character, an operator of two characters, or one character.
_TOKENS = re.compile(r"\$\(|\\.|:=|\+=|&&|\|\||.")
_QUOTED = re.compile(r'"[^"\\$]*"')
_UNSUPPORTED = re.compile(r"[^\w\s$()=!<>&|'\"-]|[&|]", re.ASCII)


def end_comments(text: str) -> str:
    """Return the text of a file in which each comment ends with its line, even after a backslash.

    Kconfiglib would take the next line for a part of the comment.
    """
    if "\\\n" not in text:
        return text
    lines = text.split("\n")
    return "\n".join(f"{x} " if x.endswith("\\") and _has_comment(x) else x for x in lines)


def mend_line(text: str) -> tuple[str, list[str]]:
    """Return a line without what C kconfig's lexer ignores in it, and the lexer's warnings.

    The line ends with a newline, after the closing quote that it may lack.
    """
    tokens, quote = _scan(text.rstrip("\n"))
    mended, mistakes = "", []
    for token, is_literal in tokens:
        if is_literal or not _UNSUPPORTED.fullmatch(token):
            mended += token
        else:
            mended += " "
            mistakes.append(f"the character {token!r} is ignored")
    if quote:
        mistakes.append("a string has no closing quote")
    return f"{mended}{quote}\n", mistakes


def has_ignored(text: str) -> bool:
    """Whether a line has a `.` or `/` that C kconfig ignores.

    Kconfiglib would take it for a part of a name.
    """
    # Nearly all lines end here.
    if "." not in text and "/" not in text:
        return False
    rest = text if "'" in text else _QUOTED.sub("", text)
    if "." not in rest and "/" not in rest:
        return False
    return any(token in (".", "/") and not is_literal for token, is_literal in _scan(text)[0])


def _has_comment(line: str) -> bool:
    # _scan() stops at a comment.
    return sum(len(token) for token, _is_literal in _scan(line)[0]) < len(line)


def _scan(line: str) -> tuple[list[tuple[str, bool]], str]:
    """Return the tokens of a line before a comment, and the quote that is open at its end.

    Each token comes with whether it is literal: in a string or a macro.
    """
    found: list[tuple[str, bool]] = []
    quote, depth = "", 0
    for token in _TOKENS.findall(line):
        if depth or token == "$(":
            depth += token.endswith("(") - token.endswith(")")
        elif quote:
            quote = "" if token == quote else quote
        elif token in ("'", '"'):
            quote = token
        elif token == "#":
            break
        found.append((token, bool(depth or quote)))
    return found, quote
