# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What menuconfig shows besides: why a symbol cannot be set, and what differs from the defconfig.

Kconfiglib's module menuconfig draws and moves; extend() puts these in the place of some of its
functions.  A key that cannot do what it says brings a box with the reasons, and keys that jump to
the symbols that are in the way.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from ..assignments import Assignment
from ..explain.reasons import chain, has_prompt
from ..language.values import Symbol, is_logical

_WIDEST = 72
_MOST_JUMPS = 9
_VALUES = ("n", "m", "y")


def extend(menu: Any) -> None:
    """Extend kconfiglib's module menuconfig.

    Its Kconfig has `usual`, `usual_name` and `origins()`, as process.py makes it.
    """
    change, set_value, text_of, info_of = (
        menu._change_node, menu._set_sel_node_tri_val, menu._node_str, menu._info_str
    )  # fmt: skip

    def change_node(node: Any) -> bool:
        if change(node):
            return True
        item = node.item
        if not _is_symbol(item) or (node.is_menuconfig and menu._shown_nodes(node)):
            # What has a menu is entered.
            return False
        _tell(menu, item, _other_value(item))
        return True

    def set_selected(value: int) -> None:
        item: Any = menu._shown[menu._sel_node_i].item
        if (
            _is_symbol(item)
            and is_logical(item)
            and value not in item.assignable
            and value != item.tri_value
        ):
            _tell(menu, item, _VALUES[value])
        else:
            set_value(value)

    def node_text(node: Any) -> str:
        text = str(text_of(node))
        mark = _mark(menu._kconf, node.item) if node.prompt else ""
        arrow = next((end for end in ("  --->", "  ----") if text.endswith(end)), "")
        return f"{text.removesuffix(arrow)}{mark}{arrow}"

    def info_text(node: Any) -> str:
        item, text = node.item, str(info_of(node))
        if _is_symbol(item) and not menu._changeable(node):
            text += f"\nWhy it cannot be changed:\n{_reasons(menu, item, _other_value(item))[0]}"
        return text

    menu._change_node, menu._set_sel_node_tri_val = change_node, set_selected
    menu._node_str, menu._info_str = node_text, info_text


def values(kconf: Any) -> Mapping[Symbol, str]:
    """Return the values that all symbols have now, for marking what differs from them later."""
    return {symbol: symbol.str_value for symbol in kconf.unique_defined_syms}


def _is_symbol(item: Any) -> bool:
    import kconfiglib

    return isinstance(item, kconfiglib.Symbol)


def _mark(kconf: Any, item: Any) -> str:
    value = kconf.usual.get(item)
    if value is None or value == item.str_value:
        return ""
    return f" ({kconf.usual_name}: {value or 'not set'})"


def _other_value(symbol: Symbol) -> str:
    """The value that one who presses a key on it wants."""
    if not is_logical(symbol):
        return str(symbol.str_value)
    return "y" if symbol.tri_value == 0 else "n"


def _reasons(menu: Any, symbol: Symbol, value: str) -> tuple[str, list[Symbol]]:
    """Why it cannot have the value, in lines, and the symbols that can be jumped to."""
    links = chain(Assignment(symbol, value, value, ""), menu._kconf.origins())
    width = min(_WIDEST, menu._width(menu._stdscr) - 6)
    lines: list[str] = []
    for item, found in links:
        lines += textwrap.wrap(f"{item.name}: {found.text}", width, subsequent_indent="  ")
    found_symbols = [item for _item, found in links for item in found.symbols if has_prompt(item)]
    targets = [item for item in dict.fromkeys(found_symbols) if item is not symbol]
    return "\n".join(lines), targets[:_MOST_JUMPS]


def _tell(menu: Any, symbol: Symbol, value: str) -> None:
    """Show why, and jump to what is in the way if the user says so."""
    text, targets = _reasons(menu, symbol, value)
    keys = [f"[{number}] Jump to {item.name}" for number, item in enumerate(targets, start=1)]
    title = f"{symbol.name} cannot be {value}" if is_logical(symbol) else f"{symbol.name} is fixed"
    pressed = menu._key_dialog(
        title,
        "\n".join([text, "", *keys, "[ESC] Close"]),
        [*map(str, range(1, len(targets) + 1)), "\n"],
    )
    if pressed and pressed.isdigit():
        target = targets[int(pressed) - 1]
        menu._jump_to(next(node for node in target.nodes if node.prompt))
