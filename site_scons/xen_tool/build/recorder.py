# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Record how a step ran: what it read, and the contents at that time.

If an input changed during the step, or if it is not known what the step read, the record
says that the step has to run again.  Used by the executor.
"""

from __future__ import annotations

import os
import stat

from . import discover
from .contents import changed_since, clock
from .record import FAILED, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .database import Database
    from .differences import Reason
    from .judge import Judge
    from .plan import Plan
    from .reports import Read
    from .step import Step


class Started:
    """A step that has been started, and what was known of it then."""

    def __init__(self, step: Step, record: Record | None, known: Sequence[str], look: int) -> None:
        self.step = step
        self.record = record
        """The record of its last successful run."""
        self.known = known
        """Its inputs, and the files that it read in its last run."""
        self.look = look
        """The number of the last look at a file before the start."""
        self.moment = clock()
        """The time of the start."""
        self.reasons: Sequence[Reason] = ()
        """Why it runs."""


class Recorder:
    """Writes the records of steps into the database."""

    def __init__(self, plan: Plan, database: Database, judge: Judge, texts: discover.Texts) -> None:
        self._plan = plan
        self._database = database
        self._judge = judge
        self._texts = texts
        self._groups: dict[str, tuple[Mapping[str, str], str]] = {}

    def record(self, started: Started, outputs: Iterable[str], read: Read | None) -> str:
        """Record a step that succeeded; return why it has to run again, or "".

        read is what its commands reported; None for a function.
        """
        step, contents, database = started.step, self._judge.contents, self._database
        inputs, dirty = self._inputs(started, read)
        symbols = {name: self._plan.symbols.get(name, "") for name in step.symbols or ()}
        found = discover.Lookups(frozenset(), ())
        if read is not None:
            search = [*map(os.path.dirname, step.inputs), *read.search]
            found = discover.lookups(read.files, search, read.searched_names, contents)
            inputs |= {folder: contents.digest(folder) for folder in found.folders}
            if step.symbols is None:
                symbols = read.symbols
            if read.unknown:
                dirty.append(read.unknown)
        reasons = [*(reason.line for reason in started.reasons), *_news(started, inputs)]
        record = Record(
            path=step.path,
            signature=self._judge.signature(step),
            inputs=database.row_numbers(inputs),
            outputs=database.row_numbers({name: contents.digest(name) for name in outputs}),
            group=self._group(step.group),
            symbols="\n".join(f"{name}={value}" for name, value in symbols.items()),
            names="/".join(sorted(found.names)),
            present=discover.present(found, contents, self._is_newer(started.moment, inputs)),
            flags=database.text_number(self._judge.flags(step)),
            files="\n".join(step.argv()[len(step.flags) :]),
            provided=database.text_number("\n".join(read.provided) if read else ""),
            run=str(database.run),
            reasons="\n".join(dict.fromkeys(reasons)),
            dirty=dirty[0] if dirty else "",
        )
        database.put(record)
        return record.dirty

    def record_failure(self, started: Started) -> None:
        """Mark the last record of a step as failed; it remains that of the last success."""
        if started.record is None:
            self._database.remove(started.step.path)
        else:
            self._database.put(started.record._replace(dirty=FAILED))

    def _inputs(self, started: Started, read: Read | None) -> tuple[dict[str, str], list[str]]:
        """Return the digests of the files that a step read, and why those of others are unknown."""
        contents = self._judge.contents
        found: dict[str, str] = {}
        dirty: list[str] = []
        names = [*read.files, *read.named] if read else []
        for name in dict.fromkeys([*started.step.inputs, *names]):
            # A function may make a hard link to its input, which sets the ctime.
            content = (
                contents.read_since(name, started.moment, started.look)
                if read
                else contents.digest(name)
            )
            if content is not None:
                found[name] = content
                continue
            if os.path.lexists(name):
                dirty.append(f"{name} changed while it was read")
            else:
                dirty.append(f"{name!r} was reported as read, but does not exist")
            self._judge.look_again([name])
            self._texts.forget([name])
        return found, dirty

    def _group(self, name: str) -> str:
        """Return the number of the text that has the rows of a group of files."""
        group = self._judge.group(name)
        known = self._groups.get(name)
        if known is None or known[0] is not group:
            number = self._database.text_number(self._database.row_numbers(group))
            known = self._groups[name] = (group, number)
        return known[1]

    def _is_newer(self, moment: int, inputs: Mapping[str, str]) -> Callable[[str, str], bool]:
        """Return a predicate: whether a file may be newer than the step that searched for it."""
        listed_before = self._judge.contents.listed_before

        def is_newer(folder: str, path: str) -> bool:
            if path in inputs or _is_input(path, inputs) or listed_before(folder, moment):
                return False
            try:
                status = os.lstat(path)
            except OSError:
                return True
            # A folder changes with the files made in it; new files are reported on their own.
            return not stat.S_ISDIR(status.st_mode) and changed_since(status, moment)

        return is_newer


def _is_input(path: str, inputs: Mapping[str, str]) -> bool:
    """Whether a path is another name of a file that was read: ./gen/a.h of gen/a.h."""
    name = os.path.normpath(path)
    try:
        return name in inputs and os.path.samefile(name, path)
    except OSError:
        return False


def _news(started: Started, now: Iterable[str]) -> list[str]:
    """Return a reason for each file that a step did not read in its last run, if it has run."""
    if started.record is None:
        return []
    before = frozenset(started.known)
    return [f"{name} is read now" for name in now if name not in before and name[-1:] != "/"]
