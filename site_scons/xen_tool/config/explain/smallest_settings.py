# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The target `why`: why a symbol has its value, and the smallest settings that give it another.

Sets of settings are tried from the smallest on; a set is reported only after it was applied,
and all of its settings and the wanted value held.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...abi import ARCHES, Arch
from ...errors import XenToolError
from ..assignments import Assignment, Origins, equal, find, from_settings, is_value
from ..language.kconf import Kconfig
from ..language.problems import where
from ..language.symbol_values import Symbol, base_of, is_logical, number
from ..overrides import assign
from .reasons import has_prompt, origin, reason, without_choices

Load = Callable[[Arch], tuple[Kconfig, Origins]]
"""Reads Kconfig and the saved configuration for an architecture; returns origins as well."""

_MOST_SETTINGS = 4
_MOST_TRIES = 20_000
"""How many sets of settings are tried for each architecture."""


def why(load: Load, arch: Arch, name: str, text: str) -> list[str]:
    """Return the lines that answer `why NAME=VALUE`; name and text are from the command line.

    Raises XenToolError for an unknown name, and for a value that the symbol's type does not have.
    """
    kconf, where_set = load(arch)
    (wanted,) = from_settings(kconf, {name: text})
    symbol = wanted.symbol
    has = f"{symbol.name} is {symbol.str_value or 'not set'} ({origin(symbol, where_set)})"
    if wanted.holds():
        return [f"{wanted} holds: {has}"]
    assign(wanted)
    if wanted.holds():
        return [f"{has}; it can be {wanted.value}", f"type {wanted}"]
    lines = [f"{has}, and cannot be {wanted.value}: {reason(wanted, where_set, fix=False)}"]
    return [*lines, _smallest_settings(load, arch, wanted)]


def about(load: Load, arch: Arch, name: str) -> list[str]:
    """Return the lines that answer `why NAME`: the value, its origin, type and dependencies.

    Raises XenToolError for an unknown name.
    """
    import kconfiglib

    kconf, where_set = load(arch)
    symbol = find(kconf, name)
    kind = kconfiglib.TYPE_TO_STR[symbol.orig_type]
    places = ", ".join(where(node) for node in symbol.nodes)
    by = origin(symbol, where_set)
    lines = [
        f"{symbol.name} is {symbol.str_value or 'not set'} ({by}); "
        f"its type is {kind}, defined at {places}"
    ]
    default = next((d for d in symbol.defaults if kconfiglib.expr_value(d[1])), None)
    if by == "default" and default is not None:
        value, condition = (without_choices(kconf, part) for part in default)
        end = "" if condition is kconf.y else f" if {_with_values(condition)}"
        lines.append(f"  its default is {_with_values(value)}{end}")
    dependencies = without_choices(kconf, symbol.direct_dep)
    if dependencies is not kconf.y:
        lines.append(f"  it depends on {_with_values(dependencies)}")
    for verb, expression in (("selected", symbol.rev_dep), ("implied", symbol.weak_rev_dep)):
        if expression is not kconf.n:
            lines.append(f"  it is {verb} by {_with_values(expression)}")
    if symbol.choice is not None:
        lines.append(f"  it is one of {', '.join(member.name for member in symbol.choice.syms)}")
    # Symbols of a choice also depend on one another, through the choice.
    others = sorted(other.name for other in symbol._dependents if getattr(other, "name", None))
    if others:
        lines.append(f"  what depends on it: {', '.join(others)}")
    return lines


def _with_values(expression: Any) -> str:
    """Return an expression as in Kconfig files, with the value of each symbol."""
    import kconfiglib

    def text(item: Any) -> str:
        name = str(kconfiglib.standard_sc_expr_str(item))
        return f"{name} (={item.str_value})" if item.nodes else name

    return str(kconfiglib.expr_str(expression, text))


def _smallest_settings(load: Load, arch: Arch, wanted: Assignment) -> str:
    """Return a line with the smallest settings that give the value, or that none were found."""
    best: dict[str, str] = {}
    tries, are_all = 0, True
    for candidate in (arch, *(other for other in ARCHES.values() if other is not arch)):
        setting = {} if candidate is arch else {"ARCH": candidate.name}
        most = (len(best) - 1 if best else _MOST_SETTINGS) - len(setting)
        # The wanted setting itself counts, if it can be set.
        if most < has_prompt(wanted.symbol):
            continue
        try:
            kconf, _where = load(candidate)
        except XenToolError:
            # The project does not support this architecture.
            continue
        for count, settings in enumerate(_sets(kconf, wanted, most)):
            if count == _MOST_TRIES:
                are_all = False
                break
            tries += 1
            if _gives_value(kconf, settings, wanted):
                best = {**setting, **settings}
                break
    if best:
        smallest = "the smallest settings" if are_all else "settings, perhaps not the smallest,"
        return f"{smallest} that give it, tried: {' '.join(f'{n}={v}' for n, v in best.items())}"
    sets = f"sets of up to {_MOST_SETTINGS} settings"
    if not are_all:
        return f"no settings were found that give it: {tries} {sets} were tried, and there are more"
    return f"no settings give it: all {sets} were tried ({tries})"


def _sets(kconf: Kconfig, wanted: Assignment, most: int) -> Iterator[Mapping[str, str]]:
    """Yield sets of up to `most` settings, smaller ones first.

    Each contains the wanted setting, if the symbol has a prompt.
    """
    symbol = kconf.syms.get(wanted.symbol.name)
    if symbol is None or not symbol.nodes:
        return
    last = {symbol.name: wanted.typed} if has_prompt(symbol) else {}
    options = list(dict.fromkeys(_options(symbol, wanted.value)))
    for size in range(most + 1 - len(last)):
        for chosen in itertools.combinations(options, size):
            if len(dict(chosen)) == size:
                yield dict(chosen) | last


def _gives_value(kconf: Kconfig, settings: Mapping[str, str], wanted: Assignment) -> bool:
    """Whether settings hold and give the wanted value; they are undone afterwards."""
    assignments = from_settings(kconf, settings)
    before = [(a.symbol, a.symbol.user_value) for a in assignments]
    choices = {a.symbol.choice for a in assignments if a.symbol.choice is not None}
    chosen = [(choice, choice.user_value, choice.user_selection) for choice in choices]
    for assignment in assignments:
        assign(assignment)
    symbol = kconf.syms[wanted.symbol.name]
    gives_value = equal(symbol, symbol.str_value, wanted.value)
    gives_value = gives_value and all(assignment.holds() for assignment in assignments)
    for symbol, value in before:
        symbol.unset_value() if value is None else symbol.set_value(value)
    for choice, mode, selection in chosen:
        choice.user_value, choice.user_selection = mode, selection
        choice._rec_invalidate()
    return gives_value


def _options(symbol: Symbol, value: str) -> Iterator[tuple[str, str]]:
    """Yield NAME and VALUE of settings that could give a symbol a value, most direct ones first.

    These change the symbols that it depends on.  A bool or tristate takes each other value; a
    number or text takes the values that it is compared with, those beside them, and the wanted
    value if the wanted symbol has it as default or bound.
    """
    import kconfiglib

    queue, seen = [symbol], {symbol}
    for item in queue:
        for giver in _givers(item):
            if giver.nodes and has_prompt(giver) and is_value(giver, value):
                yield giver.name, value
        for expression in _expressions(item):
            yield from _compared(expression)
            for more in sorted(kconfiglib.expr_items(expression), key=lambda i: str(i.name)):
                if more not in seen and (isinstance(more, kconfiglib.Choice) or more.nodes):
                    seen.add(more)
                    queue.append(more)
        if isinstance(item, kconfiglib.Choice):
            queue += [member for member in item.syms if member not in seen]
            seen.update(item.syms)
        elif item is not symbol and has_prompt(item):
            boolean = is_logical(item)
            for text in ("y", "m", "n") if boolean else ():
                if text != item.str_value and is_value(item, text):
                    yield item.name, text


def _givers(item: Any) -> list[Symbol]:
    """Return the symbols from which a number or text takes its default or bounds."""
    import kconfiglib

    if isinstance(item, kconfiglib.Choice) or is_logical(item):
        return []
    found = [default for default, _condition in item.defaults]
    found += [bound for low, high, _condition in item.ranges for bound in (low, high)]
    return [each for each in found if isinstance(each, kconfiglib.Symbol)]


def _expressions(item: Any) -> list[Any]:
    """Return the expressions on which the value of a symbol or choice depends."""
    expressions = [item.direct_dep, *(node.prompt[1] for node in item.nodes if node.prompt)]
    for attribute in ("rev_dep", "weak_rev_dep"):
        expressions += [getattr(item, attribute)] if hasattr(item, attribute) else []
    for parts in (*getattr(item, "defaults", ()), *getattr(item, "ranges", ())):
        expressions += parts
    return expressions


def _compared(expression: Any) -> Iterator[tuple[str, str]]:
    """Yield NAME and VALUE of each comparison in an expression, and values beside that VALUE."""
    import kconfiglib

    if not isinstance(expression, tuple):
        return
    if expression[0] in (kconfiglib.AND, kconfiglib.OR, kconfiglib.NOT):
        for part in expression[1:]:
            yield from _compared(part)
        return
    left, right = expression[1:]
    for name, value in ((left, right), (right, left)):
        if name.nodes and has_prompt(name):
            for text in _near(name, value.str_value):
                if is_value(name, text):
                    yield name.name, text


def _near(symbol: Symbol, text: str) -> Iterator[str]:
    """Yield the value that a symbol is compared with, and values that make a difference to it.

    For a number these are the ones above and below, for a text an empty or another one.
    """
    yield text
    base = base_of(symbol)
    if base is None and not is_logical(symbol):
        yield "" if text else "x"
    if base and is_value(symbol, text):
        for beside in (number(text, base) + 1, number(text, base) - 1):
            yield str(beside) if base == 10 else hex(beside)
