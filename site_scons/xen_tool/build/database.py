# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What each step was made of when it last ran: the file .build.db in the build directory.

A checksum of the rest (8 hexadecimal digits), then fields that end in NUL, as names of
files have none:

    what the file is and its version; the number of the last run; how many rows, texts
    and records follow
    rows      PATH STAMP DIGEST: one content of a file, or of a folder (PATH ends in a slash)
    texts     what many records share: flags of commands, and groups of rows
    records   as class Record has them; they name rows and texts by their numbers

A row whose stamp is that of the file now is current without a look at the file.  A file
has several rows while some steps were made of an older content.  Rows and texts that no
record names are empty, and are used again.

Bytes that are not such a file are as good as none.  Reading and judging from it runs
nothing that it holds.
"""

from __future__ import annotations

import os
import stat
from binascii import crc32
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..errors import XenToolError
from ..files import write_if_changed
from .contents import Contents

FILE = ".build.db"
_FORMAT = "xen_tool build database 1"
_HEADER = 5
_ROW = 3


class Record(NamedTuple):
    """How a step ran; all fields are text, numbers separated by blanks, lines by newlines."""

    path: str
    """Of its first output."""
    signature: str
    inputs: str
    """Rows."""
    outputs: str
    """Rows."""
    group: str
    """A text: the rows of its toolchain."""
    symbols: str
    """Lines NAME=VALUE."""
    names: str
    """Names that would count in the folders among its inputs, separated by slashes."""
    present: str
    """Which of them there were, as discover.present() writes it."""
    flags: str
    """A text: lines."""
    files: str
    """Lines: the words behind the flags."""
    run: str
    """The number of the run."""
    reasons: str
    """Lines: why it ran."""
    dirty: str
    """Why it has to run again although nothing changed; else empty."""


_RECORD = len(Record._fields)


class DamagedError(Exception):
    """A record names what is not there: the file is as good as none."""


class Database:
    """The records of one build directory, and the contents that they name."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.clear()
        self._load()

    def clear(self) -> None:
        """Forget everything."""
        self.run = 0
        self._rows: list[str] = []
        self._stamps: list[str] = []
        self._digests: list[str] = []
        self._texts: list[str] = []
        self._records: dict[str, Record | int] = {}
        self._fields: list[str] = []
        self._row_numbers: dict[tuple[str, str], int] | None = None
        self._free_rows: list[int] = []
        self._text_numbers: dict[str, int] | None = None
        self.changed = False

    def _load(self) -> None:
        fields = _read(self._path)
        try:
            if fields[0] != _FORMAT:
                return
            run, rows, texts, records = map(int, fields[1:_HEADER])
            first_text = _HEADER + _ROW * rows
            first_record = first_text + texts
            end = first_record + _RECORD * records
            if min(run, rows, texts, records) < 0 or len(fields) != end + 1:
                return
        except (IndexError, ValueError):
            return
        self.run = run
        self._rows = fields[_HEADER:first_text:_ROW]
        self._stamps = fields[_HEADER + 1 : first_text : _ROW]
        self._digests = fields[_HEADER + 2 : first_text : _ROW]
        self._texts = fields[first_text:first_record]
        self._fields = fields
        places = range(first_record, end, _RECORD)
        self._records = dict(zip(fields[first_record:end:_RECORD], places, strict=True))

    def known(self) -> dict[str, tuple[str, str]]:
        """Path to stamp and digest of every row whose stamp counts."""
        rows = zip(self._rows, zip(self._stamps, self._digests, strict=True), strict=True)
        return {path: seen for path, seen in rows if seen[0]}

    def paths(self) -> Iterable[str]:
        """The first outputs of all steps that have a record."""
        return self._records.keys()

    def get(self, path: str) -> Record | None:
        """The record of a step, by its first output."""
        found = self._records.get(path)
        if isinstance(found, int):
            found = Record._make(self._fields[found : found + _RECORD])
            self._records[path] = found
        return found

    def rows(self, numbers: str) -> Iterator[tuple[str, str]]:
        """Path and digest of rows.

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
        """A text that many records share.

        Raises DamagedError.
        """
        try:
            return self._texts[int(number)]
        except (ValueError, IndexError) as error:
            raise DamagedError from error

    def stale(self, contents: Contents) -> set[str]:
        """The numbers of the rows that are not what their files hold now."""
        found: set[str] = set()
        look = contents.digest
        for row, path in enumerate(self._rows):
            if path and look(path) != self._digests[row]:
                found.add(str(row))
        return found

    def numbers_of(self, paths: Container[str]) -> set[str]:
        """The numbers of the rows of paths."""
        return {str(row) for row, path in enumerate(self._rows) if path in paths}

    def row_numbers(self, contents: Mapping[str, str]) -> str:
        """Rows of these paths and digests, which are added if need be."""
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
        """The number of a text, which is added if need be."""
        if self._text_numbers is None:
            self._text_numbers = {text: number for number, text in enumerate(self._texts)}
        number = self._text_numbers.get(text)
        if number is None:
            number = self._text_numbers[text] = len(self._texts)
            self._texts.append(text)
        return str(number)

    def put(self, record: Record) -> None:
        """Replaces the record of a step."""
        self._records[record.path] = record
        self.changed = True

    def remove(self, path: str) -> None:
        """Forgets a step."""
        if self._records.pop(path, None) is not None:
            self.changed = True

    def save(self, contents: Contents) -> None:
        """Writes the file, with the stamps that contents has seen.

        Raises XenToolError if it cannot be written.
        """
        records = [record for path in self._records if (record := self.get(path)) is not None]
        used: set[str] = set()
        texts: set[str] = set()
        for record in records:
            used.update(record.inputs.split(), record.outputs.split())
            texts.update((record.group, record.flags))
        for number in {record.group for record in records}:
            used.update(self.text(number).split())
        self._drop_unused(used, texts)
        self._take_stamps(contents)
        rows = zip(self._rows, self._stamps, self._digests, strict=True)
        counts = (self.run, len(self._rows), len(self._texts), len(records))
        fields = [_FORMAT, *map(str, counts)]
        for row in rows:
            fields += row
        fields += self._texts
        for record in records:
            fields += record
        body = ("\0".join(fields) + "\0").encode("utf-8", "surrogateescape")
        _write(self._path, b"%08x" % crc32(body) + body)
        self.changed = False

    def _drop_unused(self, rows: set[str], texts: set[str]) -> None:
        for row in range(len(self._rows)):
            if str(row) not in rows:
                self._rows[row] = self._stamps[row] = self._digests[row] = ""
        for number in range(len(self._texts)):
            if str(number) not in texts:
                self._texts[number] = ""
        self._row_numbers = self._text_numbers = None

    def _take_stamps(self, contents: Contents) -> None:
        for row, path in enumerate(self._rows):
            seen = contents.seen(path)
            if seen is not None:
                counts = seen.digest == self._digests[row] and not seen.is_young
                self._stamps[row] = seen.stamp if counts else ""


def _read(path: str) -> list[str]:
    """The fields of the file; none if it is not such a file, whatever it is."""
    try:
        # Neither a FIFO, which would block, nor what a link leads to elsewhere.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return []
            data = file.read()
        checksum, body = data[:8], data[8:]
        if int(checksum, 16) != crc32(body):
            return []
        return body.decode("utf-8", "surrogateescape").split("\0")
    except (OSError, ValueError):
        return []


def _write(path: str, data: bytes) -> None:
    if os.path.islink(path):
        os.unlink(path)
    if os.path.isdir(path):
        raise XenToolError(f"{path} is a folder: remove it")
    write_if_changed(path, data)


def lines(text: str) -> Sequence[str]:
    """The lines of a field."""
    return text.split("\n") if text else ()
