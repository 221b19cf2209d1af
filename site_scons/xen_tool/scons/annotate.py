# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""env.XenNotes(): Xen notes for an image that another build linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from SCons.Util import flatten

from ..annotate.changes import note_changes, note_type
from ..build.plan import Group
from ..build.step import Step
from ..elf.note_values import text_of
from ..functions import NOTES, UNCHECKED
from ..modules import modules
from .graph.nodes import Graph
from .paths import nodes, source_of, target_of
from .targets import check
from .user_errors import while_reading


@while_reading
def xen_notes(
    env: Any,
    target: str,
    source: Any,
    *,
    pvh_entry: str | int | None = None,
    pv_entry: str | int | None = None,
    notes: Mapping[str, object] | None = None,
    remove: Sequence[str] = (),
    loaders: Sequence[str] | None = None,
    xen_release: str | None = None,
    xen: str | None = None,
) -> list[Any]:
    """env.XenNotes(): add Xen notes to an image that another build linked, or replace them.

    The entries are symbols or addresses.  notes are values by name: a text, bytes, a number, or a
    list of numbers.  remove are the names of notes to remove.  loaders and xen_release are those
    of XenImage; by default the loaders that the image then has notes for must accept it.
    """
    graph: Graph = env["XEN_GRAPH"]
    image = target_of(env, target)
    requirement = check.requirement_for(env, "XenNotes", loaders, xen_release, xen, by_claim=True)
    (node,) = env.arg2nodes(source)
    _, path = source_of(env, node)
    values = {name: text_of(name, note_type(name), value) for name, value in (notes or {}).items()}
    changes = note_changes(
        pvh_entry=_text_of("PHYS32_ENTRY", pvh_entry),
        pv_entry=_text_of("ENTRY", pv_entry),
        notes=values,
        remove=flatten([remove]),
    )
    words = (
        *(f"{n.name}={value}" for n, value in changes.values.items()),
        *(n.name for n in changes.remove),
    )
    group = graph.plan.group("notes", Group(modules("annotate/annotate.py")))
    made = Step("NOTES", (f"{image}{UNCHECKED}",), (path,), NOTES, (), words, group, symbols=())
    graph.plan.add(made)
    graph.plan.add(check.step(graph, image, requirement))
    return nodes([check.image(env, image, requirement)])


def _text_of(name: str, value: str | int | None) -> str | None:
    return None if value is None else text_of(name, note_type(name), value)
