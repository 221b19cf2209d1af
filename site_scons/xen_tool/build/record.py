# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""How a step ran, as the database keeps it."""

from __future__ import annotations

from ..light import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Record(NamedTuple):
    """All fields are text, numbers separated by blanks, lines by newlines."""

    path: str
    """Of its first output."""
    signature: str
    inputs: str
    """Rows."""
    outputs: str
    """Rows."""
    group: str
    """A text: the rows of its toolchain."""
    symbols: str
    """Lines NAME=VALUE."""
    names: str
    """Names that would count in the folders among its inputs, separated by slashes."""
    present: str
    """Which of them there were, as discover.present() writes it."""
    flags: str
    """A text: lines."""
    files: str
    """Lines: the words behind the flags."""
    run: str
    """The number of the run."""
    reasons: str
    """Lines: why it ran, as explain.Reason writes them."""
    dirty: str
    """Why it has to run again although nothing changed; else empty."""


FIELDS = len(Record._fields)

FAILED = "its last build failed"
"""Why a step is dirty that failed: the rest of its record is of the last time it did not."""


def lines(text: str) -> Sequence[str]:
    """The lines of a field."""
    return text.split("\n") if text else ()
