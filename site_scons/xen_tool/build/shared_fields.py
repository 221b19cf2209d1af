# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rows and texts of the build database, to which its records refer by number.

Used by database.py, which describes them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from .contents import Contents


class DamagedError(Exception):
    """A record refers to a row or text that does not exist: the database cannot be used."""


class ContentRows:
    """Contents of files and folders: columns of paths, stamps and digests."""

    FIELDS = 3
    """The number of fields of a row in the file."""

    def __init__(self, fields: list[str]) -> None:
        self._paths, self._stamps, self._digests = (fields[n :: self.FIELDS] for n in range(3))
        self._numbers: dict[tuple[str, str], int] | None = None
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._paths)

    def known(self) -> dict[str, tuple[str, str]]:
        """Return the stamp and digest of each path whose row has a trusted stamp."""
        rows = zip(self._paths, self._stamps, self._digests, strict=True)
        return {path: (stamp, digest) for path, stamp, digest in rows if stamp}

    def at(self, numbers: str) -> Iterator[tuple[str, str]]:
        """Yield the path and digest of each row; numbers: those of rows, separated by blanks.

        Raises DamagedError.
        """
        for number in numbers.split():
            row = _number(number)
            try:
                yield self._paths[row], self._digests[row]
            except IndexError as error:
                raise DamagedError from error

    def stale(self, contents: Contents) -> set[str]:
        """Return the numbers of the rows whose files have another content now."""
        return set(map(str, contents.stale(self._paths, self._stamps, self._digests)))

    def numbers_of(self, paths: Container[str]) -> set[str]:
        """Return the numbers of the rows of paths."""
        return {str(row) for row, path in enumerate(self._paths) if path in paths}

    def numbers(self, digests: Mapping[str, str]) -> str:
        """Return the numbers of the rows of paths and digests; add missing rows."""
        if self._numbers is None:
            pairs = zip(self._paths, self._digests, strict=True)
            self._numbers = {pair: row for row, pair in enumerate(pairs) if pair[0]}
            self._free = [row for row, path in enumerate(self._paths) if not path]
        found = []
        for pair in digests.items():
            row = self._numbers.get(pair)
            if row is None:
                row = self._numbers[pair] = self._add(*pair)
            found.append(str(row))
        return " ".join(found)

    def _add(self, path: str, digest: str) -> int:
        if self._free:
            row = self._free.pop()
            self._paths[row], self._stamps[row], self._digests[row] = path, "", digest
            return row
        self._paths.append(path)
        self._stamps.append("")
        self._digests.append(digest)
        return len(self._paths) - 1

    def packed(self, used: set[int], contents: Contents) -> list[str]:
        """Empty the rows that are not used; return all fields, with the stamps in contents."""
        for row in set(range(len(self._paths))) - used:
            self._paths[row] = self._stamps[row] = self._digests[row] = ""
        self._numbers = None
        for row, path in enumerate(self._paths):
            seen = contents.seen(path)
            if seen is not None:
                is_trusted = seen[1] == self._digests[row] and not seen[2]
                self._stamps[row] = seen[0] if is_trusted else ""
        found = [""] * (self.FIELDS * len(self._paths))
        columns = self._paths, self._stamps, self._digests
        for number, column in enumerate(columns):
            found[number :: self.FIELDS] = column
        return found


class SharedTexts:
    """Texts that many records share."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts
        self._numbers: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self._texts)

    def at(self, number: str) -> str:
        """Return a text by its number.

        Raises DamagedError.
        """
        try:
            return self._texts[_number(number)]
        except IndexError as error:
            raise DamagedError from error

    def number(self, text: str) -> str:
        """Return the number of a text; add it if it is missing."""
        if self._numbers is None:
            self._numbers = {text: number for number, text in enumerate(self._texts)}
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self._texts)
            self._texts.append(text)
        return str(number)

    def packed(self, used: set[int]) -> list[str]:
        """Empty the texts that are not used, and return all."""
        for number in set(range(len(self._texts))) - used:
            self._texts[number] = ""
        self._numbers = None
        return self._texts


def _number(text: str) -> int:
    try:
        number = int(text)
    except ValueError as error:
        raise DamagedError from error
    if number < 0:
        raise DamagedError
    return number


def numbers_in(text: str, end: int) -> set[int]:
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
