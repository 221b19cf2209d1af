# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Why a symbol has the value that it has, and not another, in words with the fix."""

from __future__ import annotations

from typing import Any

from ...abi import ARCHES
from ..assignments import COMMAND_LINE, Assignment, Origins
from ..language.values import Symbol, is_logical

_OF_ARCH = {"64BIT"} | {arch.symbol for arch in ARCHES.values()}


def has_prompt(symbol: Symbol) -> bool:
    """Whether the user can set the symbol at all."""
    return any(node.prompt for node in symbol.nodes)


def origin(symbol: Symbol, holding: Origins) -> str:
    """Where the value comes from; holding are the assignments that have an effect."""
    import kconfiglib

    if symbol.name in _OF_ARCH:
        return "ARCH"
    if has_prompt(symbol) and symbol.name in holding:
        return holding[symbol.name]
    for kind, dependency in (("selected", symbol.rev_dep), ("implied", symbol.weak_rev_dep)):
        if kconfiglib.expr_value(dependency) > 0:
            by = [s.name for s in _symbols(dependency) if s.str_value != "n"]
            return f"{kind} by {' and '.join(by)}"
    return "default"


def reason(assignment: Assignment, where: Origins, *, fix: bool = True) -> str:
    """Explains an assignment that did not take; where says what else was set.

    With fix, it ends in what to type instead, where that is clear.
    """
    import kconfiglib

    symbol = assignment.symbol
    if not has_prompt(symbol):
        return _promptless(symbol)
    # A bool is y where what it depends on is m.
    whole = symbol.orig_type == kconfiglib.TRISTATE and assignment.value == "y"
    missing = _unmet(symbol.direct_dep, 2 if whole else 1)
    most = ""
    if whole and any(_is_m(term) for term in missing):
        most = "it can be m at most, as it depends on m"
        missing = [term for term in missing if not _is_m(term)]
    if missing and assignment.value != "n":
        needs = _needs(assignment, missing, where, fix and not most)
        return f"{most}; {needs}" if most else needs
    if most:
        return most
    if symbol.choice is not None:
        return _choice(symbol, assignment.value, where)
    if kconfiglib.expr_value(symbol.rev_dep) > 0:
        selecting = [s.name for s in _symbols(symbol.rev_dep) if s.str_value != "n"]
        return f"{' and '.join(selecting)} (=y) selects it; type {selecting[0]}=0 as well"
    for low, high, condition in symbol.ranges:
        if kconfiglib.expr_value(condition):
            return f"its range is {low.str_value} to {high.str_value}"
    if symbol.visibility == 0:
        return "it is not visible: " + _conditions(symbol)
    if assignment.value == "m" and symbol.type == kconfiglib.BOOL:
        return f"without modules m is y; it is {symbol.str_value}"
    if whole and symbol.visibility == 1:
        return "it can be m at most, by its prompt: " + _conditions(symbol)
    return f"it is {symbol.str_value or 'not set'}"


def needed(symbol: Symbol) -> list[Symbol]:
    """The symbols that must be switched on for this one; [] if that is not all, or not clear."""
    import kconfiglib

    missing = _unmet(symbol.direct_dep)
    clear = all(
        isinstance(term, kconfiglib.Symbol) and has_prompt(term) and is_logical(term)
        for term in missing
    )
    if not clear:
        return []
    return missing + [deeper for term in missing for deeper in needed(term)]


def _promptless(symbol: Symbol) -> str:
    value = symbol.str_value or "not set"
    text = f"it has no prompt and is {value}"
    if symbol.name in _OF_ARCH:
        return f"{text}, as ARCH says; type {_other_arch(symbol)} instead"
    names = sorted({s.name for d, c in symbol.defaults for s in (*_symbols(d), *_symbols(c))})
    names += [s.name for s in _symbols(symbol.direct_dep) if s.name not in names]
    return f"{text}; it follows {', '.join(names)}" if names else text


def _needs(assignment: Assignment, missing: list[Any], where: Origins, fix: bool) -> str:
    import kconfiglib

    kconf = assignment.symbol.kconfig
    needs, fixes = [], []
    for term in missing:
        if not isinstance(term, kconfiglib.Symbol):
            states = ", ".join(f"{s.name} ({_state(s, where)})" for s in _symbols(term))
            text = kconfiglib.expr_str(term)
            needs.append(f"{text}, with {states}" if states else text)
        elif term is kconf.n and term is kconf.modules:
            needs.append("modules, but no symbol has the line `modules`")
        elif term.is_constant:
            needs.append(f"{kconfiglib.expr_str(term)}, which never holds")
        elif not term.nodes:
            needs.append(f"{term.name}, which Kconfig does not define")
        else:
            needs.append(f"{term.name} ({_state(term, where)})")
            if term.name in _OF_ARCH:
                fixes.append(_other_arch(term))
            elif has_prompt(term) and is_logical(term):
                fixes.append(f"{term.name}=1")
    text = "it needs " + " and ".join(needs)
    if assignment.origin != COMMAND_LINE or len(fixes) < len(missing) or not fix:
        return text
    return f"{text}; type {' '.join(fixes)} {assignment}"


def _choice(symbol: Symbol, value: str, where: Origins) -> str:
    selected = symbol.choice.selection
    others = [s.name for s in symbol.choice.syms if s is not symbol]
    if value == "n":
        instead = f"; type {others[0]}=1 instead" if others else ""
        return f"one of the choice must be chosen{instead}"
    if selected is None:
        return "its choice is not visible: " + _conditions(symbol.choice)
    return f"{selected.name} ({_state(selected, where)}) is chosen in its place; drop one of them"


def _conditions(item: Any) -> str:
    import kconfiglib

    terms = [kconfiglib.expr_str(node.prompt[1]) for node in item.nodes if node.prompt]
    return "it needs " + " or ".join(terms)


def _unmet(expression: Any, least: int = 1) -> list[Any]:
    """The terms of a conjunction that are less than m (1) or y (2); a choice's are its own."""
    import kconfiglib

    unmet = []
    for term in kconfiglib.split_expr(expression, kconfiglib.AND):
        if isinstance(term, kconfiglib.Choice):
            unmet += _unmet(term.direct_dep, least)
        elif kconfiglib.expr_value(term) < least:
            unmet.append(term)
    return unmet


def _is_m(term: Any) -> bool:
    return getattr(term, "is_constant", False) and term.name == "m"


def _symbols(expression: Any) -> list[Symbol]:
    import kconfiglib

    items = kconfiglib.expr_items(expression)
    found = [i for i in items if isinstance(i, kconfiglib.Symbol) and i.nodes]
    return sorted(found, key=lambda s: str(s.name))


def _state(symbol: Symbol, where: Origins) -> str:
    by = f"set {where[symbol.name]}" if symbol.name in where else origin(symbol, {})
    return f"={symbol.str_value}, {by}"


def _other_arch(symbol: Symbol) -> str:
    symbols = symbol.kconfig.syms
    names = [arch.name for arch in ARCHES.values() if symbols[arch.symbol].str_value == "n"]
    return f"ARCH={' or ARCH='.join(names)}"
