# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compute the value of a symbol as C kconfig does; library.py puts this into kconfiglib.

Each function names the function in scripts/kconfig of Linux 6.1 that it follows.
"""

from __future__ import annotations

import re
from typing import Any

Symbol = Any
"""A kconfiglib.Symbol; kconfiglib has no type information."""

_NUMBERS = {10: re.compile(r"-?(0|[1-9][0-9]*)"), 16: re.compile(r"(0[xX])?[0-9a-fA-F]+")}
_STRTOLL = {
    10: re.compile(r"\s*([+-]?)([0-9]+)"),
    16: re.compile(r"\s*([+-]?)(?:0[xX])?([0-9a-fA-F]+)"),
}
_PADDED = re.compile(r"\+[0-9]+|[+-]?0[0-9]+")
_BEYOND_INT64 = 1 << 63
_CONSTANT = re.compile(r"\s*([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)")


def is_number(text: str, base: int) -> bool:
    """Whether a text is a value of an int (base 10) or a hex (base 16) (sym_string_valid).

    A decimal number with leading zeros is not: C would read it as octal.
    """
    return _NUMBERS[base].fullmatch(text) is not None


def number(text: str, base: int) -> int:
    """Return the number that a text begins with, within 64 bits; 0 if there is none (strtoll).

    C kconfig checks ranges by it.
    """
    match = _STRTOLL[base].match(text)
    value = int(match[1] + match[2], base) if match else 0
    return max(-_BEYOND_INT64, min(value, _BEYOND_INT64 - 1))


def is_logical(symbol: Symbol) -> bool:
    """Whether a symbol is a bool or tristate."""
    import kconfiglib

    return symbol.orig_type in (kconfiglib.BOOL, kconfiglib.TRISTATE)


def is_transitional(symbol: Symbol) -> bool:
    """Whether a symbol only passes its saved value on to the symbols that replace it."""
    return symbol in getattr(symbol.kconfig, "transitional", ())


def base_of(symbol: Symbol) -> int | None:
    """Return 10 for an int, 16 for a hex; None for other types."""
    import kconfiglib

    return {kconfiglib.INT: 10, kconfiglib.HEX: 16}.get(symbol.orig_type)


def active_range(symbol: Symbol) -> tuple[Symbol, Symbol] | None:
    """Return low and high of the range that an int or hex has now, or None (sym_get_range_prop)."""
    import kconfiglib

    found = (r[:2] for r in symbol.ranges if kconfiglib.expr_value(r[2]))
    return next(found, None) if base_of(symbol) else None


def in_range(symbol: Symbol, text: str) -> bool:
    """Whether a value is within the range that applies now, if any (sym_string_within_range)."""
    bounds, base = active_range(symbol), base_of(symbol)
    if bounds is None or base is None:
        return True
    low, high = (number(bound.str_value, base) for bound in bounds)
    return low <= number(text, base) <= high


def is_changeable(symbol: Symbol) -> bool:
    """Whether a user can change the symbol's value now (sym_is_changeable)."""
    return bool(symbol.visibility > _selected(symbol))


def differs_from_default(symbol: Symbol) -> bool:
    """Whether the shortest configuration must name the symbol (conf_write_defconfig)."""
    import kconfiglib

    if not is_changeable(symbol) or symbol.str_value == _default_text(symbol):
        return False
    choice = symbol.choice
    is_chosen = choice and symbol.orig_type == kconfiglib.BOOL and symbol.tri_value == 2
    by_default = is_chosen and choice._selection_from_defaults() is symbol
    return not by_default or bool(choice.is_optional)


def _default_text(symbol: Symbol) -> str:
    """Return the default with which the shortest configuration compares (sym_get_string_default).

    It is not always the value that the symbol would have if it were not set.
    """
    import kconfiglib

    found = ((v, c) for v, c in symbol.defaults if kconfiglib.expr_value(c))
    default, condition = next(found, (symbol.kconfig.n, symbol.kconfig.n))
    if not is_logical(symbol):
        is_value = condition is not symbol.kconfig.n and isinstance(default, kconfiglib.Symbol)
        return _as_text(default) if is_value else ""
    value = min(kconfiglib.expr_value(default), kconfiglib.expr_value(condition))
    value = max(value, _selected(symbol))
    if symbol.orig_type == kconfiglib.BOOL or not symbol.choice:
        value = _within_type(symbol, value)
    return str(kconfiglib.TRI_TO_STR[max(value, _implied(symbol))])


def _as_text(default: Symbol) -> str:
    """Return the text that a string or number takes from its default.

    For a default that is a bool or tristate this is n, whatever its value.
    """
    return "n" if default.nodes and is_logical(default) else str(default.str_value)


def _selected(symbol: Symbol) -> int:
    """Return the value, 0 to 2, to which other symbols select this one; 0 in a choice."""
    import kconfiglib

    return 0 if symbol.choice else _within_type(symbol, kconfiglib.expr_value(symbol.rev_dep))


def _implied(symbol: Symbol) -> int:
    """Return the value, 0 to 2, to which other symbols imply this one; 0 in a choice."""
    import kconfiglib

    return 0 if symbol.choice else _within_type(symbol, kconfiglib.expr_value(symbol.weak_rev_dep))


def tri_value(self: Symbol) -> int:
    """Return the value of a bool or tristate: 0 for n, 1 for m, 2 for y (sym_calc_value).

    Return 0 for other types.
    """
    import kconfiglib

    if self._cached_tri_val is not None:
        return int(self._cached_tri_val)
    if not is_logical(self):
        self._cached_tri_val = 0
        return 0
    visibility = self.visibility
    self._write_to_conf = visibility != 0
    if self.choice and visibility == 2:
        value = 2 if self.choice.selection is self else 0
        self._cached_tri_val = value
        return value
    value = 0
    selected = _selected(self)
    if visibility and self.user_value is not None:
        value = min(self.user_value, visibility)
    else:
        if selected:
            self._write_to_conf = True
        for default, condition in self.defaults:
            most = kconfiglib.expr_value(condition)
            if most:
                value = min(kconfiglib.expr_value(default), most)
                if value:
                    self._write_to_conf = True
                break
        implied = _implied(self)
        if implied:
            self._write_to_conf = True
            most = _within_type(self, kconfiglib.expr_value(self.direct_dep))
            value = min(max(value, implied), most)
    value = _within_type(self, max(value, selected))
    self._cached_tri_val = value
    if is_transitional(self):
        self._write_to_conf = False
    return value


def _within_type(symbol: Symbol, value: int) -> int:
    """Return a value from 0 to 2, with y (2) for m (1) if the symbol cannot be m (sym_get_type)."""
    import kconfiglib

    if value != 1:
        return value
    is_chosen = symbol.choice and symbol.visibility == 2
    is_bool = symbol.orig_type == kconfiglib.BOOL or not symbol.kconfig.modules.tri_value
    return 2 if is_bool or is_chosen else 1


def assignable(self: Symbol) -> tuple[int, ...]:
    """Return the values, 0 to 2, that a user can set a bool or tristate to now.

    See sym_tristate_within_range.  Return () for other types.
    """
    import kconfiglib

    if not is_logical(self) or not self.visibility:
        return ()
    if self.choice and self.visibility == 2:
        return (2,)
    least = _selected(self)
    values = (0, 2) if self.type is kconfiglib.BOOL else (0, 1, 2)
    # If it is selected to its maximum, that is the only value left.
    return tuple(v for v in values if least <= v <= self.visibility) or (least,)


def str_value(self: Symbol) -> str:
    """Return the value of any symbol as text (sym_calc_value)."""
    import kconfiglib

    if self._cached_str_val is not None:
        return str(self._cached_str_val)
    if is_logical(self):
        value = kconfiglib.TRI_TO_STR[self.tri_value]
    elif not self.orig_type:
        # A constant or an undefined name.
        value = self.name
    else:
        value = _text_or_number(self)
    self._cached_str_val = value
    return str(value)


def _text_or_number(symbol: Symbol) -> str:
    """Return the value of a string, int or hex (sym_calc_value)."""
    import kconfiglib

    visible = symbol.visibility != 0
    symbol._write_to_conf = visible
    value = ""
    user = symbol.user_value
    if visible and user is not None and in_range(symbol, user):
        value = user
    else:
        default = next((v for v, c in symbol.defaults if kconfiglib.expr_value(c)), None)
        if isinstance(default, kconfiglib.Symbol):
            symbol._write_to_conf = True
            value = _as_text(default)
    base = base_of(symbol)
    bounds = active_range(symbol)
    if base and bounds:
        # A default may be out of the range (sym_validate_range).
        if number(value, base) < number(bounds[0].str_value, base):
            value = bounds[0].str_value
        elif number(value, base) > number(bounds[1].str_value, base):
            value = bounds[1].str_value
    if base == 10 and _PADDED.fullmatch(value):
        # C would read 010 as octal.
        value = str(int(value))
    not_written = symbol.env_var is not None or symbol is symbol.kconfig.defconfig_list
    if not_written or is_transitional(symbol):
        symbol._write_to_conf = False
    return str(value)


def to_number(symbol: Symbol) -> int:
    """Return the number that a comparison uses for a symbol (expr_parse_string).

    Raises ValueError if its value is no number; kconfiglib then compares texts.
    """
    import kconfiglib

    if is_logical(symbol):
        return int(symbol.tri_value)
    base = base_of(symbol)
    match = (_STRTOLL[base] if base else _CONSTANT).fullmatch(symbol.str_value)
    if match is None:
        raise ValueError
    if base is None:
        # strtoll with base 0 takes the base from the prefix.
        base = 16 if match[2][:2].lower() == "0x" else 8 if match[2].startswith("0") else 10
    value = int(match[1] + match[2], base)
    if symbol.orig_type == kconfiglib.HEX and abs(value) < 2 * _BEYOND_INT64:
        return _Hex(value)
    if not -_BEYOND_INT64 <= value < _BEYOND_INT64:
        raise ValueError
    return value


class _Hex(int):
    """The value of a hex, compared as an unsigned number of 64 bits (expr_calc_value).

    Kconfiglib compares two numbers by the sign of their difference.
    """

    def __sub__(self, other: int) -> int:
        return _unsigned(self) - _unsigned(other)

    def __rsub__(self, other: int) -> int:
        return _unsigned(other) - _unsigned(self)


def _unsigned(value: int) -> int:
    return int(value) % (2 * _BEYOND_INT64)
