# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The document that `listconfig --json` prints: each symbol as a configuration editor needs it.

docs/configuration.md describes the document.
"""

from __future__ import annotations

from typing import Any

from ..configuration import Configuration
from ..language.kconf import Kconfig
from ..language.symbol_values import Symbol
from .reasons import without_choices

SCHEMA = 1


def listing(configuration: Configuration, kconf: Kconfig) -> dict[str, Any]:
    """Return the document, for json.dumps(); kconf: the Kconfig tree that was configured."""
    symbols = [_described(configuration, symbol) for symbol in kconf.unique_defined_syms]
    return {"schema": SCHEMA, "arch": configuration.arch.name, "symbols": symbols}


def _described(configuration: Configuration, symbol: Symbol) -> dict[str, Any]:
    """Return the description of a symbol in the document."""
    import kconfiglib

    prompts = [node.prompt[0] for node in symbol.nodes if node.prompt]
    helps = [node.help for node in symbol.nodes if node.help]

    def text(expression: Any) -> str | None:
        """Return an expression as in Kconfig files; None if it always holds."""
        written = kconfiglib.expr_str(without_choices(symbol.kconfig, expression))
        return None if written == "y" else str(written)

    return {
        "name": symbol.name,
        "type": kconfiglib.TYPE_TO_STR[symbol.orig_type],
        "value": configuration.values[symbol.name],
        "origin": configuration.origins[symbol.name],
        "prompt": next(iter(prompts), None),
        "visible": symbol.name in configuration.prompts,
        "help": next(iter(helps), None),
        "defined": [f"{node.filename}:{node.linenr}" for node in symbol.nodes],
        "depends": text(symbol.direct_dep),
        "ranges": [
            {"low": low.name, "high": high.name, "if": text(condition)}
            for low, high, condition in symbol.ranges
        ],
        "defaults": [{"value": text(v) or "y", "if": text(c)} for v, c in symbol.defaults],
        "selects": [{"symbol": s.name, "if": text(c)} for s, c in symbol.selects],
        "implies": [{"symbol": s.name, "if": text(c)} for s, c in symbol.implies],
        "choice": [member.name for member in symbol.choice.syms] if symbol.choice else None,
    }
