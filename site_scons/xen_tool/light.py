# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""NamedTuple, signal and RLock without the imports of typing, signal and threading.

These imports take longer than the start of Python.  Used by all modules that a build without
SCons and `xen-tool check` import.
"""

from __future__ import annotations

__all__ = ["NamedTuple", "RLock", "signal"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from threading import RLock
    from typing import NamedTuple
else:
    import _signal as signal
    from _collections import _tuplegetter
    from _thread import RLock

    class NamedTuple(tuple):
        """A tuple whose items are named by the annotations of its subclass, in order."""

        __slots__ = ()

        def __init_subclass__(cls):
            cls._fields = cls.__match_args__ = tuple(cls.__annotations__)
            defined = cls.__dict__
            cls._field_defaults = {name: defined[name] for name in cls._fields if name in defined}
            for place, name in enumerate(cls._fields):
                setattr(cls, name, _tuplegetter(place, None))

        def __new__(cls, *values, **named):  # noqa: D102
            fields = cls._fields
            if named or len(values) != len(fields):
                positional = dict(zip(fields, values))  # noqa: B905 - checked below
                of_all = {**cls._field_defaults, **positional, **named}
                if (
                    len(values) > len(fields)
                    or set(of_all) != set(fields)
                    or positional.keys() & named
                ):
                    raise TypeError(f"{cls.__name__} has the fields {', '.join(fields)}")
                values = map(of_all.__getitem__, fields)
            return tuple.__new__(cls, values)

        @classmethod
        def _make(cls, values):
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"{cls.__name__} has the fields {', '.join(cls._fields)}")
            return made

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **named):
            return type(self)(**{**self._asdict(), **named})

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            fields = (f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({', '.join(fields)})"
