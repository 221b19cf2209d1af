# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""How our errors reach the user of SCons: as one sentence, with status 2."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from SCons.Errors import UserError

from ..errors import XenToolError

P = ParamSpec("P")
R = TypeVar("R")


def while_reading(function: Callable[P, R]) -> Callable[P, R]:
    """For what SConscripts call: nothing is built."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except XenToolError as error:
            # SCons would add the place in our source where it was raised.
            print(f"scons: *** {error}", file=sys.stderr)
            raise SystemExit(2) from None

    return wrapped


def while_building(function: Callable[P, R]) -> Callable[P, R]:
    """For functions that are actions: SCons names the target, and stops as for any failed step."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except XenToolError as error:
            raise UserError(str(error)) from error

    return wrapped
