# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Format the sizes of an image: totals, and tables of sections, objects and symbols."""

from __future__ import annotations

from collections.abc import Iterator

from ...printable import printable
from .sizes import Bytes, Key, SizeRow, Sizes, rows

TOP = 15
"""Largest number of rows of a table, by default."""


def lines(sizes: Sizes, before: Sizes | None, top: int = TOP) -> Iterator[str]:
    """Yield the lines of `xen-tool size`, with changes since before, unless that is None.

    top: the largest number of rows of a table; a last row sums up the rest.
    """
    yield f"{printable(sizes.image)}: {_bytes(sizes.total)}"
    if before is not None:
        yield f"against {printable(before.image)}: {_bytes(before.total)}"
        if sizes.sections == before.sections and sizes.symbols == before.symbols:
            yield "nothing has changed its size"
            return
    for kind in ("sections", "objects", "symbols"):
        found = rows(sizes, before, kind)
        if before is not None:
            found = [row for row in found if any(row.change or ())]
        if found:
            yield ""
            yield from _table(kind, found, top)


def _bytes(total: Bytes) -> str:
    return f"{total[0]:,} bytes in the file, {total[1]:,} in memory"


def _table(kind: str, found: list[SizeRow], top: int) -> Iterator[str]:
    compares = found[0].before is not None
    heads = ("file", "change", "memory", "change") if compares else ("file", "memory")
    yield f"  {''.join(f'{head:>10}' for head in heads)}  {kind}"
    for row in found[:top]:
        yield f"  {''.join(f'{cell:>10}' for cell in _cells(row.now, row.change))}  {name(row.key)}"
    if rest := found[top:]:
        now = sum(row.now[0] for row in rest), sum(row.now[1] for row in rest)
        changes = [row.change for row in rest if row.change]
        change = (sum(c[0] for c in changes), sum(c[1] for c in changes)) if compares else None
        cells = "".join(f"{cell:>10}" for cell in _cells(now, change))
        yield f"  {cells}  {len(rest)} more {kind if len(rest) > 1 else kind[:-1]}"


def _cells(now: Bytes, change: Bytes | None) -> Iterator[str]:
    for place in (0, 1):
        yield f"{now[place]:,}"
        if change is not None:
            yield f"{change[place]:+,}" if change[place] else ""


def name(key: Key) -> str:
    """Return the name of a row: a section, an object, or a symbol with its section and object."""
    if len(key) == 1:
        return key[0] or "(of no object)"
    section, of_object, symbol = key
    return "  ".join(filter(None, (symbol, section, of_object)))
