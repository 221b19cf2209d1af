# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Assignments to Kconfig symbols, each with the place where it was made.

Kconfiglib accepts an assignment silently even if dependencies, a choice or a range keep it
from having an effect.  Therefore each assignment is kept, and compared with the value that its
symbol has in the end.  Used by every module that sets symbols.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import XenToolError, meant
from .language.kconf import Kconfig
from .language.symbol_values import Symbol, base_of, is_number, number

PREFIX = "CONFIG_"
COMMAND_LINE = "on the command line"
_SHOWN = 60
"""How many characters of a value a message shows."""
_BOOLS = {"1": "y", "y": "y", "0": "n", "n": "n"}


@dataclass(frozen=True)
class Assignment:
    """An assignment of a value to a symbol."""

    symbol: Symbol
    value: str
    """The value as Kconfig writes it: y, m, n, a number or a text."""
    typed: str
    """The value as the user wrote it, such as 1 for y."""
    origin: str
    """The place, as the end of a sentence: `on the command line`, or `in FILE:LINE`."""

    def __str__(self) -> str:
        return f"{self.symbol.name}={shortened(self.typed)}"

    def holds(self) -> bool:
        """Whether the symbol has the assigned value now."""
        return equal(self.symbol, self.symbol.str_value, self.value)


def shortened(text: str) -> str:
    """Return the beginning of a text for a message, with escapes if it is not printable."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return shown if shown.isprintable() else repr(shown)[1:-1]


Origins = Mapping[str, str]
"""Where each symbol was assigned the value that it has, by name; other symbols are missing."""


def origins(assignments: Iterable[Assignment]) -> Origins:
    """Return where each symbol was assigned the value that it has now."""
    return {a.symbol.name: a.origin for a in assignments if a.holds()}


def from_settings(
    kconf: Kconfig, settings: Mapping[str, str], *, others: Iterable[str] = ()
) -> list[Assignment]:
    """Parse NAME=value, with or without CONFIG_; this assigns nothing yet.

    others: further names to suggest if a name is unknown.

    Raises XenToolError for an unknown name, for a value that is not of the
    symbol's type, and for two values of one symbol.
    """
    found: dict[str, Assignment] = {}
    for name, text in settings.items():
        symbol = find(kconf, name, others)
        assignment = Assignment(symbol, parse(symbol, text), text, COMMAND_LINE)
        before = found.setdefault(symbol.name, assignment)
        if before.value != assignment.value:
            raise XenToolError(f"{symbol.name} is set twice, to {before.typed} and {text}")
    return list(found.values())


def find(kconf: Kconfig, name: str, others: Iterable[str] = ()) -> Symbol:
    """Return the symbol of a name, with or without CONFIG_.

    others: further names to suggest if the name is unknown.

    Raises XenToolError, with the nearest names, if there is none.
    """
    symbol = kconf.syms.get(name.removeprefix(PREFIX))
    if symbol is not None and symbol.nodes:
        return symbol
    names = [*others, *(s.name for s in kconf.unique_defined_syms)]
    near = meant(name.removeprefix(PREFIX).upper(), names, cutoff=0.5)
    hint = near or "; `scons -h` lists the settings"
    raise XenToolError(f"{name} is neither a setting of xen_tool nor a symbol of Kconfig{hint}")


def parse(symbol: Symbol, text: str) -> str:
    """Convert a value as typed to the value as Kconfig writes it.

    Raises XenToolError if the symbol's type has no such value.
    """
    import kconfiglib

    value: str | None = text
    if symbol.orig_type == kconfiglib.BOOL:
        value = _BOOLS.get(text.lower())
        expected = "1, 0, y or n"
    elif symbol.orig_type == kconfiglib.TRISTATE:
        value = "m" if text.lower() == "m" else _BOOLS.get(text.lower())
        expected = "1, 0, y, m or n"
    elif base := base_of(symbol):
        value = text if is_number(text, base) else None
        expected = _number_words(text, base)
    else:
        value = text if text.isprintable() or "\t" in text else None
        expected = "text in one line"
    if value is None:
        kind = kconfiglib.TYPE_TO_STR[symbol.orig_type]
        name = symbol.name
        raise XenToolError(
            f"{name}={shortened(text)}: {name} is of type {kind}; its value is {expected}"
        )
    return value


def is_value(symbol: Symbol, text: str) -> bool:
    """Whether a text is a value of the symbol's type."""
    try:
        parse(symbol, text)
    except XenToolError:
        return False
    return True


def _number_words(text: str, base: int) -> str:
    """Return how a message describes the number that should be in the place of a text."""
    if base == 16:
        return "a hexadecimal number such as 0x1000"
    if re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII):
        return f"a number without + or leading zeros, which mean octal in C: {int(text)}"
    return "a number"


def equal(symbol: Symbol, left: str, right: str) -> bool:
    """Whether two values of a symbol are the same, as 0x10 and 0X10 are."""
    base = base_of(symbol)
    if base and left and right:
        return number(left, base) == number(right, base)
    return left == right
