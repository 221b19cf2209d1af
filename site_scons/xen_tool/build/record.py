# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The record of a step in the build database: what its last run depended on."""

from __future__ import annotations

from ..light import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Record(NamedTuple):
    """A record; each field is text: numbers separated by blanks, or lines."""

    path: str
    """The first output."""
    signature: str
    """Judge.signature() of the step."""
    inputs: str
    """Numbers of the rows of all files and folders that it read."""
    outputs: str
    """Numbers of the rows of all files that it wrote."""
    group: str
    """Number of a text: the numbers of the rows of its toolchain."""
    symbols: str
    """Lines NAME=VALUE."""
    names: str
    """Names searched for in the folders among its inputs, separated by slashes."""
    present: str
    """Which of these names existed: a digest of discover.present()."""
    flags: str
    """Number of a text: Judge.flags() of the step."""
    files: str
    """Lines: the words after the flags."""
    provided: str
    """Number of a text: lines.  The files of its toolchain, and the configured files, that its
    commands reported; a change of their contents shows in the group, or in the symbols."""
    run: str
    """The number of the run of the build in which it ran."""
    reasons: str
    """Lines: why it ran, as differences.Reason writes them."""
    dirty: str
    """The reason to run again although no file changed; else empty."""


FAILED = "its last build failed"
"""The reason for a step that failed; the rest of its record is of its last success."""


def lines(text: str) -> Sequence[str]:
    """Split a field into lines."""
    return text.split("\n") if text else ()
