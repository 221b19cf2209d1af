# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Describe in words why a step is dirty: the differences between its record and now."""

from __future__ import annotations

import os

from ..light import NamedTuple
from .contents import MISSING
from .record import FAILED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_AT_MOST = 4
"""Most names of files in one sentence."""
_SEPARATOR = "\x1f"


class Reason(NamedTuple):
    """One reason why a step is dirty."""

    text: str
    files: tuple[str, ...] = ()
    """The files that mention the symbol, if a symbol is the reason."""

    def __str__(self) -> str:
        if not self.files:
            return self.text
        names = ", ".join(some(self.files)).replace(", and", " and")
        return f"{self.text} ({names} mention{'s' if len(self.files) == 1 else ''} it)"

    @property
    def line(self) -> str:
        """The reason as a line of a record."""
        return _SEPARATOR.join((self.text, *self.files[:_AT_MOST]))

    @classmethod
    def parse(cls, line: str) -> Reason:
        """Parse a line of a record."""
        text, *files = line.split(_SEPARATOR)
        return cls(text, tuple(files))


def some(names: Sequence[str]) -> list[str]:
    """Return the first of many names, and how many more there are."""
    more = len(names) - _AT_MOST
    return [*names[:_AT_MOST], *([f"and {more} more"] if more > 0 else [])]


class Made(NamedTuple):
    """All that a step depends on, at one moment; mappings of files have digests by path."""

    path: str
    """The first output."""
    command: Sequence[str]
    toolchain: Mapping[str, str]
    """Its files; none if they are the same before and now."""
    symbols: Mapping[str, str]
    """Values by name."""
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    holds_names: bool
    """Whether no new file exists where a name was searched for."""
    dirty: str
    """The reason in the record to run again, or ""."""


def reasons(
    before: Made, now: Made, mentioning: Callable[[str], Iterable[str]]
) -> Iterator[Reason]:
    """Yield the reasons why a step is dirty, causes before their effects.

    mentioning returns the files that mention a symbol.
    """
    if before.dirty:
        yield Reason(before.dirty)
    if files := changed(before.toolchain, now.toolchain):
        yield Reason(f"the toolchain changed: {', '.join(some(files))}")
    for symbol, value in now.symbols.items():
        if (old := before.symbols[symbol]) != value:
            text = f"CONFIG_{symbol} changed from {old or 'not set'} to {value or 'not set'}"
            yield Reason(text, tuple(mentioning(symbol)))
    yield from map(Reason, _differences(before, now))


def _differences(before: Made, now: Made) -> Iterator[str]:
    for name, content in now.inputs.items():
        if name not in before.inputs:
            yield f"{name} is read now"
        elif content == MISSING:
            yield f"{name} is gone"
        elif before.inputs[name] != content:
            yield f"{name} changed"
    if not now.holds_names:
        yield "a new file exists where a header or library was searched for"
    yield from _command_changes(before, now)
    if before.dirty == FAILED:
        # The outputs were removed when it failed.
        return
    for name, content in now.outputs.items():
        if content == MISSING:
            yield "its file was missing" if name == now.path else f"{name} was missing"
        elif content != before.outputs[name]:
            yield f"{'its file' if name == now.path else name} was changed after it was made"


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the files whose contents differ, of two mappings of paths to digests.

    A file that has only moved to another folder does not count.
    """
    if before == now:
        return []
    old, new = set(map(_content, before.items())), set(map(_content, now.items()))
    found = [file[0] for file in now.items() if _content(file) not in old]
    names = set(map(os.path.basename, found))
    gone = [file[0] for file in before.items() if _content(file) not in new]
    return [*found, *(path for path in gone if os.path.basename(path) not in names)]


def _content(file: tuple[str, str]) -> tuple[str, str]:
    return os.path.basename(file[0]), file[1]


def _command_changes(before: Made, now: Made) -> Iterator[str]:
    import shlex

    old, new = set(before.command), set(now.command)
    added = [word for word in now.command if word not in old and word not in now.inputs]
    removed = [word for word in before.command if word not in new]
    if added:
        yield f"the command has {shlex.join(added)} now"
    if removed:
        yield f"the command no longer has {shlex.join(removed)}"
    if old == new and list(before.command) != list(now.command):
        yield "the command has its words in another order"
