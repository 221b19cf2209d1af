# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Keeps Python's garbage collector from looking through SCons' nodes again and again.

They live until the end, and there it would look once more: in a large tree, a
good part of a run that has nothing to do (tests/bench/toggle.py).
"""

from __future__ import annotations

import atexit
import gc

_NEW_OBJECTS = 50_000
"""After so many the youngest are looked through; Python's own number is 700."""


def spare() -> None:
    """For this process; whoever has set a higher number keeps it."""
    first, *others = gc.get_threshold()
    if 0 < first < _NEW_OBJECTS:
        gc.set_threshold(_NEW_OBJECTS, *others)
    atexit.register(gc.freeze)
