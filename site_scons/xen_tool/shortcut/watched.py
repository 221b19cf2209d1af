# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a build tells `scons watch` (watch.py), which started it: files in a folder.

The folder's name is in the environment as XEN_TOOL_WATCH.  Without it nothing is told.
"""

from __future__ import annotations

import os

from ..build import fields
from .reading import WATCHER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

READ = "read"
"""All SConscripts were read: how many build directories there are, and how many files that a
run makes elsewhere; these; and the files outside the project that the SConscripts read.  It
stays, as long as what was read holds."""
BUILT = "built"
"""There was something to do."""
GUEST = "guest"
"""All is built, and a guest runs, which may be ended at any time."""

_folder = os.environ.get(WATCHER, "")


def is_watched() -> bool:
    """Whether `scons watch` started this build."""
    return bool(_folder)


def expects_reading() -> bool:
    """Whether SCons has to read the SConscripts, to tell what it finds there."""
    return is_watched() and not os.path.exists(os.path.join(_folder, READ))


def tell(what: str, details: Iterable[str] = ()) -> None:
    """Write a file for the watcher.

    Raises XenToolError if it cannot be written.
    """
    if is_watched():
        fields.write(os.path.join(_folder, what), details)
