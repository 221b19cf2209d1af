# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The Xen whose loaders are modelled: its version, and what its build left out."""

from __future__ import annotations

import re

from ...errors import XenToolError
from ...light import NamedTuple

OLDEST = (4, 14)
"""The oldest Xen whose sources the rules were read in."""


class Xen(NamedTuple):
    """A Xen release, as the newest of its point releases; by default Debian 12's.

    pv32 is CONFIG_PV32, a property of the build and not of the version: Debian's
    Xen is built without it, xen-shim with it.
    """

    version: tuple[int, int] = (4, 17)
    pv32: bool = False

    @classmethod
    def parse(cls, text: str) -> Xen:
        """From "4.17" or "4.17+pv32".

        Raises XenToolError if text is no such version, or one older than 4.14.
        """
        match = re.fullmatch(r"(\d{1,3})\.(\d{1,3})(\+pv32)?", text, re.ASCII)
        if match is None:
            raise XenToolError(f"{text!r} is no version of Xen: write 4.17, or 4.17+pv32")
        version = int(match[1]), int(match[2])
        if version < OLDEST:
            oldest = "{}.{}".format(*OLDEST)
            raise XenToolError(
                f"Xen {text} is older than {oldest}, the oldest whose rules are known"
            )
        return cls(version, pv32=match[3] is not None)

    def __str__(self) -> str:
        return "{}.{}".format(*self.version) + "+pv32" * self.pv32
