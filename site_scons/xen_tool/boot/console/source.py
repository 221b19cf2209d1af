# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The source of a line of the console: Xen, a xen-shim, a domain, or one that is not named."""

from __future__ import annotations

import re
from typing import NamedTuple

# What may stand in front of what is said: who said it, and when.  Xen writes (XEN) before its own
# words, and (dN) before those of a domU, as at port 0xe9 (xen/arch/x86/hvm/hvm.c).  Times are
# Xen's by console_timestamps=, those of Linux' printk() with its level and caller, and the like.
_FRONT = re.compile(
    r" *(?:(?P<xen>\(XEN\))|(?P<domain>\(d[0-9]+\))|<[0-9]>|\[ *[TC]?[0-9][-0-9:.TZ+ ]*\])",
    re.ASCII,
)


class Said(NamedTuple):
    """A line of the console, without what stands in front of it."""

    source: str
    """Who is named there: nobody (""), "domain", "xen", or "shim", a Xen in a domain."""
    text: str
    indent: int


def read(line: str) -> Said:
    """Tell who says a line."""
    source, at, in_domain = "", 0, False
    while front := _FRONT.match(line, at):
        if front["domain"]:
            source, in_domain = "domain", True
        elif front["xen"]:
            source = "shim" if in_domain else "xen"
        at = front.end()
    rest = line[at:]
    blanks = len(rest) - len(rest.lstrip())
    # Behind who and when there is a blank.
    return Said(source, rest.strip(), max(0, blanks - (at > 0)))


def is_of_xen(said: Said) -> bool:
    """Return whether it is a Xen that says it."""
    return said.source in ("xen", "shim")
