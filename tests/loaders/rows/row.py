# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A row of the tables, and the words that several rows share."""

from __future__ import annotations

from dataclasses import dataclass

from xen_tool.loaders.names import DOM0, PV_DOMU, PVH_DOMU
from xen_tool.loaders.rules.rule import Effect

REFUSED, ERROR, WARNING = Effect.REFUSED, Effect.ERROR, Effect.WARNING

NO_LOADER = "xc_dom_find_loader: no loader found: Invalid kernel"
NOT_32BIT = "xc_dom_parse_hvm_kernel: ELF image is not 32bit: Invalid kernel"


@dataclass(frozen=True)
class Row:
    """A finding that each of some loaders, of a release of Xen, must have on an image."""

    image: str
    loaders: tuple[str, ...]
    rule: str
    message: str
    effect: Effect = REFUSED
    xen: str = "4.17"


def refused_by_libelf(image: str, rule: str, message: str, xen: str = "4.17") -> tuple[Row, ...]:
    """Return the rows of an ELF64 that libelf refuses for every domain."""
    return (
        Row(image, DOM0, rule, message, REFUSED, xen),
        Row(image, (PV_DOMU,), rule, NO_LOADER, REFUSED, xen),
        Row(image, (PVH_DOMU,), rule, NOT_32BIT, REFUSED, xen),
    )
