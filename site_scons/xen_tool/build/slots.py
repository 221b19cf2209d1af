# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The job slots of `-j N`: a job holds one while it runs.

The runner takes one for each step.  Whoever starts other jobs beside it, as SCons does, takes
part in the same slots.
"""

from __future__ import annotations

import os


class Slots:
    """So many slots; at least one, as with less nothing would ever run."""

    def __init__(self, number: int) -> None:
        number = max(number, 1)
        self.handle = os.eventfd(number, os.EFD_CLOEXEC | os.EFD_NONBLOCK | os.EFD_SEMAPHORE)
        """A descriptor that can be read while a slot is free."""

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
        """Take note that nothing more shall start."""
