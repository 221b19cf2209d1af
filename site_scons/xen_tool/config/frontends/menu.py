# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Extensions of menuconfig: why a symbol cannot be set, and what differs from the defconfig.

Kconfiglib's module menuconfig draws the menu; extend() replaces some of its functions.  When a key
cannot change a symbol, a box shows the reasons, with keys to jump to the symbols that prevent it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from ..assignments import Assignment
from ..explain.reasons import chain, has_prompt
from ..language.symbol_values import Symbol, is_logical

_WIDEST = 72
_MOST_JUMPS = 9
_VALUES = ("n", "m", "y")


def extend(menu: Any) -> None:
    """Extend kconfiglib's module menuconfig.

    The module's Kconfig object must have `usual`, `usual_name` and `origins()`: run.py.
    """
    change, set_value, text_of, info_of = (
        menu._change_node, menu._set_sel_node_tri_val, menu._node_str, menu._info_str
    )  # fmt: skip

    def change_node(node: Any) -> bool:
        """Do what a key on a node does; return False to enter the menu below it."""
        if change(node):
            return True
        item = node.item
        if not _is_symbol(item) or (node.is_menuconfig and menu._shown_nodes(node)):
            # Let menuconfig enter the menu below the symbol.
            return False
        _show_reasons(menu, item, _other_value(item))
        return True

    def set_selected(value: int) -> None:
        """Do what the keys n, m and y do on the selected node; value is 0, 1 or 2."""
        item: Any = menu._shown[menu._sel_node_i].item
        if (
            _is_symbol(item)
            and is_logical(item)
            and value not in item.assignable
            and value != item.tri_value
        ):
            _show_reasons(menu, item, _VALUES[value])
        else:
            set_value(value)

    def node_text(node: Any) -> str:
        """Return the line of a node, with its mark."""
        text = str(text_of(node))
        mark = _mark(menu._kconf, node.item) if node.prompt else ""
        arrow = next((end for end in ("  --->", "  ----") if text.endswith(end)), "")
        return f"{text.removesuffix(arrow)}{mark}{arrow}"

    def info_text(node: Any) -> str:
        """Return the help on a node, with the reasons if it cannot be changed."""
        item, text = node.item, str(info_of(node))
        if _is_symbol(item) and not menu._changeable(node):
            text += f"\nWhy it cannot be changed:\n{_reasons(menu, item, _other_value(item))[0]}"
        return text

    menu._change_node, menu._set_sel_node_tri_val = change_node, set_selected
    menu._node_str, menu._info_str = node_text, info_text


def values(kconf: Any) -> Mapping[Symbol, str]:
    """Return the current values of all symbols, to mark later what differs from them."""
    return {symbol: symbol.str_value for symbol in kconf.unique_defined_syms}


def _is_symbol(item: Any) -> bool:
    import kconfiglib

    return isinstance(item, kconfiglib.Symbol)


def _mark(kconf: Any, item: Any) -> str:
    """Return the mark of a symbol: its usual value, if it has another now; else ""."""
    value = kconf.usual.get(item)
    if value is None or value == item.str_value:
        return ""
    return f" ({kconf.usual_name}: {value or 'not set'})"


def _other_value(symbol: Symbol) -> str:
    """Return the value that a key press would set; for a number or text, the present value."""
    if not is_logical(symbol):
        return str(symbol.str_value)
    return "y" if symbol.tri_value == 0 else "n"


def _reasons(menu: Any, symbol: Symbol, value: str) -> tuple[str, list[Symbol]]:
    """Return the text on why a symbol cannot have a value, and the symbols to jump to."""
    links = chain(Assignment(symbol, value, value, ""), menu._kconf.origins())
    width = min(_WIDEST, menu._width(menu._stdscr) - 6)
    lines: list[str] = []
    for item, found in links:
        lines += textwrap.wrap(f"{item.name}: {found.text}", width, subsequent_indent="  ")
    found_symbols = [item for _item, found in links for item in found.symbols if has_prompt(item)]
    targets = [item for item in dict.fromkeys(found_symbols) if item is not symbol]
    return "\n".join(lines), targets[:_MOST_JUMPS]


def _show_reasons(menu: Any, symbol: Symbol, value: str) -> None:
    """Show why a symbol cannot have a value; jump to a preventing symbol if its key is pressed."""
    text, targets = _reasons(menu, symbol, value)
    keys = [f"[{number}] Jump to {item.name}" for number, item in enumerate(targets, start=1)]
    title = (
        f"{symbol.name} cannot be {value}" if is_logical(symbol) else f"{symbol.name} cannot be set"
    )
    pressed = menu._key_dialog(
        title,
        "\n".join([text, "", *keys, "[ESC] Close"]),
        [*map(str, range(1, len(targets) + 1)), "\n"],
    )
    if pressed and pressed.isdigit():
        target = targets[int(pressed) - 1]
        menu._jump_to(next(node for node in target.nodes if node.prompt))
