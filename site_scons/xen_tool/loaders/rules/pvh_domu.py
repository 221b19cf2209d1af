# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The rules of libxenguest for a PVH domain, in the order of its checks."""

from __future__ import annotations

from ..names import PVH_DOMU
from .guest import layout
from .libelf import checks, headers, note_rules
from .libxenguest import building, containers, raw_image
from .rule import of

RULES = of(
    PVH_DOMU,
    containers.FILE_RULES,
    raw_image.RULES,
    containers.RULES,
    headers.RULES,
    note_rules.RULES,
    checks.RULES,
    building.RULES,
    headers.LOADING_RULES,
    layout.RULES,
)
