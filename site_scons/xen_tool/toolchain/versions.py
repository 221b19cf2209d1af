# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Check that a compiler is new enough to accept the default flags."""

from __future__ import annotations

import re

from ..errors import XenToolError

OLDEST = {"gcc": 8, "clang": 12}
"""The oldest major version.  gcc 8 has -fcf-protection and -ffile-prefix-map; clang 12 has
-fdebug-compilation-dir=.  The tests run with gcc 12, clang 14 and zig 0.17 (clang 22)."""


def check(name: str, command: str, printed: str) -> None:
    """Check the version of a compiler in what it prints for -###; accept a text without one.

    Raises XenToolError if the compiler is too old.
    """
    found = re.search(r"\b(?:gcc|clang) version ((\d+)[\w.]*)", printed)
    if found and int(found[2]) < OLDEST.get(name, 0):
        raise XenToolError(
            f"{command} is {name} {found[1]}, and the tool needs {name} {OLDEST[name]} or newer: "
            f"install one, and type CC={name}-VERSION, or TOOLCHAIN=zig, which pip installs"
        )
