# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Import kconfiglib, with corrections where C kconfig computes another value.

All of this package imports kconfiglib, and the modules that come with it, by import_kconfiglib().
Functions that compute other values than scripts/kconfig of Linux 6.1 are replaced here by those
of symbol_values.py; kconf.py corrects the reading of files.  docs/design-kconfig.md explains why
kconfiglib was chosen.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any

from ...errors import XenToolError
from .symbol_values import assignable, is_number, is_transitional, str_value, to_number, tri_value

_VERSION = "14.1.0"


def import_kconfiglib(name: str = "kconfiglib") -> Any:
    """Import kconfiglib, or one of the modules that come with it, such as menuconfig.

    Raises XenToolError if it is missing, too old, or hidden by another package.
    """
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations and spec.origin:
            # Kconfiglib consists of modules, and Python prefers a package to a module.
            raise XenToolError(
                f"{spec.origin} hides kconfiglib's module {name}: use a Python environment without "
                "that package; esp-idf-kconfig has such (`pip uninstall esp-idf-kconfig`)"
            )
        module = importlib.import_module(name)
    except ImportError as error:
        raise XenToolError(
            f"{name} cannot be imported: {error}; type `pip install kconfiglib=={_VERSION}`"
        ) from error
    if name != "kconfiglib":
        return module
    if getattr(module, "VERSION", (0,)) < (14, 1):
        raise XenToolError(
            f"{getattr(module, '__file__', None) or 'a folder'} is not kconfiglib 14.1: type "
            f"`pip install --force-reinstall kconfiglib=={_VERSION}`"
        )
    _mend(module)
    return module


def _mend(kconfiglib: Any) -> None:
    """Replace functions of kconfiglib, unless they are replaced already."""
    if kconfiglib._is_base_n is is_number:
        return
    visibility = kconfiglib._visibility
    kconfiglib._visibility = lambda item: 2 if is_transitional(item) else visibility(item)
    kconfiglib.Symbol.tri_value = property(tri_value)
    kconfiglib.Symbol.str_value = property(str_value)
    kconfiglib.Symbol._assignable = assignable
    kconfiglib._is_base_n = is_number
    kconfiglib.expandvars = str
    kconfiglib._UNAME_RELEASE = "$UNAME_RELEASE"
    kconfiglib._sym_to_num = to_number
    kconfiglib._found_dep_loop = _found_loop
    kconfiglib._info_fn = _info
    kconfiglib._shell_fn = _shell


def _found_loop(loop: tuple[Any, ...], item: Any) -> tuple[Any, ...]:
    """Return a chain of dependencies with item added.

    Raises KconfigError if item is the first of the chain, which then is a whole loop.
    """
    import kconfiglib

    if item is not loop[0]:
        return (*loop, item)
    at = min(range(len(loop)), key=lambda index: _place(loop[index]))
    first, *others = loop[at:] + loop[:at]
    text = _located(first)
    for each, other in zip([first, *others], [*others, first], strict=True):
        text += f"{'' if each is first else ', which'} {_relation(each, other)} "
        text += (first.name or "the choice") if other is first else _located(other)
    file, line = _place(first)
    raise kconfiglib.KconfigError(f"{file}:{line}: recursive dependency: {text}")


def _place(item: Any) -> tuple[str, int]:
    """Return the file and the line of the first definition of a symbol or choice."""
    return item.nodes[0].filename, item.nodes[0].linenr


def _located(item: Any) -> str:
    """Return the name of a symbol or choice, with the place of its first definition."""
    return "{} ({}:{})".format(item.name or "the choice", *_place(item))


def _relation(item: Any, other: Any) -> str:
    """Return how an item depends on another one: `depends on`, `is selected by` and the like."""
    import kconfiglib

    for verb, attribute in (("selected", "rev_dep"), ("implied", "weak_rev_dep")):
        expression = getattr(item, attribute, item.kconfig.n)
        for term in kconfiglib.split_expr(expression, kconfiglib.OR):
            by = kconfiglib.split_expr(term, kconfiglib.AND)[0]
            if other in kconfiglib.expr_items(term):
                further = "" if other is by else f" {_located(by)}, which depends on"
                return f"is {verb} by{further}"
    return "depends on"


def _info(_kconf: Any, _name: str, text: str) -> str:
    """Print the text of $(info,text) to stderr, as stdout may be read by a program; return ""."""
    print(text, file=sys.stderr)
    return ""


def _shell(_kconf: Any, _name: str, command: str) -> str:
    """Return the output of $(shell,command) in one line; errors go to stderr (do_shell)."""
    import subprocess

    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, check=False)
    text = done.stdout.partition(b"\0")[0].decode("utf-8", "replace")
    return text.rstrip("\n").replace("\n", " ")
