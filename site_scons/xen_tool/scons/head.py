# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""env.XenHead(): the Xen head object, as a SConscript and Kconfig describe it."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

from ..build.plan import Group
from ..build.step import Step
from ..config.configuration import Configuration
from ..elf.note_values import text_of
from ..errors import XenToolError
from ..functions import DESCRIBED, HEAD
from ..head import note_texts
from ..head.config import SYMBOLS
from ..head.head_names import MEANINGS
from ..modules import modules
from .graph.nodes import Graph
from .paths import nodes, target_of
from .user_errors import while_reading

_NoteName = str | int | tuple[str, int]


@while_reading
def xen_head(
    env: Any,
    target: str = "arch/x86/xen/xen-head.o",
    *,
    notes: Mapping[_NoteName, object] | None = None,
    **names: object,
) -> list[Any]:
    """env.XenHead(): make the Xen head object below $XEN_BUILD; returns [] if XEN is not set.

    notes changes notes from Linux's.  A note is named by GUEST_OS and the like, a number, or
    (owner, number); its value is a text, bytes, a number, a list of numbers, or None to leave
    it out.  names are fields of HeadNames (head/head_names.py), such as entry= or stack=.
    """
    configuration: Configuration = env["XEN_CONFIG"]
    graph: Graph = env["XEN_GRAPH"]
    if not configuration.enabled("XEN"):
        return []
    symbols = tuple(name for name in SYMBOLS if name in configuration.values)
    values = (f"{name}={configuration.values[name]}" for name in symbols)
    files = modules("head/emit.py", "head/config.py")
    keystone = importlib.util.find_spec("keystone")
    if keystone is not None and keystone.origin is not None:
        files = (*files, keystone.origin)
    path = target_of(env, target)
    graph.plan.add(
        Step(
            "HEAD",
            (path,),
            (),
            HEAD,
            files=(configuration.arch.name, *values, DESCRIBED, *_texts(notes or {}, names)),
            group=graph.plan.group("head", Group(files)),
            symbols=symbols,
        )
    )
    return nodes([graph.node(env, path)])


def _texts(notes: Mapping[_NoteName, object], names: Mapping[str, object]) -> list[str]:
    """Return the arguments of xen_head() as texts NAME=VALUE: names, then notes.

    Raises XenToolError for unknown names, and for values of other types.
    """
    found = []
    for name, value in names.items():
        if name not in MEANINGS:
            raise XenToolError(f"XenHead has no {name}=; it has notes=, {'=, '.join(MEANINGS)}=")
        if not isinstance(value, (str, int)):
            raise XenToolError(f"XenHead: {name} is {value!r}; write a text, or a number of bytes")
        found.append(f"{name}={value}")
    if not isinstance(notes, Mapping):
        raise XenToolError(
            f"XenHead: notes is {notes!r}; write a dictionary of names and values, such as "
            '{"GUEST_OS": "mine"}'
        )
    for key, value in notes.items():
        name = ":".join(map(str, key)) if isinstance(key, tuple) else str(key)
        text = text_of(name, note_texts.known_type(name), value)
        found.append(f"{note_texts.canonical(name)}={text}")
    return found
