# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of libxenguest for a PV domain, in the order of its checks."""

from __future__ import annotations

from ..names import PV_DOMU
from .guest import hypercall_page, layout
from .libelf import checks, headers, note_rules
from .libxenguest import building, containers, raw_image
from .rule import of

RULES = of(
    PV_DOMU,
    containers.FILE_RULES,
    raw_image.RULES,
    containers.RULES,
    headers.RULES,
    note_rules.RULES,
    checks.RULES,
    building.RULES,
    headers.LOADING_RULES,
    hypercall_page.RULES,
    layout.RULES,
)
