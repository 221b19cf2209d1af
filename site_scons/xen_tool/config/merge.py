# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Makes a configuration to be saved: of defconfigs and fragments, or at random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from . import saved
from .kconf import Kconfig
from .overrides import overruled


def merge(kconf: Kconfig, paths: Sequence[Path], *, onto: Path | None = None) -> list[str]:
    """Loads the files one over the other, over the configuration `onto` if that is given.

    Returns a note for every value in paths that did not take, with the reason.

    Raises XenToolError for a file that cannot be read, or a line that says nothing.
    """
    notes: list[str] = []
    if onto is not None:
        notes += saved.load(kconf, onto)[1]
    assignments = []
    for path in paths:
        more, unknown = saved.load(kconf, path, replace=False)
        assignments += more
        notes += unknown
    return notes + overruled(assignments, [])


def randomize(kconf: Kconfig, seed: int) -> None:
    """Gives every symbol that can be chosen a random value; the same for the same seed."""
    import kconfiglib

    generator = random.Random(seed)
    for choice in kconf.unique_choices:
        if choice.visibility:
            choice.set_value(2)
            generator.choice(choice.syms).set_value(2)
    for symbol in kconf.unique_defined_syms:
        values = symbol.assignable
        boolean = symbol.orig_type in (kconfiglib.BOOL, kconfiglib.TRISTATE)
        if boolean and values and symbol.choice is None:
            symbol.set_value(generator.choice(values))
