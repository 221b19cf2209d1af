# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The value of an #if, from tokens that are already expanded.

The arithmetic is that of intmax_t and uintmax_t, 64 bits wide (C11 6.10.1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

UNKNOWN_TOKEN = "\0"
"""Stands for what only the compiler knows."""

Value = tuple[int, bool] | None
"""A number, and whether it is unsigned; None where only the compiler knows."""

_LEVELS = (
    *(("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!=")),
    *(("<", ">", "<=", ">="), ("<<", ">>"), ("+", "-"), ("*", "/", "%")),
)
_LEVEL = {operator: level for level, operators in enumerate(_LEVELS) for operator in operators}
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)([uUlL]*)")
_ESCAPES = {"\\n": 10, "\\t": 9, "\\r": 13, "\\0": 0, "\\\\": 92, "\\'": 39, '\\"': 34}


def evaluate(tokens: Sequence[str]) -> bool | None:
    """Whether an #if is taken; None where only the compiler knows, or will complain."""
    try:
        value = _Parser([t for t in tokens if t != " "]).value()
    except (ValueError, RecursionError):
        return None
    return None if value is None else value[0] != 0


class _Parser:
    """Recursive descent."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._next = 0

    def value(self) -> Value:
        value = self._conditional()
        if self._next != len(self._tokens):
            raise ValueError("tokens left")
        return value

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self, expected: str = "") -> str:
        token = self._peek()
        if not token or (expected and token != expected):
            raise ValueError(f"{expected or 'operand'} expected")
        self._next += 1
        return token

    def _conditional(self) -> Value:
        test = self._binary(0)
        if self._peek() != "?":
            return test
        self._take()
        yes = self._conditional()
        self._take(":")
        no = self._conditional()
        if test is None or yes is None or no is None:
            return None
        return _number(yes[0] if test[0] else no[0], yes[1] or no[1])

    def _binary(self, lowest: int) -> Value:
        left = self._unary()
        while (level := _LEVEL.get(self._peek(), -1)) >= lowest:
            operator = self._take()
            left = _apply(operator, left, self._binary(level + 1))
        return left

    def _unary(self) -> Value:
        token = self._take()
        if token == "(":
            value = self._conditional()
            self._take(")")
            return value
        if token in ("!", "~", "+", "-"):
            value = self._unary()
            if value is None:
                return None
            number, unsigned = value
            if token == "!":
                return int(not number), False
            return _number({"~": ~number, "+": number, "-": -number}[token], unsigned)
        if token == UNKNOWN_TOKEN:
            self._skip_arguments()
            return None
        if token[0].isalpha() or token[0] in "_$":
            # A name that is left over is 0; C23 has true.
            return None if token == "true" else (0, False)
        return _character(token) if token[0] == "'" else _literal(token)

    def _skip_arguments(self) -> None:
        """Of a function-like macro of the compiler's: __has_include("x")."""
        if self._peek() != "(":
            return
        depth = 0
        while True:
            token = self._take()
            depth += (token == "(") - (token == ")")
            if depth == 0:
                return


def _literal(token: str) -> Value:
    match = _NUMBER.fullmatch(token.replace("'", ""))
    if match is None:
        raise ValueError(f"{token} in an expression")
    digits = match[1]
    octal = digits[0] == "0" and digits.isdigit()
    number = int(digits, 8 if octal else 0)
    if number >> 64:
        return None
    return number, "u" in match[2].lower() or number >> 63 == 1


def _character(token: str) -> Value:
    inside = token[1:-1]
    if len(inside) == 1 and inside.isascii():
        return ord(inside), False
    return (_ESCAPES[inside], False) if inside in _ESCAPES else None


def _number(value: int, unsigned: bool) -> Value:
    value &= (1 << 64) - 1
    return value if unsigned or not value >> 63 else value - (1 << 64), unsigned


def _apply(operator: str, left: Value, right: Value) -> Value:
    if operator in ("&&", "||"):
        decisive = operator == "||"
        for side in (left, right):
            if side is not None and bool(side[0]) == decisive:
                return int(decisive), False
        return None if left is None or right is None else (int(not decisive), False)
    if left is None or right is None:
        return None
    if operator in ("<<", ">>"):
        count = right[0] if operator == "<<" else -right[0]
        # More than 64 is as good as 64.
        shifted = left[0] << min(count, 64) if count >= 0 else left[0] >> min(-count, 64)
        return _number(shifted, left[1])
    unsigned = left[1] or right[1]
    a, b = (side[0] % (1 << 64) if unsigned else side[0] for side in (left, right))
    if operator in ("==", "!=", "<", ">", "<=", ">="):
        # Whether a is less than, equal to or greater than b, as in "<=".
        order = "<" if a < b else ">" if a > b else "="
        return int(order in operator if operator != "!=" else order != "="), False
    if operator in ("/", "%"):
        if b == 0:
            return None
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return _number(quotient if operator == "/" else a - b * quotient, unsigned)
    results = {"|": a | b, "^": a ^ b, "&": a & b, "+": a + b, "-": a - b, "*": a * b}
    return _number(results[operator], unsigned)
