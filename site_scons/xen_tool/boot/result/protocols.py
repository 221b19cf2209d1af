# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The protocols by which guests report results: a row of data for each.

A row defines the meaning of the guest's lines, and how the machine must end.  reader.py reads lines
by the rows, and outcome.py judges.  Builds import this module for their settings, so it imports
little.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from ...errors import XenToolError


class GuestResult(Enum):
    """The result of a run: from PASSED, the only success, to CRASHED, the worst; or SHOWN."""

    PASSED = "passed"
    SKIPPED = "skipped"
    ERROR = "error"
    """The guest reported that the test itself is faulty."""
    FAILED = "failed"
    CRASHED = "crashed"
    """The guest, its dom0 or Xen crashed, or no result was reported."""
    SHOWN = "shown"
    """No verdict was requested (protocol none)."""


class Finish(Enum):
    """The ways in which a guest ends in good order."""

    EXIT = "by QEMU's status 33"
    POWEROFF = "by powering off"
    REBOOT = "by rebooting"


class Kind(Enum):
    """The meaning of a line."""

    CHECK = "a check passed"
    FAILURE = "something failed"
    COUNT = "the number of checks"
    RESULT = "the result of the run"


class Protocol(NamedTuple):
    """A protocol: what lines mean, and how the machine ends."""

    name: str
    what: str
    """A description."""
    words: tuple[tuple[str, Kind], ...] = ()
    """Regular expressions for the start of a line, each with the meaning of such a line.  The first
    that matches counts."""
    results: Mapping[str, GuestResult] = {}
    """The results by the text of the line of Kind.RESULT; any other text means FAILED."""
    ends: frozenset[Finish] | None = frozenset((Finish.EXIT,))
    """The accepted ends of the machine after a pass; None: it may run on, and is stopped."""
    ktap: bool = False
    """Whether ktap.py reads the lines."""
    by_end: bool = False
    """Whether the end of the machine alone decides that the guest passed."""
    alone: bool = False
    """Whether the failures of other protocols are ignored."""


_IN_ORDER = frozenset(Finish)

# FAIL after any number of these: groups in brackets, words with a colon, and symbols.  The first
# lookahead rejects lines without FAIL, which are most, in a hundredth of the time of the rest.  The
# second makes the search linear: what it has matched is not tried in another way.
_FAIL = (
    r"(?=.*FAIL)(?:(?a:(?=((?:(?!\W{0,40}FAIL\b)"
    r"(?:[\[(<][^\])>]{0,40}[\])>]|[\w./-]{1,40}:|[^\w\[(<]+|[\[(<]))*))\1\W{0,40}FAIL\b)"
    # And after any text: with a colon or a name and a colon, or as the last word of the line.
    r"|.*\bFAIL(?: [\w./-]{1,80})?:|.*\bFAIL\W*$)"
)

PASS_FAIL = Protocol(
    "pass-fail",
    "lines PASS NAME and FAIL NAME: WHY, their number in CHECKS: N, and a last line RESULT: PASS",
    (
        (r"RESULT:", Kind.RESULT),
        (_FAIL, Kind.FAILURE),
        (r"PASS\b.", Kind.CHECK),
        (r"CHECKS:", Kind.COUNT),
    ),
    {"RESULT: PASS": GuestResult.PASSED},
)
XTF = Protocol(
    "xtf",
    "the Xen Test Framework's last line, Test result: SUCCESS, SKIP, ERROR or FAILURE",
    # xtf, common/report.c and include/xtf/report.h; its runner calls it CRASH if no result comes.
    ((r"Test result:", Kind.RESULT), (r"Fail:|PANIC:", Kind.FAILURE)),
    {
        "Test result: SUCCESS": GuestResult.PASSED,
        "Test result: SUCCESS with warnings": GuestResult.PASSED,
        "Test result: SKIP": GuestResult.SKIPPED,
        "Test result: ERROR": GuestResult.ERROR,
    },
    frozenset((Finish.EXIT, Finish.POWEROFF)),
)
KTAP = Protocol(
    "ktap",
    "KTAP, as of Linux's KUnit: plans 1..N, lines ok and not ok, nested",
    ends=_IN_ORDER,
    ktap=True,
)
POWEROFF = Protocol(
    "poweroff", "a guest that powers off passed", ends=frozenset((Finish.POWEROFF,)), by_end=True
)
NONE = Protocol("none", "no verdict: the console is shown", ends=None, alone=True)
PATTERNS = "pass-regex"
"""The name of the protocol that Reader makes of PASS_REGEX=."""

PROTOCOLS = (PASS_FAIL, XTF, KTAP, POWEROFF, NONE)
"""The protocols that a user can name."""
DETECTED = (PASS_FAIL, XTF, KTAP)
"""The protocols by which lines are read, unless the named one is `alone`: their lines differ."""


def named(name: str) -> Protocol:
    """Return the protocol of this name.

    Raises XenToolError, with the list of names, if there is none.
    """
    for protocol in PROTOCOLS:
        if protocol.name == name:
            return protocol
    raise XenToolError(f"there is no protocol {name}: name one of {listed()}")


def listed() -> str:
    """Return the names of all protocols, for a message."""
    return ", ".join(protocol.name for protocol in PROTOCOLS)


class Patterns(NamedTuple):
    """PASS_REGEX= and FAIL_REGEX=, which are searched for in lines; None if unset."""

    passed: re.Pattern[str] | None = None
    failed: re.Pattern[str] | None = None


NO_PATTERNS = Patterns()
