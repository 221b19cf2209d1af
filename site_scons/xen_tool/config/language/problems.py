# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Warn of the mistakes in Kconfig files that C kconfig warns of, with file and line.

problems() checks the files (sym_check_prop and menu_finalize in scripts/kconfig); unmet()
checks the values: symbols that are selected against their dependencies (sym_warn_unmet_dep).
What C kconfig accepts silently is no problem.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from .symbol_values import Symbol, base_of, is_logical, is_number


class KconfigPlace(NamedTuple):
    """The place of a property that may have a condition."""

    token: int
    """Kconfiglib's number of the token that the line begins with, such as _T_DEFAULT."""
    where: str
    """FILE:LINE."""


def problems(kconf: Any) -> list[str]:
    """Return a sentence for each mistake in the files that kconf was read from."""
    found: dict[str, None] = {}
    for symbol in kconf.unique_defined_syms:
        found |= dict.fromkeys(_of_symbol(kconf, symbol))
    for choice in kconf.unique_choices:
        found |= dict.fromkeys(_of_choice(kconf, choice))
    return list(found)


def mistakes(kconf: Any) -> list[str]:
    """Return a sentence for each mistake that is an error to C kconfig, but not to kconfiglib.

    These are a transitional symbol with more than a type and a help text, and a choice whose
    default is an expression.
    """
    import kconfiglib

    found = [
        f"{at}: the default of the choice must be one symbol, not {kconfiglib.expr_str(default)}"
        for choice in kconf.unique_choices
        for node in choice.nodes
        for (default, _condition), at in _places(kconf, node, "defaults")
        if isinstance(default, tuple)
    ]
    return found + [
        f"{where(node)}: {symbol.name} is transitional, so it may have only a type and a help text"
        for symbol in kconf.unique_defined_syms
        if symbol in kconf.transitional
        for node in symbol.nodes
        if node.prompt
        or node.dep is not node.parent.dep
        or any((node.defaults, node.selects, node.implies, node.ranges))
    ]


def is_misplaced(token: int | None, item: Any) -> bool:
    """Whether a line that begins with a token is a property that this kind of item cannot have.

    item: a symbol, a choice, kconfiglib.MENU or COMMENT.  Kconfiglib would accept the line, and
    fail later, or ignore it.
    """
    import kconfiglib as k

    numbers = (k._T_INT, k._T_HEX, k._T_STRING, *k._DEF_TOKEN_TO_TYPE)
    for_symbols = (*numbers, k._T_SELECT, k._T_IMPLY, k._T_RANGE, k._T_OPTION)
    for_both = (k._T_BOOL, k._T_TRISTATE, k._T_PROMPT, k._T_DEFAULT, k._T_HELP)
    if isinstance(item, k.Symbol):
        return bool(token == k._T_VISIBLE)
    if isinstance(item, k.Choice):
        return token in (k._T_VISIBLE, *for_symbols)
    if item == k.MENU:
        return token in (*for_symbols, *for_both, k._T_OPTIONAL)
    return bool(item == k.COMMENT) and token in (
        *for_symbols, *for_both, k._T_OPTIONAL, k._T_VISIBLE,
    )  # fmt: skip


def unmet(kconf: Any) -> list[str]:
    """Return a sentence for each symbol that is selected against its dependencies."""
    import kconfiglib

    found = []
    for symbol in kconf.unique_defined_syms:
        if symbol.rev_dep is kconf.n or symbol.choice:
            continue
        if not is_logical(symbol):
            continue
        selected = kconfiglib.expr_value(symbol.rev_dep)
        allowed = kconfiglib.expr_value(symbol.direct_dep)
        if symbol.type is kconfiglib.BOOL:
            selected, allowed = (2 if value else 0 for value in (selected, allowed))
        if allowed < selected:
            names = (
                _selecting(term) for term in kconfiglib.split_expr(symbol.rev_dep, kconfiglib.OR)
            )
            by = " and ".join(s.name for s in names if s.tri_value > allowed)
            found.append(
                f"{where(symbol.nodes[0])}: {symbol.name} is {symbol.str_value}, as {by} "
                f"selects it, although it depends on {kconfiglib.expr_str(symbol.direct_dep)}"
            )
    return found


def _selecting(term: Any) -> Symbol:
    """Return the symbol that selects another one, from a term of the other's rev_dep."""
    import kconfiglib

    return kconfiglib.split_expr(term, kconfiglib.AND)[0]


def _of_symbol(kconf: Any, symbol: Symbol) -> Iterator[str]:
    """Yield a sentence for each mistake in the definitions of a symbol."""
    import kconfiglib

    logical = is_logical(symbol)
    if not symbol.orig_type:
        yield f"{where(symbol.nodes[0])}: {symbol.name} has no type"
    for node in symbol.nodes:
        for (default, _condition), at in _places(kconf, node, "defaults"):
            if not logical and not isinstance(default, kconfiglib.Symbol):
                text = kconfiglib.expr_str(default)
                yield f"{at}: the default of {symbol.name} must be one value, not {text}"
            elif base_of(symbol) and not _can_be_number(symbol, default):
                yield f"{at}: the default of {symbol.name} is {_no_number(default.name)}"
        for kind in ("selects", "implies"):
            for (target, _condition), at in _places(kconf, node, kind):
                if not logical:
                    yield f"{at}: {symbol.name}, no bool or tristate, {kind} {target.name}"
                elif target.orig_type and not is_logical(target):
                    yield f"{at}: {symbol.name} {kind} {target.name}, which is no bool or tristate"
        for (low, high, _condition), at in _places(kconf, node, "ranges"):
            if not base_of(symbol):
                yield f"{at}: {symbol.name} has a range, but is not an int or hex"
            elif not (_can_be_number(symbol, low) and _can_be_number(symbol, high)):
                yield f"{at}: the range of {symbol.name}, {low.name} to {high.name}, has no numbers"


def _of_choice(kconf: Any, choice: Any) -> Iterator[str]:
    """Yield a sentence for each mistake in the definitions of a choice and its symbols."""
    if not choice.orig_type:
        yield f"{where(choice.nodes[0])}: the choice is empty, so it has no type"
    for node in choice.nodes:
        if not node.prompt and node is choice.nodes[0]:
            yield f"{where(node)}: the choice needs a prompt"
        for (default, _condition), at in _places(kconf, node, "defaults"):
            if getattr(default, "choice", None) is not choice:
                yield f"{at}: the choice's default {default.name} is not among its symbols"
    for symbol in choice.syms:
        for node in symbol.nodes:
            inside = node.parent and node.parent.item is choice
            if inside and not node.prompt:
                yield f"{where(node)}: {symbol.name} is in a choice, and needs a prompt"
            if not inside and node.prompt:
                yield f"{where(node)}: {symbol.name} has a prompt outside of its choice"
            for _default, at in _places(kconf, node, "defaults"):
                yield f"{at}: {symbol.name} is in a choice, so its default is ignored"


def _can_be_number(symbol: Symbol, value: Symbol) -> bool:
    """Whether a default or bound of a symbol is a number, or a symbol of type int or hex."""
    # A constant, or an undefined name, which stands for itself.
    if not value.orig_type:
        return is_number(value.name, base_of(symbol) or 10)
    return base_of(value) is not None


def _no_number(text: str) -> str:
    """Return what a message says of a default that should be a number."""
    if re.fullmatch(r"-?[0-9]+", text, re.ASCII):
        return f"{text}, which means octal in C, and is {int(text)} here: write {int(text)}"
    return f"not a number: {text}" if text.strip() else "empty, which is not a number"


def _places(kconf: Any, node: Any, kind: str) -> Iterator[tuple[Any, str]]:
    """Return the properties of a menu node, each with its FILE:LINE.

    kind: an attribute of the node: defaults, selects, implies or ranges.
    """
    import kconfiglib

    tokens = {
        "defaults": (kconfiglib._T_DEFAULT, *kconfiglib._DEF_TOKEN_TO_TYPE),
        "selects": (kconfiglib._T_SELECT,),
        "implies": (kconfiglib._T_IMPLY,),
        "ranges": (kconfiglib._T_RANGE,),
    }[kind]
    lines = [place.where for place in kconf.places.get(node, ()) if place.token in tokens]
    properties = getattr(node, kind)
    if len(lines) != len(properties):
        # `option env` makes a default without a line `default`.
        lines = [where(node)] * len(properties)
    return zip(properties, lines, strict=True)


def where(node: Any) -> str:
    """Return FILE:LINE of a menu node."""
    return f"{node.filename}:{node.linenr}"
