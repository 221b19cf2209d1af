# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""env.XenNotes(): Xen notes for an image that another build linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from SCons.Util import flatten

from ..annotate.wanted import wanted
from ..build.plan import Group
from ..build.step import Step
from ..functions import NOTES, UNCHECKED
from ..modules import modules
from .errors import while_reading
from .graph.nodes import Graph
from .paths import nodes, source_of, target_of
from .targets import check


@while_reading
def xen_notes(
    env: Any,
    target: str,
    source: Any,
    *,
    pvh_entry: str | int | None = None,
    pv_entry: str | int | None = None,
    notes: Mapping[str, str | int] | None = None,
    remove: Sequence[str] = (),
    loaders: Sequence[str] | None = None,
    xen_release: str | None = None,
    xen: str | None = None,
) -> list[Any]:
    """env.XenNotes(): add Xen notes to an image that another build linked, or replace them.

    The entries are symbols or addresses.  notes are values by name, remove are the names of
    notes to remove.  loaders and xen_release are those of XenImage; by default the loaders that the
    image then has notes for must accept it.
    """
    graph: Graph = env["XEN_GRAPH"]
    image = target_of(env, target)
    requirement = check.requirement_for(env, "XenNotes", loaders, xen_release, xen, by_claim=True)
    (node,) = env.arg2nodes(source)
    _, path = source_of(env, node)
    want = wanted(
        pvh_entry=_word(pvh_entry),
        pv_entry=_word(pv_entry),
        notes={name: str(value) for name, value in (notes or {}).items()},
        remove=flatten([remove]),
    )
    words = (
        *(f"{n.name}={value}" for n, value in want.given.items()),
        *(n.name for n in want.remove),
    )
    group = graph.plan.group("notes", Group(modules("annotate/annotate.py")))
    made = Step("NOTES", (f"{image}{UNCHECKED}",), (path,), NOTES, (), words, group, symbols=())
    graph.plan.add(made)
    graph.plan.add(check.step(graph, image, requirement))
    return nodes([check.image(env, image, requirement)])


def _word(value: str | int | None) -> str | None:
    return None if value is None else str(value)
