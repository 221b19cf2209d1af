# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Decide which steps are dirty.

A step is up to date if its record has the same signature (command line, inputs, outputs),
values of symbols, and contents of toolchain, inputs and outputs, and if no new file exists
where it searched for a name.  Times of files are not compared.  Used by session and runner.
"""

from __future__ import annotations

import os

from ..toolchain.words import PREFIX_MAPS
from . import differences
from .contents import Contents, digest
from .database import Database
from .discover import Lookups, Texts, present
from .plan import Plan
from .record import Record, lines
from .step import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


class Judge:
    """Decides which steps of a plan are dirty; looks at each file once until look_again()."""

    def __init__(self, plan: Plan, database: Database, contents: Contents) -> None:
        self._plan = plan
        self._database = database
        self.contents = contents
        self._stale: set[str] | None = None
        self._groups: dict[str, Mapping[str, str]] = {}
        self._holds: dict[tuple[str, str], bool] = {}
        self._flags: dict[int, tuple[Sequence[str], str]] = {}

    def look_again(self, paths: Iterable[str]) -> None:
        """Look again at files that may have been written."""
        paths = list(paths)
        self.contents.forget(paths)
        self._stale = None
        if any(not group.keys().isdisjoint(paths) for group in self._groups.values()):
            self._groups.clear()
            self._holds.clear()

    def stale(self) -> set[str]:
        """Return the numbers of the database rows whose files have another content now."""
        if self._stale is None:
            self._stale = self._database.stale(self.contents)
        return self._stale

    def is_dirty(self, step: Step, *, look: bool = False) -> bool:
        """Whether a step has to run.

        look: other steps have run since the last call, so look at its files again.
        """
        record = self._database.get(step.path)
        return (
            record is None
            or record.dirty != ""
            or record.signature != self.signature(step)
            or not self._holds_group(record.group, step.group)
            or not self._holds_symbols(record)
            or not (self._contents_hold_now(record) if look else self._contents_hold(record))
        )

    def _holds_symbols(self, record: Record) -> bool:
        values = self._plan.symbols
        pairs = (line.partition("=") for line in lines(record.symbols))
        return all(values.get(name, "") == value for name, _, value in pairs)

    def _contents_hold(self, record: Record) -> bool:
        """Whether no input or output is among the files that were changed before this build."""
        numbers = self.stale()
        if numbers:
            numbers = numbers.intersection(record.inputs.split() + record.outputs.split())
        stale = [path for path, _ in self._database.rows(" ".join(numbers))]
        return not stale or self._are_only_folders(stale, record)

    def _contents_hold_now(self, record: Record) -> bool:
        """Whether the inputs and outputs have the recorded contents, by a look at each."""
        digest = self.contents.digest
        rows = self._database.rows(f"{record.inputs} {record.outputs}")
        stale = [path for path, content in rows if digest(path) != content]
        return not stale or self._are_only_folders(stale, record)

    def _are_only_folders(self, stale: Sequence[str], record: Record) -> bool:
        """Whether all changed paths are folders, in which no name that was searched for is new."""
        return all(path.endswith("/") for path in stale) and self.holds_names(record)

    def holds_names(self, record: Record) -> bool:
        """Whether the same names exist as before in the folders that a step searched."""
        return present(self.lookups(record), self.contents) == record.present

    def lookups(self, record: Record) -> Lookups:
        """Return the names that a step searched for, and the folders."""
        names = record.names.split("/") if record.names else ()
        paths = (path for path, _ in self._database.rows(record.inputs))
        return Lookups(frozenset(names), tuple(sorted(p for p in paths if p.endswith("/"))))

    def _holds_group(self, number: str, name: str) -> bool:
        key = (number, name)
        if key not in self._holds:
            before = dict(self._database.rows(self._database.text(number)))
            # The same programs in another folder are the same toolchain.
            self._holds[key] = not differences.changed(before, self.group(name))
        return self._holds[key]

    def group(self, name: str) -> Mapping[str, str]:
        """Return the digests of a group of files, by path; none for the name ""."""
        if name not in self._groups:
            files = self._plan.groups[name].files if name else ()
            self._groups[name] = {path: self.contents.digest(path) for path in files}
        return self._groups[name]

    def signature(self, step: Step) -> str:
        """Return a digest of a step's name, action, flags, files, inputs and outputs."""
        words = (step.name, step.action, *step.outputs, "", *step.inputs, "", *step.files)
        return digest("\0".join((self.flags(step), *words)).encode("utf-8", "surrogateescape"))

    def flags(self, step: Step) -> str:
        """Return the flags of a step as lines, after the environment variables of its launcher.

        In options that map prefixes of paths, such as -ffile-prefix-map, the top folder is ".".
        """
        known = self._flags.get(id(step.flags))
        if known is None:
            # Keep the flags as well: a freed object's id is used again.
            settings = self._plan.launcher_settings(step)
            known = (step.flags, "\n".join([*settings, *map(_without_place, step.flags)]))
            self._flags[id(step.flags)] = known
        return known[1]

    def inputs(self, step: Step) -> Iterator[str]:
        """Yield all files that a step is known to read."""
        yield from step.inputs
        record = self._database.get(step.path)
        if record is not None:
            yield from (path for path, _ in self._database.rows(record.inputs))

    def reasons(self, step: Step, texts: Texts) -> list[differences.Reason]:
        """Return why a step is dirty, causes before their effects."""
        record = self._database.get(step.path)
        if record is None:
            return [differences.Reason("no earlier build of it is recorded")]
        is_same_group = self._holds_group(record.group, step.group)
        before = self._before(record, is_same_group)
        now = self._now(step, record, before, is_same_group)

        def mentioning(symbol: str) -> list[str]:
            files = (path for path in now.inputs if path not in self._plan.steps)
            return [path for path in files if texts.of(path).mentions(symbol)]

        return list(differences.reasons(before, now, mentioning))

    def _before(self, record: Record, is_same_group: bool) -> differences.Made:
        rows = self._database.rows
        return differences.Made(
            path=record.path,
            command=(*lines(self._database.text(record.flags)), *lines(record.files)),
            toolchain={} if is_same_group else dict(rows(self._database.text(record.group))),
            symbols=_pairs(record),
            inputs={path: content for path, content in rows(record.inputs) if path[-1:] != "/"},
            outputs=dict(rows(record.outputs)),
            holds_names=True,
            dirty=record.dirty,
        )

    def _now(
        self, step: Step, record: Record, before: differences.Made, is_same_group: bool
    ) -> differences.Made:
        look = self.contents.digest
        words = step.argv()[len(step.flags) :]
        return differences.Made(
            path=record.path,
            command=(*lines(self.flags(step)), *words),
            toolchain={} if is_same_group else self.group(step.group),
            symbols={name: self._plan.symbols.get(name, "") for name in before.symbols},
            inputs={path: look(path) for path in dict.fromkeys([*before.inputs, *step.inputs])},
            outputs={path: look(path) for path in before.outputs},
            holds_names=self.holds_names(record),
            dirty="",
        )


def _pairs(record: Record) -> dict[str, str]:
    pairs = (line.partition("=") for line in lines(record.symbols))
    return {name: value for name, _, value in pairs}


def _without_place(word: str) -> str:
    if word.startswith(PREFIX_MAPS):
        return word.replace(f"={os.getcwd()}", "=.", 1)
    return word
