# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Messages from a build to `scons watch` (watch.py), which started it: files in a folder.

The environment variable XEN_TOOL_WATCH has the folder.  Without it nothing is written.
"""

from __future__ import annotations

import os

from ..build import fields
from .reading import WATCHER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

READ = "read"
"""The message that all SConscripts were read.  Details: the number of build directories and that of
outputs outside of them; these folders and files; and the files outside the project that were read.
The message stays while the reading is valid."""
BUILT = "built"
"""The message that at least one step had to run."""
GUEST = "guest"
"""The message that everything is built, and that a guest runs, which may be ended at any time."""

_folder = os.environ.get(WATCHER, "")


def is_watched() -> bool:
    """Whether `scons watch` started this build."""
    return bool(_folder)


def expects_reading() -> bool:
    """Whether SCons has to read the SConscripts for the watcher."""
    return is_watched() and not os.path.exists(os.path.join(_folder, READ))


def tell(what: str, details: Iterable[str] = ()) -> None:
    """Write the message `what` for the watcher, if there is one.

    Raises XenToolError if the file cannot be written.
    """
    if is_watched():
        fields.write(os.path.join(_folder, what), details)
