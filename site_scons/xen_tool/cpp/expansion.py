# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Macro expansion as in C11 6.10.3, with gcc's extensions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .directives import Macro, Tokens, tokenize

_MOST_STEPS = 20_000


class TooMuch(Exception):  # noqa: N818 - a limit, not always an error
    """An expansion grows without end, or is one that a compiler rejects."""


def expand(tokens: Tokens, definition: Callable[[str], Macro | None], *, condition: bool) -> Tokens:
    """Expands tokens, where definition says what a name is; in a condition also "defined NAME".

    Raises TooMuch.
    """
    try:
        expanded = _Expansion(definition).expand([_Token(t, _NOTHING) for t in tokens], condition)
    except RecursionError:
        raise TooMuch from None
    return [token.text for token in expanded]


class _Token(NamedTuple):
    text: str
    hidden: frozenset[str]
    """The macros that it came from: they do not expand again (Prosser's hide set)."""


_NOTHING: frozenset[str] = frozenset()


class _Expansion:
    """One expansion."""

    def __init__(self, definition: Callable[[str], Macro | None]) -> None:
        self._definition = definition
        self._steps = 0

    def expand(self, tokens: Sequence[_Token], condition: bool = False) -> list[_Token]:
        result: list[_Token] = []
        # Turned round: the next token is the last.
        todo = list(reversed(tokens))
        while todo:
            token = todo.pop()
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise TooMuch
            if not _is_name(token.text) or token.text in token.hidden:
                result.append(token)
                continue
            if condition and token.text == "defined":
                result.append(self._defined(todo))
                continue
            macro = self._definition(token.text)
            if macro is None:
                result.append(token)
            elif macro.parameters is None:
                hidden = token.hidden | {token.text}
                todo += reversed(self._substitute(macro, {}, hidden))
            else:
                call = _call(todo)
                if call is None:
                    result.append(token)
                    continue
                arguments, end = call
                hidden = (token.hidden & end.hidden) | {token.text}
                named = _named(macro.parameters, arguments)
                todo += reversed(self._substitute(macro, named, hidden))
        return result

    def _defined(self, todo: list[_Token]) -> _Token:
        """Takes the operand of defined."""
        operand = _next(todo)
        if operand.text == "(":
            operand = _next(todo)
            if _next(todo).text != ")":
                raise TooMuch
        if not _is_name(operand.text):
            raise TooMuch
        return _Token("0" if self._definition(operand.text) is None else "1", _NOTHING)

    def _substitute(
        self, macro: Macro, arguments: Mapping[str, list[_Token]], hidden: frozenset[str]
    ) -> list[_Token]:
        """The body with its parameters replaced: # and ## take arguments as they are."""
        body = macro.tokens
        if not arguments and "##" not in body:
            return [_Token(t, hidden) for t in body]
        variadic = _variadic(macro.parameters)
        if variadic is not None and "__VA_OPT__" in body:
            body = _choose_va_opt(body, bool(self.expand(arguments[variadic])))
        result: list[_Token] = []
        pasting = False
        index = 0
        while index < len(body):
            text = body[index]
            index += 1
            if text == " " and (pasting or _starts_with(body, index, "##")):
                continue
            if text == "##" and result:
                pasting = True
                continue
            if text == "#" and macro.parameters is not None:
                index += _starts_with(body, index, " ")
                name = body[index] if index < len(body) else ""
                index += 1
                piece = [_Token(_stringify(arguments.get(name, [])), _NOTHING)]
            elif text not in arguments:
                piece = [_Token(text, _NOTHING)]
            elif pasting and text == variadic and result[-1].text == ",":
                # gcc's ", ## arguments": without any, the comma goes.
                piece, pasting = arguments[text], False
                if not piece:
                    result.pop()
            elif pasting or _starts_with(body, index + _starts_with(body, index, " "), "##"):
                # An empty argument pastes as an empty token.
                piece = arguments[text] or [_Token("", _NOTHING)]
            else:
                piece = self.expand(arguments[text])
            if pasting:
                piece = _paste(result.pop(), piece)
                pasting = False
            result += piece
        return [_Token(t.text, t.hidden | hidden) for t in result if t.text]


def _call(todo: list[_Token]) -> tuple[list[list[_Token]], _Token] | None:
    """Takes the arguments of a call, if one is next, and its closing parenthesis."""
    index = len(todo) - 1
    while index >= 0 and todo[index].text == " ":
        index -= 1
    if index < 0 or todo[index].text != "(":
        return None
    arguments: list[list[_Token]] = [[]]
    depth = 1
    while index > 0:
        index -= 1
        token = todo[index]
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0:
            del todo[index:]
            return [_strip(a) for a in arguments], token
        if token.text == "," and depth == 1:
            arguments.append([])
        else:
            arguments[-1].append(token)
    return None


def _variadic(parameters: Sequence[str] | None) -> str | None:
    """What a macro calls its variable arguments, if it takes any."""
    if not parameters or not parameters[-1].endswith("..."):
        return None
    return parameters[-1].removesuffix("...").strip() or "__VA_ARGS__"


def _named(parameters: Sequence[str], arguments: list[list[_Token]]) -> dict[str, list[_Token]]:
    variadic = _variadic(parameters)
    names = list(parameters)
    if variadic is not None:
        names[-1] = variadic
        fixed = len(names) - 1
        rest: list[_Token] = []
        for argument in arguments[fixed:]:
            rest += [_Token(",", _NOTHING), *argument]
        arguments = [*arguments[:fixed], rest[1:]]
    missing: list[list[_Token]] = [[]] * (len(names) - len(arguments))
    return dict(zip(names, arguments + missing, strict=False))


def _choose_va_opt(body: Tokens, present: bool) -> Tokens:
    """The body with the contents of __VA_OPT__(...), or without."""
    result: Tokens = []
    depth = 0
    inside = False
    for token in body:
        if not inside:
            if token == "__VA_OPT__":
                inside = True
            else:
                result.append(token)
            continue
        depth += (token == "(") - (token == ")")
        if depth == 0 and token == ")":
            inside = False
        elif present and depth and not (depth == 1 and token == "("):
            result.append(token)
    return result


def _paste(left: _Token, right: Sequence[_Token]) -> list[_Token]:
    hidden = left.hidden & right[0].hidden
    pasted = [_Token(t, hidden) for t in tokenize(left.text + right[0].text)]
    return [*(pasted or [_Token("", hidden)]), *right[1:]]


def _stringify(tokens: Sequence[_Token]) -> str:
    quoted = (
        t.text.replace("\\", "\\\\").replace('"', '\\"') if t.text[0] in "\"'" else t.text
        for t in tokens
    )
    return '"' + "".join(quoted) + '"'


def _next(todo: list[_Token]) -> _Token:
    while todo:
        token = todo.pop()
        if token.text != " ":
            return token
    raise TooMuch


def _starts_with(tokens: Tokens, index: int, text: str) -> bool:
    return index < len(tokens) and tokens[index] == text


def _strip(tokens: list[_Token]) -> list[_Token]:
    start, end = 0, len(tokens)
    while start < end and tokens[start].text == " ":
        start += 1
    while end > start and tokens[end - 1].text == " ":
        end -= 1
    return tokens[start:end]


def _is_name(token: str) -> bool:
    return token[:1].isalpha() or token[:1] in ("_", "$")
