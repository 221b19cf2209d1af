# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Conditions about features that both kinds of dom0 share."""

from __future__ import annotations

from ....abi import XenElfNote, XenFeat
from ...model import where
from ...model.subject import Subject
from ..rule import Fields


def no_dom0_bit(subject: Subject) -> Fields | None:
    """There is SUPPORTED_FEATURES, and neither it nor FEATURES has the bit of dom0."""
    if subject.note(XenElfNote.SUPPORTED_FEATURES) is None:
        return None
    if subject.parms.f_supported & XenFeat.DOM0:
        return None
    return {"where": where.of_type(subject, XenElfNote.SUPPORTED_FEATURES)}
