# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The build database: the file .build.db in a build directory, with a record for each step.

It is a file of text fields (fields.py):

    the format and its version; the number of the last run; the counts of marks, rows,
    texts and records that follow
    marks     digests of requests that are up to date with these records: see mark()
    rows      PATH STAMP DIGEST: one content of a file, or of a folder (PATH ends in a slash)
    texts     text that many records share: flags of commands, groups of rows, lists of files
    records   the fields of record.Record, which refer to rows and texts by number

A row whose stamp equals that of the file is up to date without reading the file.  A file
has several rows while the records of some steps refer to an older content.  Rows and texts
that no record refers to are empty, and such rows are reused.
"""

from __future__ import annotations

import os

from . import fields, lock
from .contents import stamp
from .shared_fields import ContentRows, DamagedError, SharedTexts, numbers_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from .contents import Contents
    from .record import Record

FILE = ".build.db"
_FORMAT = "xen_tool build database 3"
_HEADER = 6
_RECORD = 14
"""The number of fields of a Record, whose module an up-to-date build does not import."""


class Database:
    """The records of one build directory, and the file contents that they refer to."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.clear()
        self._load()

    def clear(self) -> None:
        """Remove all records."""
        self.run = 0
        self._rows = ContentRows([])
        self._texts = SharedTexts([])
        self._read = ("", "")
        self._by_path: dict[str, Record | int] | None = None
        self._places = range(0)
        self._fields: list[str] = []
        self._marks: list[str] = []
        self._dirty: set[str] = set()
        self.changed = False

    def _load(self) -> None:
        self._read = self._state()
        read = fields.read(self._path)
        try:
            if read[0] != _FORMAT:
                return
            run, marks, rows, texts, records = map(int, read[1:_HEADER])
        except (IndexError, ValueError):
            return
        first_row = _HEADER + marks
        first_text = first_row + ContentRows.FIELDS * rows
        first_record = first_text + texts
        end = first_record + _RECORD * records
        if min(run, marks, rows, texts, records) < 0 or len(read) != end:
            return
        self.run = run
        self._marks = read[_HEADER:first_row]
        self._rows = ContentRows(read[first_row:first_text])
        self._texts = SharedTexts(read[first_text:first_record])
        self._fields = read
        self._places = range(first_record, end, _RECORD)

    def is_as_read(self) -> bool:
        """Whether no process has built in the build directory since the file was read."""
        return lock.has_finished(self._read[1]) and self._read == self._state()

    def _state(self) -> tuple[str, str]:
        try:
            now = stamp(os.stat(self._path))
        except OSError:
            now = ""
        return now, lock.last(os.path.dirname(self._path))

    def has(self, mark: str) -> bool:
        """Whether the file has the mark of a request that is up to date, and no change is unsaved.

        users() and shared_rows() then describe the present records.
        """
        return mark in self._marks and not self.changed

    def mark(self, mark: str) -> None:
        """Record that a request is up to date; valid until a record changes.

        Ignored if a step recorded since has to run again although no file changed.
        """
        if not (mark in self._marks or self._dirty):
            self._marks.append(mark)
            self.changed = True

    @property
    def _records(self) -> dict[str, Record | int]:
        """The records by path; a number is the index of the first field of an unread record."""
        if self._by_path is None:
            names = (self._fields[place] for place in self._places)
            self._by_path = dict(zip(names, self._places, strict=True))
        return self._by_path

    def known(self) -> dict[str, tuple[str, str]]:
        """Return the stamp and digest of each path whose row has a trusted stamp."""
        return self._rows.known()

    def paths(self) -> Iterable[str]:
        """Return the first outputs of all steps that have a record."""
        return self._records.keys()

    def get(self, path: str) -> Record | None:
        """Return the record of a step, by its first output."""
        found = self._records.get(path)
        if isinstance(found, int):
            from .record import Record

            found = Record._make(self._fields[found : found + _RECORD])
            self._records[path] = found
        return found

    def inputs(self) -> tuple[list[str], set[str]]:
        """Return all files and folders that steps read, and all names that they searched for.

        Raises DamagedError.
        """
        rows: set[str] = set()
        names: set[str] = set()
        for path in self.paths():
            record = self.get(path)
            if record is not None:
                rows.update(record.inputs.split())
                names.update(filter(None, record.names.split("/")))
        return [path for path, _ in self.rows(" ".join(rows))], names

    def rows(self, numbers: str) -> Iterator[tuple[str, str]]:
        """Return an iterator of the path and digest of each row; numbers: with blanks between.

        Raises DamagedError.
        """
        return self._rows.at(numbers)

    def text(self, number: str) -> str:
        """Return a text by its number.

        Raises DamagedError.
        """
        return self._texts.at(number)

    def stale(self, contents: Contents) -> set[str]:
        """Return the numbers of the rows whose files have another content now."""
        return self._rows.stale(contents)

    def users(self) -> Mapping[str, Sequence[str]]:
        """Return, by number of a row, the first outputs of the steps that refer to it.

        The records are those of the file as it was read: see has().
        """
        found: dict[str, list[str]] = {}
        columns = (self._column(name) for name in ("path", "inputs", "outputs"))
        for path, inputs, outputs in zip(*columns, strict=True):
            for number in f"{inputs} {outputs}".split():
                if number in found:
                    found[number].append(path)
                else:
                    found[number] = [path]
        return found

    def shared_rows(self) -> set[str]:
        """Return the numbers of the rows of all groups of files, as the file was read."""
        groups = set(self._column("group"))
        return {row for number in groups for row in self.text(number).split()}

    def _column(self, name: str) -> list[str]:
        from .record import Record

        places = self._places
        return self._fields[places.start + Record._fields.index(name) : places.stop : _RECORD]

    def numbers_of(self, paths: Container[str]) -> set[str]:
        """Return the numbers of the rows of paths."""
        return self._rows.numbers_of(paths)

    def row_numbers(self, contents: Mapping[str, str]) -> str:
        """Return the numbers of the rows of paths and digests; add missing ones."""
        return self._rows.numbers(contents)

    def text_number(self, text: str) -> str:
        """Return the number of a text; add it if it is missing."""
        return self._texts.number(text)

    def put(self, record: Record) -> None:
        """Add or replace the record of a step."""
        self._records[record.path] = record
        self._marks.clear()
        self.changed = True
        if record.dirty:
            self._dirty.add(record.path)
        else:
            self._dirty.discard(record.path)

    def remove(self, path: str) -> None:
        """Remove the record of a step."""
        self._dirty.discard(path)
        if self._records.pop(path, None) is not None:
            self._marks.clear()
            self.changed = True

    def save(self, contents: Contents) -> None:
        """Write the file, with the stamps that contents has seen.

        Raises XenToolError if it cannot be written.
        """
        records: list[Sequence[str]] = [
            self._fields[known : known + _RECORD] if isinstance(known, int) else known
            for known in self._records.values()
        ]
        try:
            used_rows, used_texts = self._used(records)
        except DamagedError:
            records = list(filter(self._is_whole, records))
            used_rows, used_texts = self._used(records)
        rows = self._rows.packed(used_rows, contents)
        texts = self._texts.packed(used_texts)
        counts = (len(self._marks), len(self._rows), len(self._texts), len(records))
        written = [_FORMAT, *map(str, (self.run, *counts)), *self._marks, *rows, *texts]
        for record in records:
            written += record
        fields.write(self._path, written)
        self.changed = False

    def _used(self, records: Sequence[Sequence[str]]) -> tuple[set[int], set[int]]:
        """Return the numbers of the rows and texts that records refer to.

        Raises DamagedError if one does not exist.
        """
        from .record import Record

        if not records:
            return set(), set()
        column = dict(zip(Record._fields, zip(*records, strict=True), strict=True))
        groups = set(column["group"])
        rows = [*column["inputs"], *column["outputs"], *map(self.text, groups)]
        texts = {*groups, *column["flags"], *column["provided"]}
        return (
            numbers_in(" ".join(rows), len(self._rows)),
            numbers_in(" ".join(texts), len(self._texts)),
        )

    def _is_whole(self, record: Sequence[str]) -> bool:
        try:
            self._used([record])
        except DamagedError:
            return False
        return True
