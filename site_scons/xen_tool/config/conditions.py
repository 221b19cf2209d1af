# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Conditions of Kconfig symbols, which select sources as kbuild's obj-$(CONFIG_SMP) does.

A condition is an expression of symbols as after `depends on`: SMP, !SMP, SMP && X86_64,
XEN_PV || XEN_PVH, with parentheses; `y` always holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import XenToolError, meant

ALWAYS = "y"
_TOKEN = re.compile(r"\s*(&&|\|\||[!()]|\w+)", re.ASCII)


def holds(condition: str, values: Mapping[str, str]) -> bool:
    """Whether a condition holds; values are those of a Configuration.

    A symbol that is y is true; one that is m, n or not set is false.  Every symbol is looked up,
    even where the result no longer depends on it.

    Raises XenToolError for a malformed expression, and for a symbol that is unknown, or whose
    value is a number or text.
    """
    tokens = _tokens(condition)
    found = _Expression(condition, tokens, values)
    result = found.any_of()
    if tokens:
        raise found.malformed()
    return result


def _tokens(condition: str) -> list[str]:
    """Return the tokens of a condition; text that is no token is the last one."""
    tokens: list[str] = []
    at = 0
    while found := _TOKEN.match(condition, at):
        tokens.append(found[1])
        at = found.end()
    if condition[at:].strip():
        tokens.append(condition[at:].strip())
    return tokens


class _Expression:
    """Evaluates an expression by recursive descent; consumes the tokens from the left."""

    def __init__(self, text: str, tokens: list[str], values: Mapping[str, str]) -> None:
        self._text = text
        self._tokens = tokens
        self._values = values

    def malformed(self) -> XenToolError:
        """Return the error for an expression with a syntax error."""
        return XenToolError(
            f"{self._text!r} is no condition: write symbols of Kconfig with !, &&, || and "
            "parentheses, such as SMP && X86_64, or y"
        )

    def any_of(self) -> bool:
        """Return the value of an expression of any operators."""
        result = self._all_of()
        while self._accept("||"):
            result = self._all_of() or result
        return result

    def _all_of(self) -> bool:
        result = self._one()
        while self._accept("&&"):
            result = self._one() and result
        return result

    def _one(self) -> bool:
        if self._accept("!"):
            return not self._one()
        if self._accept("("):
            result = self.any_of()
            if not self._accept(")"):
                raise self.malformed()
            return result
        if not self._tokens or not re.fullmatch(r"\w+", self._tokens[0], re.ASCII):
            raise self.malformed()
        return self._symbol(self._tokens.pop(0))

    def _symbol(self, name: str) -> bool:
        """Return whether a symbol, or the constant y or n, is y."""
        if name in ("y", "n"):
            return name == ALWAYS
        if name not in self._values:
            near = meant(name.removeprefix("CONFIG_"), self._values)
            raise XenToolError(f"there is no symbol {name} in Kconfig{near}")
        value = self._values[name]
        if value not in ("y", "m", "n", ""):
            raise XenToolError(f"{name} is {value}: a condition is of bool symbols")
        return value == "y"

    def _accept(self, token: str) -> bool:
        """Consume the next token if it is this one, and return whether it was."""
        is_next = self._tokens[:1] == [token]
        del self._tokens[: 1 if is_next else 0]
        return is_next
