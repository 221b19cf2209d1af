# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""How the guest calls Xen."""

from __future__ import annotations

from .. import abi
from ..elf import spec
from .items import EXECUTABLE, TEXT, HeadSection, Label, Zeros


def hypercall_page() -> HeadSection:
    """Zeros: Xen fills the page when it builds the domain."""
    items: list[Label | Zeros] = [Label("hypercall_page", abi.PAGE_SIZE)]
    for number in range(abi.PAGE_SIZE // abi.HYPERCALL_SLOT_SIZE):
        if number in abi.HYPERCALLS:
            name = f"xen_hypercall_{abi.HYPERCALLS[number]}"
            items.append(Label(name, abi.HYPERCALL_SLOT_SIZE, spec.STB_LOCAL, spec.STT_FUNC))
        items.append(Zeros(abi.HYPERCALL_SLOT_SIZE))
    return HeadSection(TEXT, spec.SHT_PROGBITS, EXECUTABLE, abi.PAGE_SIZE, tuple(items))
