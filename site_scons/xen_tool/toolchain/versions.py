# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Which versions of compilers make a kernel: the oldest that know the default flags."""

from __future__ import annotations

import re

from ..errors import XenToolError

OLDEST = {"gcc": 8, "clang": 12}
"""By major version.  gcc 8 has -fcf-protection and -ffile-prefix-map; clang 12 takes
-fdebug-compilation-dir=.  The tests run with gcc 12, clang 14 and zig 0.17 (clang 22)."""


def check(name: str, command: str, said: str) -> None:
    """Check the version in what a compiler says of itself for -###; silence is none.

    Raises XenToolError if it is too old.
    """
    found = re.search(r"\b(?:gcc|clang) version ((\d+)[\w.]*)", said)
    if found and int(found[2]) < OLDEST.get(name, 0):
        raise XenToolError(
            f"{command} is {name} {found[1]}, and the tool needs {name} {OLDEST[name]} or newer: "
            f"install one, and say CC={name}-VERSION, or TOOLCHAIN=zig, which pip installs"
        )
