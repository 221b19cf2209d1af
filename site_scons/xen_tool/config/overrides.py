# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""NAME=value: settings of symbols that hold for one run, or an error that says why not."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from ..errors import XenToolError
from .kconf import Kconfig, Symbol
from .reasons import has_prompt, reason

PREFIX = "CONFIG_"
_BOOLS = {"1": "y", "y": "y", "0": "n", "n": "n"}


def apply(kconf: Kconfig, settings: Mapping[str, str]) -> None:
    """Sets every symbol, then holds each against the value that it really has.

    Names may carry CONFIG_.  Raises XenToolError for an unknown name, a value
    that is not of the symbol's type, and one that cannot hold.
    """
    typed: dict[str, str] = {}
    values: dict[Symbol, str] = {}
    for name, text in settings.items():
        symbol = _symbol(kconf, name)
        value = _value(symbol, text)
        if values.setdefault(symbol, value) != value:
            raise XenToolError(f"{symbol.name} is set twice, to {typed[symbol.name]} and {text}")
        typed[symbol.name] = text
    for symbol, value in values.items():
        # Without a prompt it takes no value, and kconfiglib would only warn.
        if has_prompt(symbol):
            symbol.set_value(value)
    for symbol, value in values.items():
        if not _equal(symbol, symbol.str_value, value):
            text = f"{symbol.name}={typed[symbol.name]}"
            raise XenToolError(f"{text} cannot hold: {reason(symbol, typed)}")


def _symbol(kconf: Kconfig, name: str) -> Symbol:
    symbol = kconf.syms.get(name.removeprefix(PREFIX))
    if symbol is not None and symbol.nodes:
        return symbol
    defined = [s.name for s in kconf.unique_defined_syms]
    near = difflib.get_close_matches(name.removeprefix(PREFIX).upper(), defined, n=3, cutoff=0.5)
    hint = f"do you mean {' or '.join(near)}?" if near else "`scons -h` lists the settings"
    raise XenToolError(f"{name} is neither a setting of xen_tool nor a symbol of Kconfig; {hint}")


def _value(symbol: Symbol, text: str) -> str:
    import kconfiglib

    kind = kconfiglib.TYPE_TO_STR[symbol.orig_type]
    value: str | None = text
    if symbol.orig_type == kconfiglib.BOOL:
        value = _BOOLS.get(text.lower())
        expected = "1, 0, y or n"
    elif symbol.orig_type == kconfiglib.TRISTATE:
        value = "m" if text.lower() == "m" else _BOOLS.get(text.lower())
        expected = "1, 0, y, m or n"
    elif symbol.orig_type in (kconfiglib.INT, kconfiglib.HEX):
        base = _base(symbol)
        expected = "a number" if base == 10 else "a hexadecimal number such as 0x1000"
        try:
            int(text, base)
        except ValueError:
            value = None
    if value is None:
        raise XenToolError(
            f"{symbol.name}={text}: {symbol.name} is a {kind} symbol; its value is {expected}"
        )
    return value


def _equal(symbol: Symbol, left: str, right: str) -> bool:
    import kconfiglib

    if symbol.orig_type in (kconfiglib.INT, kconfiglib.HEX) and left and right:
        return int(left, _base(symbol)) == int(right, _base(symbol))
    return left == right


def _base(symbol: Symbol) -> int:
    import kconfiglib

    return 10 if symbol.orig_type == kconfiglib.INT else 16
