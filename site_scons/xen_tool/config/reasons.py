# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Why a symbol does not have the value that was asked for, in a sentence with the fix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..abi import ARCHES
from .kconf import Symbol

_OF_ARCH = {"64BIT"} | {arch.symbol for arch in ARCHES.values()}


def has_prompt(symbol: Symbol) -> bool:
    """Whether the user can set the symbol at all."""
    return any(node.prompt for node in symbol.nodes)


def reason(symbol: Symbol, wanted: Mapping[str, str]) -> str:
    """Explains a value that did not take; wanted is all that was asked for, as typed."""
    import kconfiglib

    if not has_prompt(symbol):
        return _promptless(symbol)
    value = kconfiglib.TRI_TO_STR.get(symbol.user_value, symbol.user_value)
    missing = _unmet(symbol.direct_dep)
    if missing and value != "n":
        return _needs(symbol.name, missing, wanted)
    if symbol.choice is not None:
        return _choice(symbol, value, wanted)
    if kconfiglib.expr_value(symbol.rev_dep) > 0:
        selecting = [s.name for s in _symbols(symbol.rev_dep) if s.str_value != "n"]
        return f"{' and '.join(selecting)} (=y) selects it; type {selecting[0]}=0 as well"
    for low, high, condition in symbol.ranges:
        if kconfiglib.expr_value(condition):
            return f"its range is {low.str_value} to {high.str_value}"
    if symbol.visibility == 0:
        return "it is not visible: " + _conditions(symbol)
    return f"it is {symbol.str_value or 'not set'}"


def _promptless(symbol: Symbol) -> str:
    value = symbol.str_value or "not set"
    text = f"it has no prompt and is {value}"
    if symbol.name in _OF_ARCH:
        return f"{text}, as ARCH says; type {_other_arch(symbol)} instead"
    names = sorted({s.name for d, c in symbol.defaults for s in (*_symbols(d), *_symbols(c))})
    names += [s.name for s in _symbols(symbol.direct_dep) if s.name not in names]
    return f"{text}; it follows {', '.join(names)}" if names else text


def _needs(name: str, missing: list[Any], wanted: Mapping[str, str]) -> str:
    import kconfiglib

    needs, fixes = [], []
    for term in missing:
        if isinstance(term, kconfiglib.Symbol):
            needs.append(f"{term.name} ({_state(term, wanted)})")
            fixes.append(_other_arch(term) if term.name in _OF_ARCH else f"{term.name}=1")
        else:
            states = [f"{s.name} ({_state(s, wanted)})" for s in _symbols(term)]
            needs.append(f"{kconfiglib.expr_str(term)}, with {', '.join(states)}")
    text = "it needs " + " and ".join(needs)
    return f"{text}; type {' '.join(fixes)} {name}={wanted[name]}" if fixes else text


def _choice(symbol: Symbol, value: str, wanted: Mapping[str, str]) -> str:
    selected = symbol.choice.selection
    others = [s.name for s in symbol.choice.syms if s is not symbol]
    if value == "n":
        return f"one of the choice must be chosen; type {others[0]}=1 instead"
    if selected is None:
        return "its choice is not visible: " + _conditions(symbol.choice)
    return f"{selected.name} ({_state(selected, wanted)}) is chosen in its place; drop one of them"


def _conditions(item: Any) -> str:
    import kconfiglib

    terms = [kconfiglib.expr_str(node.prompt[1]) for node in item.nodes if node.prompt]
    return "it needs " + " or ".join(terms)


def _unmet(expression: Any) -> list[Any]:
    """The terms of a conjunction that are n; a choice's are its own conditions."""
    import kconfiglib

    unmet = []
    for term in kconfiglib.split_expr(expression, kconfiglib.AND):
        if isinstance(term, kconfiglib.Choice):
            unmet += _unmet(term.direct_dep)
        elif kconfiglib.expr_value(term) == 0:
            unmet.append(term)
    return unmet


def _symbols(expression: Any) -> list[Symbol]:
    import kconfiglib

    items = kconfiglib.expr_items(expression)
    found = [i for i in items if isinstance(i, kconfiglib.Symbol) and i.nodes]
    return sorted(found, key=lambda s: str(s.name))


def _state(symbol: Symbol, wanted: Mapping[str, str]) -> str:
    origin = ", set on the command line" if symbol.name in wanted else ""
    return f"={symbol.str_value}{origin}"


def _other_arch(symbol: Symbol) -> str:
    symbols = symbol.kconfig.syms
    names = [arch.name for arch in ARCHES.values() if symbols[arch.symbol].str_value == "n"]
    return f"ARCH={' or ARCH='.join(names)}"
