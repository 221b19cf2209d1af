# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Signatures of files' contents; a file is read again only when its status has changed.

Times, size and inode are compared for equality: a file that was replaced by an
older one has changed, too.  Used by the record of steps.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Mapping
from typing import Any

_YOUNG_NS = 100_000_000
"""Longer than a tick of any kernel's clock: two writes may bear the same time."""
_COARSE_NS = 2_000_000_000
"""The same where a file system keeps whole seconds, or every other."""


class Contents:
    """What the files below top hold, or elsewhere by an absolute path.

    signature(path) reads a file; known is what an earlier one kept.
    """

    def __init__(self, top: str, signature: Callable[[str], str], known: Mapping[str, Any]) -> None:
        self._below = os.path.join(top, "")
        self._signature = signature
        self._known = dict(known)
        self._young: set[str] = set()

    def of(self, name: str) -> str | None:
        """The signature of a file's content; None if there is no file, or none to be read."""
        path = name if name.startswith(os.sep) else self._below + name
        try:
            status = os.stat(path)
            seen = [status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino]
            known = self._known.get(name)
            if known and known[0] == seen and name not in self._young:
                return str(known[1])
            if not stat.S_ISREG(status.st_mode):
                return None
            now = time.time_ns()
            content = self._signature(path)
        except OSError:
            return None
        self._known[name] = [seen, content]
        if _is_young(max(seen[:2]), now):
            self._young.add(name)
        else:
            self._young.discard(name)
        return content

    def known(self) -> dict[str, Any]:
        """What to keep: not of files so young that they could change and look the same."""
        return {name: known for name, known in self._known.items() if name not in self._young}


def _is_young(stamp: int, now: int) -> bool:
    coarse = stamp % 1_000_000_000 == 0
    return now - stamp < (_COARSE_NS if coarse else _YOUNG_NS)
