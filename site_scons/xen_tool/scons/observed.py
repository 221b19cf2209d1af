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


class _Values(Mapping[str, str]):
    """Values by name, which notes those that are read."""

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
    """A configuration that notes what is read of it."""

    def __getattribute__(self, name: str) -> Any:
        if name in _WHOLE:
            object.__setattr__(self, "_is_read_whole", True)
        return super().__getattribute__(name)

    def describe(self, made: Described | None) -> None:
        """Set how it was made."""
        object.__setattr__(self, "_made", made)

    def described(self) -> Described | None:
        """Return how it was made, and what was read; None if more than single values was."""
        if self.__dict__.get("_is_read_whole"):
            return None
        made: Described | None = self.__dict__["_made"]
        values = self.values
        assert isinstance(values, _Values)
        return made._replace(read=dict(values.read)) if made else None


def observe(configuration: Configuration, made: Described, *, is_usual: bool) -> Configuration:
    """Return the configuration, observed.

    is_usual: it was made as described, and by the settings of the command line.
    """
    fields = {f.name: getattr(configuration, f.name) for f in dataclasses.fields(configuration)}
    observed = _Observed(**{**fields, "values": _Values(configuration.values)})
    has_said = configuration.notes or configuration.warnings
    observed.describe(made._replace(others=tuple(RESERVED)) if is_usual and not has_said else None)
    _observed.append(observed)
    return observed


def described() -> Described | None:
    """Return how the configuration was made, and what was read; None if it is not the only one."""
    return _observed[0].described() if len(_observed) == 1 else None
