# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Draw how the sizes of an image have changed, for the page about it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape

from ..printable import printable
from .size.history import Entry
from .size.sizes import NOTHING

_WIDTH, _HEIGHT, _MARGIN = 460, 90, 8
_DIGITS = 10
"""Digits of a revision that are shown."""


def charts(history: Sequence[Entry]) -> list[str]:
    """Return two charts: of the image's bytes in the file, and of its bytes in memory.

    history: at least two entries, the oldest first.  The charts are HTML, with the CSS classes of
    page.py.
    """
    return [
        _chart(history, [entry.total[place] for entry in history], what)
        for place, what in enumerate(("in the file", "in memory"))
    ]


def _chart(history: Sequence[Entry], values: Sequence[int], what: str) -> str:
    """Draw a line from the oldest entry to the newest, from the least to the largest value."""
    least, most = min(values), max(values)
    label = f"bytes {what}, from {least:,} to {most:,}"
    points = []
    for number, value in enumerate(values):
        across = number / (len(values) - 1)
        up = (value - least) / (most - least) if most > least else 0.5
        x = _MARGIN + across * (_WIDTH - 2 * _MARGIN)
        points.append((x, _HEIGHT - _MARGIN - up * (_HEIGHT - 2 * _MARGIN)))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{value:,}: {escape(when(entry))}</title>'
        "</circle>"
        for (x, y), value, entry in zip(points, values, history, strict=True)
    )
    return (
        f'<figure class="chart"><figcaption>{escape(label)}</figcaption>\n'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<polyline points="{line}"/>{dots}</svg></figure>'
    )


def when(entry: Entry) -> str:
    """Return the time and the revision of an entry, such as "2026-01-31 12:00 UTC 0123456789"."""
    moment = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(entry.time))
    return " ".join(filter(None, (moment, printable(entry.revision[:_DIGITS]))))


def changes(before: Entry, now: Entry) -> str:
    """Return the sections whose size has changed and by how much, such as ".text +16, .bss -8".

    The bytes are those in the file, or those in memory if the section has as many in the file as
    before.  The largest change comes first.
    """
    found = []
    for name in dict.fromkeys((*before.sections, *now.sections)):
        old, new = before.sections.get(name, NOTHING), now.sections.get(name, NOTHING)
        place = 0 if new[0] != old[0] else 1
        found.append((new[place] - old[place], name))
    found.sort(key=lambda change: (-abs(change[0]), change[1]))
    return ", ".join(f"{name} {change:+,}" for change, name in found if change)
