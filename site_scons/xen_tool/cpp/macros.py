# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Macro expansion and #if, where a macro may have more than one definition.

A name stands for a set of definitions, None being "not defined": more than
one where a #define is in a branch that only the compiler can decide.  So an
expansion has several outcomes, and an #if may have none: true, false or
unknown (None).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from .directives import Macro

Definitions = frozenset["Macro | None"]
Tokens = list[str]

UNDEFINED: Definitions = frozenset([None])
UNKNOWN: Definitions = frozenset()
"""Only the compiler knows."""

_TOKEN = re.compile(
    r"""\s+|[A-Za-z_$]\w*|\.?\d(?:[eEpP][+-]|[\w.])*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'"""
    r"""|\#\#|<<|>>|&&|\|\||[<>=!]=|.""",
    re.DOTALL,
)
# Outcomes of one expansion; past this, it is unknown.
_MOST_OUTCOMES = 16
_UNKNOWN_TOKEN = "\0"


class Macros(dict[str, Definitions]):
    """The definitions at one place of a translation unit."""

    def of(self, name: str) -> Definitions:
        """The definitions of any name; reserved names are the compiler's."""
        found = self.get(name)
        if found is not None:
            return found
        return UNKNOWN if name.startswith("_") or name in ("linux", "unix") else UNDEFINED


def tokenize(text: str) -> Tokens:
    """Preprocessing tokens; each run of blanks is one token " "."""
    return [" " if t.isspace() else t for t in _TOKEN.findall(text)]


def expand(text: str, macros: Macros) -> list[Tokens]:
    """Every outcome of expanding text; a name that only the compiler knows stays."""
    return list(_limited(_expand(tokenize(text), macros, frozenset())))


def _limited(outcomes: Iterator[Tokens]) -> Iterator[Tokens]:
    for count, outcome in enumerate(outcomes):
        yield outcome if count < _MOST_OUTCOMES else [_UNKNOWN_TOKEN]
        if count >= _MOST_OUTCOMES:
            return


def _expand(tokens: Sequence[str], macros: Macros, hidden: frozenset[str]) -> Iterator[Tokens]:
    for index, token in enumerate(tokens):
        if not _is_name(token) or token in hidden:
            continue
        definitions = macros.of(token)
        if not any(definitions):
            continue
        head = list(tokens[:index])
        for macro in sorted(definitions, key=repr):
            if macro is None:
                replaced, rest = [token], tokens[index + 1 :]
                # Hidden from here on: in this outcome it is not defined.
                for tail in _expand(rest, macros, hidden | {token}):
                    yield head + replaced + tail
                continue
            call = (
                _arguments(tokens, index + 1) if macro.parameters is not None else ([], index + 1)
            )
            if call is None:
                for tail in _expand(tokens[index + 1 :], macros, hidden):
                    yield [*head, token, *tail]
                continue
            arguments, end = call
            for body in _substitute(macro, arguments, macros, hidden):
                for replaced in _expand(body, macros, hidden | {token}):
                    for tail in _expand(tokens[end:], macros, hidden):
                        yield head + replaced + tail
        return
    yield list(tokens)


def _arguments(tokens: Sequence[str], index: int) -> tuple[list[Tokens], int] | None:
    """The arguments of a call whose parenthesis is next, and where it ends."""
    while index < len(tokens) and tokens[index] == " ":
        index += 1
    if index == len(tokens) or tokens[index] != "(":
        return None
    arguments: list[Tokens] = [[]]
    depth = 1
    for end in range(index + 1, len(tokens)):
        token = tokens[end]
        depth += (token == "(") - (token == ")")
        if depth == 0:
            return arguments, end + 1
        if token == "," and depth == 1:
            arguments.append([])
        else:
            arguments[-1].append(token)
    return None


def _substitute(
    macro: Macro, arguments: list[Tokens], macros: Macros, hidden: frozenset[str]
) -> Iterator[Tokens]:
    """The body with its parameters replaced: # and ## take arguments as they are."""
    parameters = list(macro.parameters or ())
    body = tokenize(macro.body)
    if parameters and parameters[-1] == "...":
        parameters[-1] = "__VA_ARGS__"
        fixed = len(parameters) - 1
        variable = [t for a in arguments[fixed:] for t in (",", *a)][1:]
        arguments = [*arguments[:fixed], variable]
    raw = {p: _strip(a) for p, a in zip(parameters, arguments, strict=False)}
    outcomes: list[Tokens] = [[]]
    index = 0
    while index < len(body):
        token = body[index]
        if token == "#" and index + 1 < len(body) and body[index + 1] in raw:
            text = "".join(raw[body[index + 1]])
            pieces = [['"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"']]
            index += 1
        elif token in raw and not _pasted(body, index):
            pieces = list(_limited(_expand(raw[token], macros, hidden)))
        else:
            pieces = [raw.get(token, [token])]
        outcomes = [o + p for o in outcomes for p in pieces][: _MOST_OUTCOMES + 1]
        index += 1
    for outcome in outcomes:
        yield _paste(outcome)


def _pasted(body: Tokens, index: int) -> bool:
    before = [t for t in body[:index] if t != " "]
    after = [t for t in body[index + 1 :] if t != " "]
    return before[-1:] == ["##"] or after[:1] == ["##"]


def _paste(tokens: Tokens) -> Tokens:
    text: Tokens = []
    joining = False
    for token in tokens:
        if token == "##":
            text = _strip(text)
            joining = True
        elif not joining:
            text.append(token)
        elif token != " ":
            text = text[:-1] + tokenize("".join(text[-1:]) + token)
            joining = False
    return text


def _strip(tokens: Tokens) -> Tokens:
    start, end = 0, len(tokens)
    while start < end and tokens[start] == " ":
        start += 1
    while end > start and tokens[end - 1] == " ":
        end -= 1
    return tokens[start:end]


def _is_name(token: str) -> bool:
    return token[0].isalpha() or token[0] in "_$"


def condition(text: str, macros: Macros) -> bool | None:
    """The value of #if text; None where only the compiler knows."""
    values = set()
    for tokens in expand(_defined(text, macros), macros):
        known = [_UNKNOWN_TOKEN if macros.of(t) == UNKNOWN else t for t in tokens if t != " "]
        try:
            value = _Expression(known).value()
        except (ValueError, ZeroDivisionError, IndexError):
            value = None
        values.add(None if value is None else bool(value))
    return values.pop() if len(values) == 1 else None


def is_defined(name: str, macros: Macros) -> bool | None:
    """The value of #ifdef name; None where only the compiler knows."""
    states = {macro is not None for macro in macros.of(name)}
    return states.pop() if len(states) == 1 else None


def _defined(text: str, macros: Macros) -> str:
    def state(match: re.Match[str]) -> str:
        value = is_defined(match[1] or match[2], macros)
        return _UNKNOWN_TOKEN if value is None else f" {int(value)} "

    return re.sub(r"\bdefined\s*(?:\(\s*(\w+)\s*\)|(\w+))", state, text)


_LEVELS: tuple[Mapping[str, object], ...] = (
    {"||": None},
    {"&&": None},
    {"|": int.__or__},
    {"^": int.__xor__},
    {"&": int.__and__},
    {"==": int.__eq__, "!=": int.__ne__},
    {"<": int.__lt__, ">": int.__gt__, "<=": int.__le__, ">=": int.__ge__},
    {"<<": int.__lshift__, ">>": int.__rshift__},
    {"+": int.__add__, "-": int.__sub__},
    {"*": int.__mul__, "/": int.__floordiv__, "%": int.__mod__},
)


class _Expression:
    """Recursive descent over the tokens of an #if; a value of None is unknown."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._next = 0

    def value(self) -> int | None:
        value = self._conditional()
        if self._next != len(self._tokens):
            raise ValueError("tokens left")
        return value

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        self._next += 1
        return self._tokens[self._next - 1]

    def _conditional(self) -> int | None:
        test = self._binary(0)
        if self._peek() != "?":
            return test
        self._take()
        yes = self._conditional()
        if self._take() != ":":
            raise ValueError("? without :")
        no = self._conditional()
        if test is None:
            return yes if yes == no else None
        return yes if test else no

    def _binary(self, level: int) -> int | None:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._peek() in _LEVELS[level]:
            operator = self._take()
            left = _apply(operator, left, self._binary(level + 1), _LEVELS[level][operator])
        return left

    def _unary(self) -> int | None:
        token = self._take()
        if token == "(":
            value = self._conditional()
            if self._take() != ")":
                raise ValueError("unbalanced")
            return value
        if token in "!~+-":
            value = self._unary()
            if value is None:
                return None
            return {"!": int(not value), "~": ~value, "+": value, "-": -value}[token]
        if token == _UNKNOWN_TOKEN:
            self._skip_arguments()
            return None
        if _is_name(token):
            # A name that is left over is 0.
            return 0
        if token[0] == "'":
            return ord(token[1]) if len(token) == 3 else None
        if not token[0].isdigit():
            raise ValueError(f"{token} in an expression")
        number = token.rstrip("uUlLzZ").replace("'", "")
        octal = len(number) > 1 and number[0] == "0" and number.isdigit()
        return int(number, 8 if octal else 0)

    def _skip_arguments(self) -> None:
        """Of a function-like macro of the compiler's: __has_include("x")."""
        call = _arguments(self._tokens, self._next)
        if call is not None:
            self._next = call[1]


def _apply(operator: str, left: int | None, right: int | None, function: object) -> int | None:
    if operator == "&&":
        if left == 0 or right == 0:
            return 0
        return None if left is None or right is None else 1
    if operator == "||":
        if left or right:
            return 1
        return None if left is None or right is None else 0
    if left is None or right is None:
        return None
    assert callable(function)
    return int(function(left, right))
