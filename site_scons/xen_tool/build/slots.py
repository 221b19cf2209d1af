# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The job slots of `-j N`.

The runner takes a slot for each running step.  Other jobs, as those of SCons, take slots from
the same object.
"""

from __future__ import annotations

import os


class Slots:
    """A number of slots, at least one."""

    def __init__(self, number: int) -> None:
        number = max(number, 1)
        self.handle = os.eventfd(number, os.EFD_CLOEXEC | os.EFD_NONBLOCK | os.EFD_SEMAPHORE)
        """An eventfd that is readable while a slot is free."""

    def __del__(self) -> None:
        os.close(self.handle)

    def take(self) -> bool:
        """Take a slot, if one is free."""
        try:
            os.eventfd_read(self.handle)
        except BlockingIOError:
            return False
        return True

    def give(self, number: int = 1) -> None:
        """Give slots back."""
        os.eventfd_write(self.handle, number)

    def refuse(self) -> None:
        """Let no more jobs of others start; a subclass with such jobs overrides this."""
