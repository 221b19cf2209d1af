# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Make a configuration to save: merge files, set all symbols to one value, or at random.

Used by the targets, which save it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

from ..errors import XenToolError
from . import saved
from .assignments import Assignment
from .language.kconf import Kconfig, forget_values
from .language.symbol_values import is_logical, is_transitional
from .overrides import overruled


def merge(kconf: Kconfig, paths: Sequence[Path], *, onto: Path | None = None) -> list[str]:
    """Load the files one over the other, over the configuration `onto` if that is given.

    Return a note for every value that had no effect, with the reason.

    Raises XenToolError for a file that cannot be read, and for a malformed line.
    """
    before, notes = saved.load(kconf, onto) if onto is not None else ([], [])
    assignments: list[Assignment] = []
    for path in paths:
        more, unknown = saved.load(kconf, path, replace=False)
        assignments += more
        notes += unknown
    changed = {assignment.symbol for assignment in assignments}
    kept = [assignment for assignment in before if assignment.symbol not in changed]
    return notes + overruled([*kept, *assignments], [])


ALL = {"allnoconfig": "n", "allmodconfig": "m", "allyesconfig": "y", "alldefconfig": None}
"""The targets of set_all(), and the value that each sets; None stands for the default."""


def set_all(kconf: Kconfig, target: str, *, top: Path) -> list[str]:
    """Set every bool and tristate to the value of a target, or as near as it can have.

    This is conf_set_all_new_symbols of scripts/kconfig.  As for make, $KCONFIG_ALLCONFIG names a
    file of exceptions; 1 stands for allyes.config (or allno.config, ...), or else all.config, in
    the folder top.  Return notes on the exceptions.

    Raises XenToolError if that file is missing or malformed.
    """
    import kconfiglib

    value = ALL[target]
    kconf.unset_values()
    for symbol in kconf.unique_defined_syms if value else ():
        if is_logical(symbol) and not is_transitional(symbol):
            # In a choice of tristates that is not y, several can be m; in other choices one is y.
            is_m = symbol.choice and value == "y"
            is_y = value == "m" and symbol.orig_type == kconfiglib.BOOL and not symbol.choice
            symbol.set_value("m" if is_m else "y" if is_y else value)
    for choice in kconf.unique_choices if value in ("m", "y") else ():
        choice.set_value("y" if choice.orig_type == kconfiglib.BOOL else value)
    forget_values(kconf)
    if (named := os.environ.get("KCONFIG_ALLCONFIG")) is None:
        return []
    names = [f"{target.removesuffix('config')}.config", "all.config"]
    names = names if named in ("", "1") else [named]
    found = next((top / name for name in names if (top / name).is_file()), None)
    if found is None:
        raise XenToolError(f"KCONFIG_ALLCONFIG={named}: there is no {' nor '.join(names)}")
    return saved.load(kconf, found, replace=False).notes


def randomize(kconf: Kconfig, seed: int) -> None:
    """Set every bool, tristate and choice at random; equal seeds give equal values."""
    generator = random.Random(seed)
    for choice in kconf.unique_choices:
        if choice.visibility and choice.syms:
            choice.set_value(2)
            generator.choice(choice.syms).set_value(2)
    for symbol in kconf.unique_defined_syms:
        values = symbol.assignable
        if is_logical(symbol) and values and symbol.choice is None:
            symbol.set_value(generator.choice(values))
