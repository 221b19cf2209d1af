# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Notice which values of the configuration SConscripts and builders read.

If they read the values of some symbols only, a command line that changes other symbols leads
to the same steps, and shortcut/other_values.py builds it without SCons.  Used by XenConfigure and
through.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from ..config.configuration import Configuration
from ..shortcut.other_values import Described
from .settings import RESERVED

_WHOLE = frozenset(["prompts", "origins", "dotconfig", "autoconf", "notes", "warnings"])
"""Fields of a configuration that depend on many symbols."""

_observed: list[_Observed] = []
"""The configurations of this run."""


class _Values(Mapping[str, str]):
    """Values by name; `read` has those that were read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.read: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        value = self.read[name] = self._values[name]
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class _Observed(Configuration):
    """A configuration that records what is read of it."""

    def __getattribute__(self, name: str) -> Any:
        if name in _WHOLE:
            object.__setattr__(self, "_is_read_whole", True)
        return super().__getattribute__(name)

    def describe(self, made: Described | None) -> None:
        """Set how other_values.py can make the configuration again; None if it cannot."""
        object.__setattr__(self, "_made", made)

    def described(self) -> Described | None:
        """Return how other_values.py can make the configuration, with the values that were read.

        Return None if it cannot, or if a field of _WHOLE was read.
        """
        if self.__dict__.get("_is_read_whole"):
            return None
        made: Described | None = self.__dict__["_made"]
        values = self.values
        assert isinstance(values, _Values)
        return made._replace(read=dict(values.read)) if made else None


def observe(configuration: Configuration, made: Described, *, is_usual: bool) -> Configuration:
    """Return a configuration that records what is read of it, with the same fields.

    made: how it was made.  is_usual: nothing but `made` and the command line's settings led to it.
    """
    fields = {f.name: getattr(configuration, f.name) for f in dataclasses.fields(configuration)}
    observed = _Observed(**{**fields, "values": _Values(configuration.values)})
    remarks = configuration.notes or configuration.warnings
    observed.describe(made._replace(others=tuple(RESERVED)) if is_usual and not remarks else None)
    _observed.append(observed)
    return observed


def described() -> Described | None:
    """Return how the configuration of this run was made, with the values that were read.

    Return None if it cannot be made so again, if more than single values was read, or if there
    are several configurations.
    """
    return _observed[0].described() if len(_observed) == 1 else None
