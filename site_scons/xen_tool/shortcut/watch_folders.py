# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Follow the changes of files in folders, in a thread; used by watch.py."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from watchfiles import Change, watch

from ..errors import XenToolError

_IDLE = 100
"""Milliseconds after which the thread checks again whether it is to end."""

Changes = set[tuple[Change, str]]
"""Kinds of changes, each with the absolute path of the file."""


class Follower(threading.Thread):
    """A thread that reports changes in folders, from its creation until end().

    report: is called with the changes.  recursive: whether folders in the folders are followed too.
    Raises XenToolError if the folders cannot be followed.
    """

    def __init__(
        self, folders: Iterable[str], report: Callable[[Changes], None], *, recursive: bool
    ) -> None:
        super().__init__()
        self._report = report
        self._end = threading.Event()
        self._changes = watch(
            *folders,
            watch_filter=None,
            stop_event=self._end,
            rust_timeout=_IDLE,
            yield_on_timeout=True,
            recursive=recursive,
            ignore_permission_denied=True,
        )
        try:
            # The folders are followed once this returns.
            self._put(next(self._changes))
        except (OSError, RuntimeError) as error:
            raise XenToolError(
                f"watch: the folders cannot be followed: {error}; raise max_user_watches or "
                "max_user_instances of fs.inotify with sysctl, or set WATCHFILES_FORCE_POLLING=1"
            ) from error
        self.start()

    def run(self) -> None:
        """Report changes until end() is called, in the thread."""
        for changes in self._changes:
            self._put(changes)

    def _put(self, changes: Changes) -> None:
        if changes:
            self._report(changes)

    def end(self) -> None:
        """Stop following."""
        self._end.set()
        self.join()
