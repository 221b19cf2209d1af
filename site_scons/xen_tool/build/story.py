# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Explain why a file was built, or will be built: its causes first, each once.

A story covers the file and all files that it was made from.  Files that were built only
because another file had been built come after the causes.  Used by `scons why TARGET=FILE`.
As JSON:

    {"schema": 1,
     "target": PATH,   this and the next three only with TARGET=FILE
     "due": STORY,     why the next build makes it; null: it is up to date
     "built": STORY,   why its last successful build made it; null: none is recorded
     "last_run": BOOL  whether that was in the last run
     "symbols": {"NAME=VALUE" or "NAME": [LINE, ...], ...}}     answers about symbols

    STORY: {"causes": [{"reason": TEXT, "files": {PATH: [MENTIONS, ...], ...}}, ...],
            "results": [PATH, ...]}

"files" are the files built for a reason; if a symbol is the reason, each is listed with the
files that mention the symbol.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from .database import Database
from .differences import Reason, some
from .record import Record, lines

SCHEMA = 1
_FORCED = Reason("a SConscript declares more for it (Depends, AlwaysBuild, an action)")
_MOST_CAUSES = 12
"""Most causes in the text for people."""


class Cause(NamedTuple):
    """A reason, and the files that were built for it, each with those that mention the symbol."""

    reason: str
    files: dict[str, Sequence[str]]


class Story(NamedTuple):
    """The causes, those with most files first; and the files that were built from these."""

    causes: Sequence[Cause]
    results: Sequence[str]

    def as_json(self) -> dict[str, object]:
        """Return the story as JSON."""
        causes = [cause._asdict() for cause in self.causes]
        return {"causes": causes, "results": self.results}


def story(by_file: Mapping[str, Iterable[Reason]], made: Iterable[str]) -> Story:
    """Return the story of files and the reasons for each; made: all outputs of their steps."""
    consequences = {f"{name} {what}" for name in made for what in ("changed", "is read now")}
    causes: dict[str, Cause] = {}
    results = []
    for path, reasons in by_file.items():
        causes_of_file = [reason for reason in reasons if reason.text not in consequences]
        for text, files in causes_of_file:
            causes.setdefault(text, Cause(text, {})).files[path] = files
        if not causes_of_file:
            results.append(path)
    return Story(sorted(causes.values(), key=lambda cause: -len(cause.files)), results)


def recorded(database: Database) -> dict[str, Record]:
    """Return the records of all steps, each by every output of its step."""
    records = filter(None, map(database.get, list(database.paths())))
    return {path: each for each in records for path, _ in database.rows(each.outputs)}


def of_last_build(database: Database, records: Mapping[str, Record], target: str) -> Story:
    """Return the story of the last build of a file; records: see recorded()."""
    run = records[target].run
    by_file: dict[str, Sequence[Reason]] = {}
    made: list[str] = []
    seen: set[str] = set()
    # A file is on the stack twice: before its inputs, and after them.
    stack = [(target, False)]
    while stack:
        name, inputs_done = stack.pop()
        record = records[name]
        if inputs_done:
            by_file[record.path] = [*map(Reason.parse, lines(record.reasons))] or [_FORCED]
            made += (path for path, _ in database.rows(record.outputs))
        elif record.path not in seen:
            seen.add(record.path)
            stack.append((name, True))
            names = [path for path, _ in database.rows(record.inputs)]
            stack += [
                (path, False)
                for path in reversed(names)
                if path in records and records[path].run == run
            ]
    return story(by_file, made)


def as_text(target: str, explained: Story) -> Iterator[str]:
    """Yield the lines of a story for people, below a line `TARGET was built, because`."""
    shown = explained.causes[:_MOST_CAUSES]
    for files, causes in itertools.groupby(shown, key=lambda cause: list(cause.files)):
        for reason, built in causes:
            names = Counter(_short(name) for names in built.values() for name in names)
            yield f"  - {Reason(reason, tuple(name for name, _ in names.most_common()))}"
        if files != [target]:
            yield from _listed(some(files))
    if more := len(explained.causes) - len(shown):
        yield f"  - and {more} more reasons"
    if explained.results and explained.causes:
        yield "  which went into"
        *others, last = explained.results
        yield from _listed([*some(others), last])


def _listed(names: Sequence[str]) -> Iterator[str]:
    return (f"      -> {name}" for name in names)


def _short(name: str) -> str:
    """Normalize a path, if the result is the same file."""
    short = os.path.normpath(name)
    try:
        return short if os.path.samefile(short, name) else name
    except OSError:
        return name
