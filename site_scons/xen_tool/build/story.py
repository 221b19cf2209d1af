# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Why a file was built when it last was, and what was built for it in the same run."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import XenToolError
from .database import Database
from .record import Record, lines


def why(database: Database, name: str) -> list[str]:
    """The story of a file, by its path or the end of it.

    Raises XenToolError if it is no target, or nothing is recorded of it.
    """
    record = _find(database, name)
    told = list(_told(database, record, 0, set()))
    if record.run != str(database.run):
        told.insert(
            0, f"{record.path} was up to date in the last run; this is why it was built before"
        )
    return told


def _find(database: Database, name: str) -> Record:
    outputs = {
        output: record
        for path in database.paths()
        if (record := database.get(path)) is not None
        for output, _ in database.rows(record.outputs)
    }
    if name in outputs:
        return outputs[name]
    found = [path for path in outputs if path.endswith(f"/{name}")]
    if len(found) == 1:
        return outputs[found[0]]
    if found:
        raise XenToolError(f"TARGET={name}: which of {', '.join(sorted(found))}?")
    known = ", ".join(sorted(outputs)) or "none: build something first"
    raise XenToolError(f"TARGET={name}: nothing is recorded of it; what is: {known}")


def _told(database: Database, record: Record, depth: int, seen: set[str]) -> Iterator[str]:
    indent = "  " * depth
    yield f"{indent}{record.path} was built, because"
    for reason in lines(record.reasons):
        yield f"{indent}  - {reason}"
    for path, _ in database.rows(record.inputs):
        made = database.get(path)
        if made is not None and made.run == record.run and path not in seen:
            seen.add(path)
            yield from _told(database, made, depth + 1, seen)
