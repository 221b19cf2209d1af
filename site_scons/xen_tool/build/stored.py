# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Store a plan in a file of text fields, to read it again without SCons.

    the format; the build directory; the cache and its limit; the number of fields of each part
    symbols       NAME VALUE
    configured    PATH
    groups        NAME FILES GAS LAUNCHER
    environment   NAME VALUE
    flags         WORDS that many steps share
    steps         the fields of Step; lists are words, each followed by a newline

Newlines and backslashes in words are escaped by a backslash.
"""

from __future__ import annotations

from . import fields
from .plan import Group, Plan
from .step import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

_FORMAT = "xen_tool plan 3"
_COUNTS = 6
_OUTPUTS, _FLAGS = map(Step._fields.index, ("outputs", "flags"))


def write(path: str, plan: Plan) -> None:
    """Write a plan into a file.

    Raises XenToolError if the file cannot be written.
    """
    flags: dict[int, int] = {}
    shared: list[str] = []
    steps: list[str] = []
    unique = dict.fromkeys(id(step) for step in plan.steps.values())
    by_id = {id(step): step for step in plan.steps.values()}
    for step in map(by_id.__getitem__, unique):
        if id(step.flags) not in flags:
            flags[id(step.flags)] = len(shared)
            shared.append(_joined(step.flags))
        symbols = "*" if step.symbols is None else _joined(step.symbols)
        steps += [
            step.name,
            *(_joined(names) for names in (step.outputs, step.inputs)),
            step.action,
            str(flags[id(step.flags)]),
            _joined(step.files),
            step.group,
            symbols,
            _joined(step.after),
        ]
    symbols_ = [text for pair in plan.symbols.items() for text in pair]
    groups = [
        text
        for name, group in plan.groups.items()
        for text in (name, _joined(group.files), group.gas, _joined(group.launcher))
    ]
    environment = [text for pair in plan.environment.items() for text in pair]
    parts = [symbols_, list(plan.configured), groups, environment, shared, steps]
    counts = [str(len(part)) for part in parts]
    cache = (plan.cache, str(plan.cache_limit))
    texts = (text for part in parts for text in part)
    fields.write(path, [_FORMAT, plan.folder, *cache, *counts, *texts])


def read(path: str) -> Plan | None:
    """Return a stored plan; None if the file does not exist or has another format."""
    read_fields = fields.read(path)
    if read_fields[:1] != [_FORMAT]:
        return None
    try:
        plan = Plan(read_fields[1])
        plan.cache, plan.cache_limit = read_fields[2], int(read_fields[3])
        counts = list(map(int, read_fields[4 : 4 + _COUNTS]))
        parts: list[list[str]] = []
        place = 4 + _COUNTS
        for count in counts:
            parts.append(read_fields[place : place + count])
            place += count
        symbols, configured, groups, environment, shared, steps = parts
        plan.symbols = {row[0]: row[1] for row in _in_rows(symbols, 2)}
        plan.configured = frozenset(configured)
        for name, files, gas, launcher in _in_rows(groups, 4):
            plan.groups[name] = Group(_split(files), gas, _split(launcher))
        plan.environment = {row[0]: row[1] for row in _in_rows(environment, 2)}
        plan.steps = _Steps([_split(words) for words in shared], steps)
    except (ValueError, IndexError):
        return None
    return plan


class _Steps(dict[str, Step]):
    """Steps by their outputs; each is parsed when it is first used."""

    def __init__(self, flags: Sequence[tuple[str, ...]], texts: Sequence[str]) -> None:
        self._flags = flags
        self._rows: dict[str, Sequence[str]] = {}
        for row in _in_rows(texts, len(Step._fields)):
            # Fail now, not at the first use, if the number is wrong.
            flags[int(row[_FLAGS])]
            self._rows.update(dict.fromkeys(_split(row[_OUTPUTS]), row))

    def __contains__(self, path: object) -> bool:
        return path in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __missing__(self, path: str) -> Step:
        name, outputs, inputs, action, flags, files, group, symbols, after = self._rows[path]
        step = Step(
            name,
            _split(outputs),
            _split(inputs),
            action,
            self._flags[int(flags)],
            _split(files),
            group,
            None if symbols == "*" else _split(symbols),
            _split(after),
        )
        self.update(dict.fromkeys(step.outputs, step))
        return step

    def get(self, path: str, default: Any = None) -> Any:
        """Return the step of an output, or default."""
        return self[path] if path in self._rows else default

    def values(self) -> Any:
        """Return all steps."""
        return [self[path] for path in self._rows]


def _in_rows(texts: Sequence[str], width: int) -> Iterable[tuple[str, ...]]:
    return zip(*(texts[column::width] for column in range(width)), strict=True)


def _joined(words: Iterable[str]) -> str:
    return "".join(f"{_escaped(word)}\n" for word in words)


def _escaped(word: str) -> str:
    if "\\" in word or "\n" in word:
        return word.replace("\\", "\\\\").replace("\n", "\\n")
    return word


def _split(text: str) -> tuple[str, ...]:
    words = text.split("\n")[:-1]
    if "\\" in text:
        return tuple(_unescaped(word) for word in words)
    return tuple(words)


def _unescaped(word: str) -> str:
    return "\\".join(part.replace("\\n", "\n") for part in word.split("\\\\"))
