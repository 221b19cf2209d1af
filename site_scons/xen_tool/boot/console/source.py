# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Find out who wrote a line of the console: Xen, a xen-shim, a domain, or the guest.

Only some lines have a prefix that names the writer; a guest's own line may have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# The prefixes of a message: who wrote it, and when.  Xen writes (XEN) before its own messages, and
# (dN) before those that a domU writes to port 0xe9 (xen/arch/x86/hvm/hvm.c).  Times are those of
# Xen's console_timestamps=, of Linux' printk() with its level and caller, of syslog, and the like.
# In brackets they are numbers with units and names of days and months; without, a date or a time.
_NAME = "[A-Z][a-z]{2}"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?"
_DATE = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|{_NAME} [ 0-3][0-9]"
_PREFIX = re.compile(
    r"(?:(?P<xen>\(XEN\))|(?P<domain>\(d[0-9]+\))|<[0-9]{1,3}>"
    rf"|[\[(] *(?:T|C|CPU *|\+|{_NAME}[ ,/]*)*[0-9](?:[-0-9:.,/@TZ+ ]|{_NAME})*[mun]?s?[\])]"
    rf"|(?:(?:{_DATE})[T ])?{_CLOCK}(?:Z|[-+][0-9]{{2}}:?[0-9]{{2}})?:?(?= )"
    r"|[0-9]+\.[0-9]+s?:?(?= ))",
    re.ASCII,
)
_OF_XEN = "(XEN) "


class SourceLine(NamedTuple):
    """A line of the console, without its prefixes."""

    source: str
    """The writer by the prefixes: "" (not named), "domain", "xen", or "shim", a Xen in a domain."""
    text: str
    indent: int
    """The number of blanks before the text."""


def read(line: str) -> SourceLine:
    """Split a line into its source, its indentation and its text."""
    source, at, in_domain = "", 0, False
    while prefix := _PREFIX.match(line, len(line) - len(line[at:].lstrip(" "))):
        if prefix["domain"]:
            source, in_domain = "domain", True
        elif prefix["xen"]:
            source = "shim" if in_domain else "xen"
        at = prefix.end()
    rest = line[at:]
    blanks = len(rest) - len(rest.lstrip())
    # One blank separates the prefixes from the text.
    return SourceLine(source, rest.strip(), max(0, blanks - (at > 0)))


def divided(line: str) -> Iterator[SourceLine]:
    """Yield the lines of a row: two if Xen wrote its message after text without a line's end."""
    parsed = read(line)
    at = parsed.text.find(_OF_XEN)
    if at < 0 or is_of_xen(parsed):
        yield parsed
        return
    yield parsed._replace(text=parsed.text[:at].rstrip())
    of_xen = read(parsed.text[at:])
    yield of_xen._replace(source="shim") if parsed.source else of_xen


def is_of_xen(line: SourceLine) -> bool:
    """Whether Xen or a xen-shim wrote a line."""
    return line.source in ("xen", "shim")
