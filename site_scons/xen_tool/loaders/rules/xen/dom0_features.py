# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Conditions on the features of a kernel that PV and PVH dom0 share."""

from __future__ import annotations

from ....abi import XenElfNote, XenFeat
from ...model import where
from ...model.candidate import Candidate
from ..rule import Fields

NO_DOM0 = "Kernel does not support Dom0 operation"
ADD_DOM0_BIT = "set bit 11, 0x800, in SUPPORTED_FEATURES, or drop that note"


def no_dom0_bit(candidate: Candidate) -> Fields | None:
    """SUPPORTED_FEATURES is present, and neither it nor FEATURES has the bit of dom0."""
    if candidate.note(XenElfNote.SUPPORTED_FEATURES) is None:
        return None
    if candidate.parms.f_supported & XenFeat.DOM0:
        return None
    return {"where": where.of_type(candidate, XenElfNote.SUPPORTED_FEATURES)}
