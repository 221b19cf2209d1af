# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The memory of a short process: freeing it takes longer than looking at all files.

Used by the programs that build.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_OBJECTS = 100_000
"""New objects between two searches for garbage."""


def collect_rarely() -> None:
    """Search for garbage rarely, as nearly all objects are used until the end."""
    gc.set_threshold(_OBJECTS)
    # Python searches all objects at its end, but for those that are frozen.
    atexit.register(gc.freeze)


def leave(status: int) -> NoReturn:
    """End the process after the functions of atexit; free no objects.

    Only the standard files are flushed, and no threads are waited for.
    """
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        # The output is closed, or the disk is full: Python reports it.
        sys.exit(status)
    os._exit(status)
