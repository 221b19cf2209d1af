# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""env.XenSources(): choose sources by the configuration, from one table."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import SCons
from SCons.Node import Node
from SCons.Util import flatten

from ..config.conditions import holds
from ..errors import XenToolError, meant
from .paths import node_of
from .targets.config_targets import is_of_configuration
from .user_errors import while_reading

# Folders of code that is no SConscript: SCons, and the tool.
_NOT_A_SCONSCRIPT = tuple(
    os.path.join(os.path.abspath(folder), "")
    for folder in (os.path.dirname(SCons.__file__), os.path.dirname(os.path.dirname(__file__)))
)


@while_reading
def xen_sources(env: Any, table: Mapping[str, Any]) -> list[Any]:
    """env.XenSources({CONDITION: FILES}): return the nodes of the files whose conditions hold.

    CONDITION is "y" or an expression of Kconfig symbols (config/conditions.py).  FILES are
    names in one string or a list, or nodes.  Each file is returned once, in order.

    An unknown symbol, and a file that neither exists nor is made, is an error with its line,
    whatever the configuration is.  If only targets of the configuration are requested, such as
    menuconfig, a condition with an unknown symbol does not hold instead.
    """
    if not isinstance(table, Mapping):
        raise XenToolError('XenSources: write a dict, such as {"y": "main.c", "SMP": "smp.c"}')
    values = env["XEN_CONFIG"].values
    found: dict[Any, None] = {}
    for condition, files in table.items():
        try:
            is_chosen = holds(condition, values)
        except XenToolError as error:
            if is_of_configuration():
                # The user needs these targets to correct the configuration.
                continue
            raise XenToolError(f"{_line_of(condition)}: {error}") from None
        for file in _files(env, files):
            if is_chosen:
                found[file] = None
    return list(found)


def _files(env: Any, files: Any) -> Iterator[Any]:
    """Yield the nodes of files; raise XenToolError for one that neither exists nor is made."""
    for item in flatten([files]):
        for name in [item] if isinstance(item, Node) else str(item).split():
            node = node_of(env, name)
            if not node.rexists() and not node.srcnode().rexists() and not node.has_builder():
                raise XenToolError(
                    f"{_line_of(str(name))}: {name}: there is no such file{_near(node.srcnode())}"
                )
            yield node


def _near(node: Any) -> str:
    """Return the end of a message: the file with the most similar name beside it; or ""."""
    folder, name = os.path.split(node.abspath)
    try:
        return meant(name, os.listdir(folder), most=1)
    except OSError:
        return ""


def _line_of(text: str) -> str:
    """Return FILE:LINE of a string, or a word of one, in the SConscript that called the tool.

    If it is not there, the line is that of the call.
    """
    frame = sys._getframe(1)
    while frame.f_back and os.path.abspath(frame.f_code.co_filename).startswith(_NOT_A_SCONSCRIPT):
        frame = frame.f_back
    path = os.path.relpath(frame.f_code.co_filename)
    try:
        with open(path, encoding="utf-8") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return path
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for number, line in enumerate(node.value.split("\n")):
                if text == node.value or text in line.split():
                    return f"{path}:{node.lineno + number}"
    return f"{path}:{frame.f_lineno}"
