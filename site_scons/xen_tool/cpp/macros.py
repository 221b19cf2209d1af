# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The macros of a translation unit, where a name may have more than one definition.

A name stands for a set of definitions, None being "not defined": more than
one where a #define is in a branch that only the compiler can decide.  Text
that holds such names has several outcomes, one for each choice among them; an
#if whose outcomes differ has no value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from .directives import Macro, Tokens
from .expansion import TooMuch, expand
from .expression import UNKNOWN_TOKEN, evaluate

Definitions = frozenset[Macro | None]

UNDEFINED: Definitions = frozenset([None])
COMPILERS: Definitions = frozenset([None, Macro(None, UNKNOWN_TOKEN)])
"""Of a name that the compiler may define, as what it likes."""

_PREDEFINED = ("linux", "unix", "i386")
"""Those macros of gcc's and clang's that are not reserved names."""

_MOST_OUTCOMES = 1024


class Macros:
    """The definitions at one place of a translation unit, and who asked for them."""

    def __init__(self, known: Mapping[str, Macro | None]) -> None:
        self._definitions = {name: frozenset([macro]) for name, macro in known.items()}
        self.changes = 0
        """Counts changes."""
        self.changed: dict[str, int] = {}
        """When each name changed last, in changes."""
        self.asked: set[str] = set()
        """Names that were looked up; the caller may put another set here."""

    def of(self, name: str) -> Definitions:
        """The definitions of any name; reserved names are the compiler's."""
        self.asked.add(name)
        return self.peek(name)

    def peek(self, name: str) -> Definitions:
        """The same, but does not note that it was asked for."""
        found = self._definitions.get(name)
        if found is not None:
            return found
        return COMPILERS if name[:1] == "_" or name in _PREDEFINED else UNDEFINED

    def set(self, name: str, definitions: Definitions) -> None:
        """Replaces the definitions of a name."""
        if self._definitions.get(name) != definitions:
            self._definitions[name] = definitions
            self.changes += 1
            self.changed[name] = self.changes

    def assume_undefined(self, name: str) -> None:
        """Says of a name that no one has set that the compiler does not define it."""
        self._definitions.setdefault(name, UNDEFINED)

    def is_defined(self, name: str) -> bool | None:
        """The value of #ifdef name; None where only the compiler knows."""
        definitions = self.of(name)
        if len(definitions) > 1 and None in definitions:
            return None
        return None not in definitions

    def condition(self, tokens: Tokens) -> bool | None:
        """The value of #if tokens; None where only the compiler knows."""
        value = None
        for count, outcome in enumerate(_outcomes(tokens, self, {}, condition=True)):
            this = None if outcome is None else evaluate(outcome)
            if this is None or (count and this != value):
                return None
            value = this
        return value

    def expand(self, tokens: Tokens, chosen: Mapping[str, Macro | None]) -> list[Tokens]:
        """Every outcome of expanding tokens, without those that only the compiler knows.

        chosen overrides definitions.
        """
        found = _outcomes(tokens, self, chosen, condition=False)
        return [o for o in found if o is not None and UNKNOWN_TOKEN not in o]


class _Ambiguous(Exception):  # noqa: N818 - not an error
    """Asks for a choice among the definitions of a name."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Chooser:
    """Looks definitions up, with one choice for each name."""

    def __init__(self, macros: Macros, chosen: Mapping[str, Macro | None]) -> None:
        self._macros = macros
        self._chosen = chosen

    def __call__(self, name: str) -> Macro | None:
        if name in self._chosen:
            return self._chosen[name]
        definitions = self._macros.of(name)
        if len(definitions) > 1:
            raise _Ambiguous(name)
        return next(iter(definitions))


def _outcomes(
    tokens: Tokens, macros: Macros, chosen: Mapping[str, Macro | None], condition: bool
) -> Iterator[Tokens | None]:
    """What tokens expand to; None stands for those that are too much."""
    outcomes = _all_outcomes(tokens, macros, dict(chosen), condition)
    yield from islice(outcomes, _MOST_OUTCOMES)
    if next(outcomes, ()) != ():
        yield None


def _all_outcomes(
    tokens: Tokens, macros: Macros, chosen: dict[str, Macro | None], condition: bool
) -> Iterator[Tokens | None]:
    choices = [chosen]
    while choices:
        chosen = choices.pop()
        try:
            yield expand(tokens, _Chooser(macros, chosen), condition=condition)
        except TooMuch:
            yield None
        except _Ambiguous as ambiguous:
            # Sorted, so that dependencies keep their order from run to run.
            for macro in sorted(macros.of(ambiguous.name), key=repr):
                choices.append({**chosen, ambiguous.name: macro})
