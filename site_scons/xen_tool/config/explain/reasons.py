# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Explain why a symbol has its value and cannot have another, with the fix where it is clear.

Used by messages of overrides, by `why`, and by menuconfig.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...abi import ARCHES
from ..assignments import COMMAND_LINE, Assignment, Origins
from ..language.kconf import Kconfig
from ..language.symbol_values import Symbol, active_range, is_logical

_MOST_LINKS = 5
_MOST_NAMES = 5
_OF_ARCH = {"64BIT"} | {arch.symbol for arch in ARCHES.values()}


def has_prompt(symbol: Symbol) -> bool:
    """Whether a symbol has a prompt; without one, a user can never set it."""
    return any(node.prompt for node in symbol.nodes)


def without_choices(kconf: Kconfig, expression: Any) -> Any:
    """Return an expression in which each choice is replaced by what it depends on."""
    import kconfiglib

    if isinstance(expression, kconfiglib.Choice):
        return without_choices(kconf, expression.direct_dep)
    if not isinstance(expression, tuple):
        return expression
    operator, *parts = (expression[0], *(without_choices(kconf, p) for p in expression[1:]))
    return kconf._make_and(*parts) if operator == kconfiglib.AND else (operator, *parts)


def origin(symbol: Symbol, holding: Origins) -> str:
    """Return where the value comes from; holding: the origins of assignments that hold.

    That is `ARCH`, an origin in holding, `selected by NAME`, `implied by NAME`, or `default`.
    """
    import kconfiglib

    if symbol.name in _OF_ARCH:
        return "ARCH"
    if has_prompt(symbol) and symbol.name in holding:
        return holding[symbol.name]
    for kind, dependency in (("selected", symbol.rev_dep), ("implied", symbol.weak_rev_dep)):
        if kconfiglib.expr_value(dependency) > 0:
            return f"{kind} by {' and '.join(s.name for s in _selecting(dependency))}"
    return "default"


class ValueReason(NamedTuple):
    """The reason why an assignment has no effect."""

    text: str
    fix: str
    """What to do instead, such as `type NAME=1`; "" if that is not clear."""
    symbols: Sequence[Symbol]
    """The symbols that prevent the value."""


def reason(assignment: Assignment, where: Origins, *, fix: bool = True) -> str:
    """Return why an assignment has no effect as text, with the fix if that is clear.

    where: origins of all that was set.
    """
    found = explained(assignment, where)
    return f"{found.text}; {found.fix}" if fix and found.fix else found.text


def chain(assignment: Assignment, where: Origins) -> list[tuple[Symbol, ValueReason]]:
    """Return why an assignment has no effect, and why symbols that prevent it cannot be changed.

    The first item is about the symbol of the assignment; there are at most _MOST_LINKS.
    """
    import kconfiglib

    links: dict[Symbol, ValueReason] = {}
    queue = [assignment]
    for wish in queue:
        if len(links) == _MOST_LINKS or wish.symbol in links:
            continue
        links[wish.symbol] = found = explained(wish, where)
        for symbol in found.symbols:
            value = "n" if symbol.str_value == "y" else "y"
            if is_logical(symbol) and kconfiglib.STR_TO_TRI[value] not in symbol.assignable:
                queue.append(Assignment(symbol, value, value, ""))
    return list(links.items())


def explained(assignment: Assignment, where: Origins) -> ValueReason:
    """Return the reason why an assignment has no effect; where: origins of all that was set."""
    import kconfiglib

    symbol = assignment.symbol
    if not has_prompt(symbol):
        return _promptless(symbol)
    # A bool can be y if its dependency is m.
    must_be_y = symbol.orig_type == kconfiglib.TRISTATE and assignment.value == "y"
    missing = _unmet(symbol.direct_dep, 2 if must_be_y else 1)
    most = ""
    if must_be_y and any(_is_m(term) for term in missing):
        most = "it can be m at most, as it depends on m"
        missing = [term for term in missing if not _is_m(term)]
    if missing and assignment.value != "n":
        needs = _needs(assignment, missing, where)
        return ValueReason(f"{most}; {needs.text}", "", needs.symbols) if most else needs
    if most:
        return ValueReason(most, "", ())
    if symbol.choice is not None and (symbol.visibility or not symbol.choice.visibility):
        return _choice(symbol, assignment.value, where)
    if kconfiglib.expr_value(symbol.rev_dep) > 0:
        selecting = _selecting(symbol.rev_dep)
        shown = [f"{s.name} (={s.str_value})" for s in selecting[:_MOST_NAMES]]
        if more := len(selecting) - len(shown):
            shown.append(f"{more} other{'s' * (more > 1)}")
        names = " and ".join(shown)
        fix = f"type {selecting[0].name}=0 as well"
        return ValueReason(f"{names} select{'s' * (len(selecting) == 1)} it", fix, selecting)
    if symbol.visibility == 0:
        return _not_visible("it", symbol, where)
    if bounds := active_range(symbol):
        low, high = (bound.str_value for bound in bounds)
        return ValueReason(f"its range is {low} to {high}", "", ())
    if assignment.value == "m" and symbol.type == kconfiglib.BOOL:
        return ValueReason(f"modules are off, so m means y; it is {symbol.str_value}", "", ())
    if must_be_y and symbol.visibility == 1:
        return ValueReason("it can be m at most, as the condition of its prompt is m", "", ())
    return ValueReason(f"it is {symbol.str_value or 'not set'}", "", ())


def needed(symbol: Symbol) -> list[Symbol]:
    """Return the symbols that this one depends on and that are n, to be switched on for it.

    Return [] if there are none, or if it needs an expression such as A || B as well.
    """
    import kconfiglib

    missing = _unmet(symbol.direct_dep)
    clear = all(
        isinstance(term, kconfiglib.Symbol) and has_prompt(term) and is_logical(term)
        for term in missing
    )
    if not clear:
        return []
    return missing + [deeper for term in missing for deeper in needed(term)]


def _selecting(expression: Any) -> list[Symbol]:
    """Return the symbols that now select or imply one; expression: its rev_dep or weak_rev_dep."""
    import kconfiglib

    terms = kconfiglib.split_expr(expression, kconfiglib.OR)
    found = [kconfiglib.split_expr(t, kconfiglib.AND)[0] for t in terms if kconfiglib.expr_value(t)]
    return list(dict.fromkeys(found))


def _promptless(symbol: Symbol) -> ValueReason:
    """Return why a symbol without a prompt has its value."""
    value = symbol.str_value or "not set"
    text = f"it has no prompt and is {value}"
    if symbol.name in _OF_ARCH:
        other = _other_arch(symbol)
        return ValueReason(f"{text}, as ARCH says", f"type {other} instead" if other else "", ())
    followed = {s for d, c in symbol.defaults for s in (*_symbols(d), *_symbols(c))}
    symbols = sorted(followed, key=lambda s: str(s.name))
    symbols += [s for s in _symbols(symbol.direct_dep) if s not in followed]
    names = ", ".join(s.name for s in symbols)
    return ValueReason(f"{text}; it follows {names}" if names else text, "", symbols)


def _needs(assignment: Assignment, missing: list[Any], where: Origins) -> ValueReason:
    """Return the reason that the terms in missing do not hold, on which the symbol depends."""
    fixes = []
    for term in missing:
        if getattr(term, "name", None) in _OF_ARCH:
            fixes.append(_other_arch(term))
        elif getattr(term, "nodes", ()) and has_prompt(term) and is_logical(term):
            fixes.append(f"{term.name}=1")
    is_clear = assignment.origin == COMMAND_LINE and len(fixes) == len(missing)
    fix = f"type {' '.join(fixes)} {assignment}" if is_clear else ""
    kconf = assignment.symbol.kconfig
    needs = " and ".join(_with_state(kconf, term, where) for term in missing)
    symbols = [symbol for term in missing for symbol in _symbols(term)]
    return ValueReason(f"it needs {needs}", fix, symbols)


def _with_state(kconf: Kconfig, term: Any, where: Origins) -> str:
    """Return a term that does not hold as text, with the values of its symbols."""
    import kconfiglib

    text = str(kconfiglib.expr_str(term))
    if not isinstance(term, kconfiglib.Symbol):
        states = ", ".join(f"{s.name} ({_state(s, where)})" for s in _symbols(term))
        return f"{text}, with {states}" if states else text
    if term is kconf.modules and (term is kconf.n or not term.nodes):
        return "modules, but no symbol has the line `modules`"
    if term.is_constant:
        return f"{text}, which never holds"
    if not term.nodes:
        return f"{text}, which Kconfig does not define"
    return f"{text} ({_state(term, where)})"


def _choice(symbol: Symbol, value: str, where: Origins) -> ValueReason:
    """Return why a symbol of a choice cannot have a value."""
    selected = symbol.choice.selection
    others = [s.name for s in symbol.choice.syms if s is not symbol]
    if value == "n":
        instead = f"type {others[0]}=1 instead" if others else ""
        return ValueReason("one of the choice must be chosen", instead, ())
    if selected is None and symbol.choice.visibility:
        return ValueReason(f"its choice is {symbol.choice.str_value}", "", ())
    if selected is None:
        return _not_visible("its choice", symbol.choice, where)
    text = f"{selected.name} ({_state(selected, where)}) is chosen in its place"
    return ValueReason(text, "drop one of them", [selected])


def _not_visible(text: str, item: Any, where: Origins) -> ValueReason:
    """Return the reason that no prompt of an item is visible, with the conditions not met.

    text: what the reason calls the item, a symbol or a choice.
    """
    alternatives, symbols = [], []
    for node in item.nodes:
        if node.prompt:
            terms = _unmet(without_choices(item.kconfig, node.prompt[1]))
            alternatives.append(
                " and ".join(_with_state(item.kconfig, term, where) for term in terms)
            )
            symbols += [s for term in terms for s in _symbols(term) if s is not item]
    needs = " or ".join(alternatives)
    return ValueReason(f"{text} is not visible: it needs {needs}", "", list(dict.fromkeys(symbols)))


def _unmet(expression: Any, least: int = 1) -> list[Any]:
    """Return the terms of a conjunction whose value is below least: 1 for m, 2 for y.

    A choice among them is replaced by the terms that it depends on.
    """
    import kconfiglib

    unmet = []
    for term in kconfiglib.split_expr(expression, kconfiglib.AND):
        if isinstance(term, kconfiglib.Choice):
            unmet += _unmet(term.direct_dep, least)
        elif kconfiglib.expr_value(term) < least:
            unmet.append(term)
    return unmet


def _is_m(term: Any) -> bool:
    """Whether a term is the constant m."""
    return getattr(term, "is_constant", False) and term.name == "m"


def _symbols(expression: Any) -> list[Symbol]:
    """Return the symbols in an expression that Kconfig defines, by name."""
    import kconfiglib

    items = kconfiglib.expr_items(expression)
    found = [i for i in items if isinstance(i, kconfiglib.Symbol) and i.nodes]
    return sorted(found, key=lambda s: str(s.name))


def _state(symbol: Symbol, where: Origins) -> str:
    """Return the value of a symbol and its origin, such as `=n, set in .config:3`."""
    by = origin(symbol, where)
    by = f"set {by}" if by == where.get(symbol.name) else by
    return f"={symbol.str_value}, {by}" if symbol.str_value else f"not set, {by}"


def _other_arch(symbol: Symbol) -> str:
    """Return the settings of ARCH= for other architectures in the symbol's Kconfig; or ""."""
    symbols = symbol.kconfig.syms
    names = [
        arch.name
        for arch in ARCHES.values()
        if arch.symbol in symbols and symbols[arch.symbol].str_value == "n"
    ]
    return " or ".join(f"ARCH={name}" for name in names)
