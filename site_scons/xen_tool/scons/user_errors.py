# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Convert our errors to SCons': one sentence, exit status 2.

Also has the checks that several methods share: one_image().
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from SCons.Errors import UserError
from SCons.Node import Node

from ..errors import XenToolError
from ..printable import printable

_NEWLINE = "\n"
"""Kept by printable(), as some messages have several lines."""
_CONFIGURED = ("XEN_CONFIG", "XEN_GRAPH", "XEN_BUILD", "XEN_SETTINGS", "XEN_CONFIG_TARGETS")
"""The construction variables that XenConfigure sets."""
P = ParamSpec("P")
R = TypeVar("R")


def while_reading(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a method that SConscripts call: XenToolError ends the run with a message and status 2.

    So does a call before env.XenConfigure().
    """

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except XenToolError as error:
            message = str(error)
        except KeyError as error:
            if error.args[0] not in _CONFIGURED:
                raise
            method = "".join(part.title() for part in function.__name__.split("_"))
            message = (
                f"env.{method}() needs a configuration: call env.XenConfigure() before, in the "
                "same environment or the one that it is cloned from"
            )
        # SCons would add the line of our source that raised it.
        print(f"scons: *** {printable(message, keep=_NEWLINE)}", file=sys.stderr)
        raise SystemExit(2) from None

    return wrapped


def while_building(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a function that is an action: XenToolError becomes SCons' error for its target."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except XenToolError as error:
            raise UserError(printable(str(error), keep=_NEWLINE)) from error

    return wrapped


def one_image(env: Any, method: str, image: Any) -> Any:
    """Return the one node that a method was given.

    Raises XenToolError for more than one, none, or something else.
    """
    nodes = env.arg2nodes(image)
    if len(nodes) != 1:
        raise XenToolError(f"{method} is given {len(nodes)} images: name one that XenImage made")
    if not isinstance(nodes[0], Node):
        raise no_image(method, nodes[0])
    return nodes[0]


def no_image(method: str, node: Any) -> XenToolError:
    """Return the error for a node that XenImage did not make."""
    return XenToolError(f"{method}: {node} is no image that XenImage made")
