# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The document that `listconfig --json` prints, which suffices for a configuration editor.

    {"arch": "x86_64",
     "symbols": [
      {"name": "SMP",
       "type": "bool",                          bool, tristate, int, hex, string; "unknown"
       "value": "y",                            y, m, n, a number, a text; "" if there is none
       "origin": "in .config:3",                "default", "on the command line", "selected by A"
       "prompt": "Symmetric multi-processing",  null: it cannot be set
       "visible": true,                         whether it can be set now
       "help": "Build a kernel for ...",        null: it has none
       "defined": ["kconfig/Kconfig.x86:20"],   FILE:LINE of each definition, from the top
       "depends": "X86_64 && XEN",              null: no dependencies
       "ranges": [{"low": "1", "high": "8", "if": null}],
       "defaults": [{"value": "y", "if": "XEN"}],
       "selects": [{"symbol": "A", "if": null}],
       "implies": [],
       "choice": ["VMSPLIT_3G", "VMSPLIT_2G"]}, null: in no choice
      ...]}

Symbols are in the order of the Kconfig files.  Later versions may add keys.
"""

from __future__ import annotations

from typing import Any

from ..configuration import Configuration
from ..language.kconf import Kconfig
from ..language.values import Symbol


def listing(configuration: Configuration, kconf: Kconfig) -> dict[str, Any]:
    """Return the document, for json.dumps(); kconf: the Kconfig tree that was configured."""
    symbols = [_described(configuration, symbol) for symbol in kconf.unique_defined_syms]
    return {"arch": configuration.arch.name, "symbols": symbols}


def _described(configuration: Configuration, symbol: Symbol) -> dict[str, Any]:
    import kconfiglib

    prompts = [node.prompt[0] for node in symbol.nodes if node.prompt]
    helps = [node.help for node in symbol.nodes if node.help]
    return {
        "name": symbol.name,
        "type": kconfiglib.TYPE_TO_STR[symbol.orig_type],
        "value": configuration.values[symbol.name],
        "origin": configuration.origins[symbol.name],
        "prompt": next(iter(prompts), None),
        "visible": symbol.name in configuration.prompts,
        "help": next(iter(helps), None),
        "defined": [f"{node.filename}:{node.linenr}" for node in symbol.nodes],
        "depends": _text(symbol.direct_dep),
        "ranges": [
            {"low": low.name, "high": high.name, "if": _text(condition)}
            for low, high, condition in symbol.ranges
        ],
        "defaults": [{"value": _text(v) or "y", "if": _text(c)} for v, c in symbol.defaults],
        "selects": [{"symbol": s.name, "if": _text(c)} for s, c in symbol.selects],
        "implies": [{"symbol": s.name, "if": _text(c)} for s, c in symbol.implies],
        "choice": [member.name for member in symbol.choice.syms] if symbol.choice else None,
    }


def _text(expression: Any) -> str | None:
    """Return an expression as in Kconfig files; None if it always holds."""
    import kconfiglib

    text = str(kconfiglib.expr_str(expression))
    return None if text == "y" else text
