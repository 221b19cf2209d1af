# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Whether a symbol can have a value, what is in the way, and the smallest way there.

A way is a set of settings; it counts only after it was applied, and everything
that it asks for held.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..abi import ARCHES, Arch
from .assignments import Assignment, Origins, equal, from_settings, is_value
from .kconf import Kconfig
from .library import Symbol, is_logical
from .overrides import assign
from .reasons import has_prompt, origin, reason

Load = Callable[[Arch], tuple[Kconfig, Origins]]
"""Reads Kconfig for an architecture, with the saved configuration, and where each value is from."""

_MOST_SETTINGS = 4
_MOST_TRIES = 20_000


def why(load: Load, arch: Arch, name: str, text: str) -> list[str]:
    """The answer to `why NAME=VALUE`, in lines.

    Raises XenToolError for an unknown name, and for a value that is none.
    """
    kconf, where = load(arch)
    (asked,) = from_settings(kconf, {name: text})
    symbol = asked.symbol
    has = f"{symbol.name} is {symbol.str_value or 'not set'} ({origin(symbol, where)})"
    if asked.holds():
        return [f"{asked} holds: {has}"]
    assign(asked)
    if asked.holds():
        return [f"{has}; it can be {asked.value}", f"type {asked}"]
    lines = [f"{has}, and cannot be {asked.value}: {reason(asked, where, fix=False)}"]
    way = _smallest_way(load, arch, asked)
    lines.append(f"the smallest way there, tried: {way}" if way else "no way there was found")
    return lines


def _smallest_way(load: Load, arch: Arch, asked: Assignment) -> str | None:
    others = [other for other in ARCHES.values() if other is not arch]
    for candidate in (arch, *others):
        setting = [] if candidate is arch else [f"ARCH={candidate.name}"]
        for settings in _tries(load, candidate, asked):
            if _leads_there(load(candidate)[0], settings, asked):
                return " ".join([*setting, *(f"{n}={v}" for n, v in settings.items())])
    return None


def _tries(load: Load, arch: Arch, asked: Assignment) -> Iterator[Mapping[str, str]]:
    """Sets of settings, the smaller first, each with what was asked for."""
    kconf, _where = load(arch)
    symbol = kconf.syms.get(asked.symbol.name)
    if symbol is None or not symbol.nodes:
        return
    last = {symbol.name: asked.typed} if has_prompt(symbol) else {}
    options = list(_options(symbol))
    tries = (
        dict(chosen) | last
        for size in range(_MOST_SETTINGS)
        for chosen in itertools.combinations(options, size)
        if len(dict(chosen)) == size
    )
    yield from itertools.islice(tries, _MOST_TRIES)


def _leads_there(kconf: Kconfig, settings: Mapping[str, str], asked: Assignment) -> bool:
    assignments = from_settings(kconf, settings)
    for assignment in assignments:
        assign(assignment)
    symbol = kconf.syms[asked.symbol.name]
    there = equal(symbol, symbol.str_value, asked.value)
    return there and all(assignment.holds() for assignment in assignments)


def _options(symbol: Symbol) -> Iterator[tuple[str, str]]:
    """Settings that may matter: other values of what the symbol depends on, the nearest first."""
    import kconfiglib

    queue, seen = [symbol], {symbol}
    for item in queue:
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
            for value in ("y", "m", "n") if boolean else ():
                if value != item.str_value and is_value(item, value):
                    yield item.name, value


def _expressions(item: Any) -> list[Any]:
    expressions = [item.direct_dep, *(node.prompt[1] for node in item.nodes if node.prompt)]
    for attribute in ("rev_dep", "weak_rev_dep"):
        expressions += [getattr(item, attribute)] if hasattr(item, attribute) else []
    for value, condition in getattr(item, "defaults", ()):
        expressions += [value, condition]
    return expressions


def _compared(expression: Any) -> Iterator[tuple[str, str]]:
    """NAME and VALUE of each NAME = VALUE in an expression."""
    import kconfiglib

    if not isinstance(expression, tuple):
        return
    if expression[0] in (kconfiglib.AND, kconfiglib.OR, kconfiglib.NOT):
        for part in expression[1:]:
            yield from _compared(part)
        return
    left, right = expression[1:]
    for name, value in ((left, right), (right, left)):
        if name.nodes and has_prompt(name) and not value.nodes and is_value(name, value.name):
            yield name.name, value.name
