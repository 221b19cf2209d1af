# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A pytest plugin: name parameters by their values, as in test_x[SMP=0], not by numbers.

pytest names texts and numbers only; of all else it makes test_x[settings0].
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

import pytest

_LONGEST = 60


@pytest.hookimpl
def pytest_make_parametrize_id(val: object) -> str | None:
    if isinstance(val, str | bytes | int | float | complex | type(None)):
        # A path of this machine, which is different elsewhere, is no name.
        is_file = isinstance(val, str) and os.path.isabs(val) and os.path.isfile(val)
        return os.path.basename(str(val)) if is_file else None
    text = " ".join(_words(val)).encode("unicode_escape").decode()
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 3]}..."
    return text or "none"


def _words(value: object) -> Iterator[str]:
    """Yield words that are the same in every process: no addresses, no order of a set."""
    name = getattr(value, "name", getattr(value, "__name__", None))
    if isinstance(value, Path):
        yield value.name
    elif isinstance(name, str):
        yield name
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield f"{' '.join(_words(key))}={' '.join(_words(each))}"
    elif isinstance(value, Set):
        yield from sorted(" ".join(_words(each)) for each in value)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _words(each)
    elif isinstance(value, bytes):
        yield repr(value)[2:-1]
    elif isinstance(value, str | int | float | type(None)):
        yield str(value)
    else:
        yield type(value).__name__
