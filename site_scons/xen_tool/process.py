# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Save a short process the time for garbage collection, and for freeing its memory at the end.

Used by the programs that build: in a large build, both take longer than looking at all files.
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
"""Number of new objects after which Python searches for garbage."""


def collect_rarely() -> None:
    """Let Python search for garbage rarely, as nearly all objects are used until the end."""
    gc.set_threshold(_OBJECTS)
    # At its end Python searches all objects except frozen ones.
    atexit.register(gc.freeze)


def leave(status: int) -> NoReturn:
    """End the process after the functions of atexit, without freeing objects.

    Of all files only standard output and error are flushed; threads are not waited for.
    """
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        # The output is closed, or the disk is full: Python reports it.
        sys.exit(status)
    os._exit(status)
