# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Why a file was built when it last was, or is to be built: the causes first, each once.

A story covers the file and all that was, or is to be, built for it.  What was built only
because something else had been comes after the causes.  As JSON:

    {"target": PATH,
     "due": STORY,     what the next build makes of it; null: it is up to date
     "built": STORY,   what the last build of it made; null: nothing is recorded
     "last_run": BOOL  whether that was in the last run
     "symbols": {"NAME=VALUE" or "NAME": [LINE, ...], ...}}     what else was asked

    STORY: {"causes": [{"reason": TEXT, "files": {PATH: [MENTIONS, ...], ...}}, ...],
            "results": [PATH, ...]}

"files" are those built for a reason; of a symbol, each with the files that mention it.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from .database import Database
from .explain import Reason, some
from .record import Record, lines

_FORCED = Reason("a SConscript asks more of it (Depends, AlwaysBuild, an action)")
_MOST_CAUSES = 12
"""As many are shown to people."""


class Cause(NamedTuple):
    """A reason, and what was built for it."""

    reason: str
    files: dict[str, Sequence[str]]


class Story(NamedTuple):
    """The causes, those of most files first; and what was built of these files."""

    causes: Sequence[Cause]
    results: Sequence[str]

    def as_json(self) -> dict[str, object]:
        """What stands in JSON for it."""
        causes = [cause._asdict() for cause in self.causes]
        return {"causes": causes, "results": self.results}


def story(told: Mapping[str, Iterable[Reason]], made: Iterable[str]) -> Story:
    """The story of files with the reasons of each; made are all the outputs of their steps."""
    consequences = {f"{name} {what}" for name in made for what in ("changed", "is read now")}
    causes: dict[str, Cause] = {}
    results = []
    for path, reasons in told.items():
        own = [reason for reason in reasons if reason.text not in consequences]
        for text, files in own:
            causes.setdefault(text, Cause(text, {})).files[path] = files
        if not own:
            results.append(path)
    return Story(sorted(causes.values(), key=lambda cause: -len(cause.files)), results)


def recorded(database: Database) -> dict[str, Record]:
    """The records of all steps by each of their outputs."""
    records = filter(None, map(database.get, list(database.paths())))
    return {path: each for each in records for path, _ in database.rows(each.outputs)}


def of_last_build(database: Database, records: Mapping[str, Record], target: str) -> Story:
    """The story of a recorded file, when it was last built."""
    run = records[target].run
    told: dict[str, Sequence[Reason]] = {}
    made: list[str] = []
    seen: set[str] = set()
    # A file is on the stack twice: to look at its inputs, and behind them to be told.
    stack = [(target, False)]
    while stack:
        name, inputs_done = stack.pop()
        record = records[name]
        if inputs_done:
            told[record.path] = [*map(Reason.parse, lines(record.reasons))] or [_FORCED]
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
    return story(told, made)


def as_text(target: str, told: Story) -> Iterator[str]:
    """The lines below `TARGET was built, because`."""
    shown = told.causes[:_MOST_CAUSES]
    for files, causes in itertools.groupby(shown, key=lambda cause: list(cause.files)):
        for reason, built in causes:
            names = Counter(_short(name) for names in built.values() for name in names)
            yield f"  - {Reason(reason, tuple(name for name, _ in names.most_common()))}"
        if files != [target]:
            yield from _listed(some(files))
    if more := len(told.causes) - len(shown):
        yield f"  - and {more} more reasons"
    if told.results and told.causes:
        yield "  which went into"
        *others, last = told.results
        yield from _listed([*some(others), last])


def _listed(names: Sequence[str]) -> Iterator[str]:
    return (f"      -> {name}" for name in names)


def _short(name: str) -> str:
    """A name without its detours, if that is the same file."""
    short = os.path.normpath(name)
    try:
        return short if os.path.samefile(short, name) else name
    except OSError:
        return name
