# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Keep the sizes that an image had: a file beside its build, of at most MOST entries.

    {"schema": 1, "entries": [{"time": seconds since 1970, "revision": TEXT (of git, or ""),
        "file": bytes, "memory": bytes, "sections": [{"name": TEXT, "file": bytes,
        "memory": bytes}]}]}

The oldest entry comes first.  An entry is added when a size has changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...files import write_if_changed
from ...light import NamedTuple
from .sizes import Bytes, Sizes

SCHEMA = 1
MOST = 100
"""Largest number of entries; the oldest are dropped."""


class Entry(NamedTuple):
    """The sizes at one time."""

    time: int
    """Seconds since 1970."""
    revision: str
    """The revision of git that was checked out; "" if there was none."""
    total: Bytes
    sections: Mapping[str, Bytes]


def add(path: str, sizes: Sizes, time: int, revision: str) -> Sequence[Entry]:
    """Add the sizes of an image to the history in a file; return the history.

    time: now, in seconds since 1970.  revision: as in Entry.
    Nothing is added if the sizes are those of the newest entry.  A history that cannot be read is
    begun anew.
    Raises XenToolError if the file cannot be written.
    """
    found = read(path)
    sections = {name: size for (name,), size in sizes.sections.items()}
    if not found or (found[-1].total, found[-1].sections) != (sizes.total, sections):
        found = [*found, Entry(time, revision, sizes.total, sections)][-MOST:]
        rows = [_row(entry) for entry in found]
        write_if_changed(path, json.dumps({"schema": SCHEMA, "entries": rows}, indent=1))
    return found


def read(path: str) -> list[Entry]:
    """Return the history in a file; [] if it is missing or cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        return list(map(_entry, found["entries"])) if found["schema"] == SCHEMA else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _row(entry: Entry) -> dict[str, Any]:
    sections = [
        {"name": name, "file": size[0], "memory": size[1]} for name, size in entry.sections.items()
    ]
    file, memory = entry.total
    fields = {"time": entry.time, "revision": entry.revision, "file": file, "memory": memory}
    return {**fields, "sections": sections}


def _entry(row: Mapping[str, Any]) -> Entry:
    sections = {str(each["name"]): _bytes(each) for each in row["sections"]}
    return Entry(int(row["time"]), str(row["revision"]), _bytes(row), sections)


def _bytes(row: Mapping[str, Any]) -> Bytes:
    return int(row["file"]), int(row["memory"])
