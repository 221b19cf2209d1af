# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The build database: the file .build.db in a build directory, with a record for each step.

It is a file of text fields (fields.py):

    the format and its version; the number of the last run; the numbers of marks, rows,
    texts and records that follow
    marks     digests of requests that are up to date with these records: see mark()
    rows      PATH STAMP DIGEST: one content of a file, or of a folder (PATH ends in a slash)
    texts     text that many records share: flags of commands, groups of rows, lists of files
    records   the fields of record.Record, which refer to rows and texts by number

A row whose stamp equals that of the file is up to date without reading the file.  A file
has several rows while the records of some steps refer to an older content.  Rows and texts
that no record refers to are empty, and are reused.
"""

from __future__ import annotations

import os

from . import fields, lock
from .contents import stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from .contents import Contents
    from .record import Record

FILE = ".build.db"
_FORMAT = "xen_tool build database 3"
_HEADER = 6
_ROW = 3
_RECORD = 14
"""The number of fields of a Record, whose module an up-to-date build does not import."""


class DamagedError(Exception):
    """A record refers to a row or text that does not exist: the database cannot be used."""


class Database:
    """The records of one build directory, and the file contents that they refer to."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.clear()
        self._load()

    def clear(self) -> None:
        """Remove all records."""
        self.run = 0
        self._rows: list[str] = []
        self._stamps: list[str] = []
        self._digests: list[str] = []
        self._texts: list[str] = []
        self._read = ("", "")
        self._known: dict[str, Record | int] | None = None
        self._places = range(0)
        self._fields: list[str] = []
        self._marks: list[str] = []
        self._dirty: set[str] = set()
        self._row_numbers: dict[tuple[str, str], int] | None = None
        self._free_rows: list[int] = []
        self._text_numbers: dict[str, int] | None = None
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
        first_text = first_row + _ROW * rows
        first_record = first_text + texts
        end = first_record + _RECORD * records
        if min(run, marks, rows, texts, records) < 0 or len(read) != end:
            return
        self.run = run
        self._marks = read[_HEADER:first_row]
        self._rows = read[first_row:first_text:_ROW]
        self._stamps = read[first_row + 1 : first_text : _ROW]
        self._digests = read[first_row + 2 : first_text : _ROW]
        self._texts = read[first_text:first_record]
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
        """Whether the request of a mark was up to date when the file was written.

        users() and shared_rows() describe the records as they were then.
        """
        return mark in self._marks and not self.changed

    def mark(self, mark: str) -> None:
        """Record that a request is up to date; valid until a record changes.

        Ignored while a recorded step has to run again although no file changed.
        """
        if not (mark in self._marks or self._dirty):
            self._marks.append(mark)
            self.changed = True

    @property
    def _records(self) -> dict[str, Record | int]:
        """The records by path; a number is the index of the first field of an unread record."""
        if self._known is None:
            names = (self._fields[place] for place in self._places)
            self._known = dict(zip(names, self._places, strict=True))
        return self._known

    def known(self) -> dict[str, tuple[str, str]]:
        """Return the stamp and digest of each path, of rows with a trusted stamp."""
        rows = zip(self._rows, self._stamps, self._digests, strict=True)
        return {path: (was, content) for path, was, content in rows if was}

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
        """Return all files and folders that steps read, and the names they looked for.

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
        """Yield path and digest of rows.

        Raises DamagedError.
        """
        for number in numbers.split():
            try:
                row = int(number)
                if row < 0:
                    raise DamagedError
                yield self._rows[row], self._digests[row]
            except (ValueError, IndexError) as error:
                raise DamagedError from error

    def text(self, number: str) -> str:
        """Return a text by its number.

        Raises DamagedError.
        """
        try:
            if number.startswith("-"):
                raise DamagedError
            return self._texts[int(number)]
        except (ValueError, IndexError) as error:
            raise DamagedError from error

    def stale(self, contents: Contents) -> set[str]:
        """Return the numbers of the rows whose files have another content now."""
        return set(map(str, contents.stale(self._rows, self._stamps, self._digests)))

    def users(self) -> Mapping[str, Sequence[str]]:
        """Return, by number of a row, the first outputs of the steps that refer to it.

        As the file was read: a database with a valid mark has not changed since.
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
        return {str(row) for row, path in enumerate(self._rows) if path in paths}

    def row_numbers(self, contents: Mapping[str, str]) -> str:
        """Return the numbers of the rows of paths and digests; add missing ones."""
        if self._row_numbers is None:
            pairs = zip(self._rows, self._digests, strict=True)
            self._row_numbers = {pair: row for row, pair in enumerate(pairs) if pair[0]}
            self._free_rows = [row for row, path in enumerate(self._rows) if not path]
        found = []
        for pair in contents.items():
            row = self._row_numbers.get(pair)
            if row is None:
                row = self._row_numbers[pair] = self._add_row(*pair)
            found.append(str(row))
        return " ".join(found)

    def _add_row(self, path: str, digest: str) -> int:
        if self._free_rows:
            row = self._free_rows.pop()
            self._rows[row], self._stamps[row], self._digests[row] = path, "", digest
            return row
        self._rows.append(path)
        self._stamps.append("")
        self._digests.append(digest)
        return len(self._rows) - 1

    def text_number(self, text: str) -> str:
        """Return the number of a text; add it if it is missing."""
        if self._text_numbers is None:
            self._text_numbers = {text: number for number, text in enumerate(self._texts)}
        number = self._text_numbers.get(text)
        if number is None:
            number = self._text_numbers[text] = len(self._texts)
            self._texts.append(text)
        return str(number)

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
            used = self._used(records)
        except DamagedError:
            records = list(filter(self._is_whole, records))
            used = self._used(records)
        self._drop_unused(*used)
        self._take_stamps(contents)
        rows = [""] * (_ROW * len(self._rows))
        rows[0::_ROW], rows[1::_ROW], rows[2::_ROW] = self._rows, self._stamps, self._digests
        counts = (self.run, len(self._marks), len(self._rows), len(self._texts), len(records))
        written = [_FORMAT, *map(str, counts), *self._marks, *rows, *self._texts]
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
            _numbers(" ".join(rows), len(self._rows)),
            _numbers(" ".join(texts), len(self._texts)),
        )

    def _is_whole(self, record: Sequence[str]) -> bool:
        try:
            self._used([record])
        except DamagedError:
            return False
        return True

    def _drop_unused(self, rows: set[int], texts: set[int]) -> None:
        for row in set(range(len(self._rows))) - rows:
            self._rows[row] = self._stamps[row] = self._digests[row] = ""
        for number in set(range(len(self._texts))) - texts:
            self._texts[number] = ""
        self._row_numbers = self._text_numbers = None

    def _take_stamps(self, contents: Contents) -> None:
        for row, path in enumerate(self._rows):
            seen = contents.seen(path)
            if seen is not None:
                counts = seen[1] == self._digests[row] and not seen[2]
                self._stamps[row] = seen[0] if counts else ""


def _numbers(text: str, end: int) -> set[int]:
    """Return the numbers in a text.

    Raises DamagedError for what is not a number from 0 to end - 1.
    """
    try:
        numbers = set(map(int, text.split()))
    except ValueError as error:
        raise DamagedError from error
    if numbers and not 0 <= min(numbers) <= max(numbers) < end:
        raise DamagedError
    return numbers
