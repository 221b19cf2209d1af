# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rule G8: memory that a machine, or a domain, may not have (grub-core/lib/relocator.c)."""

from __future__ import annotations

from ...model.candidate import Candidate
from ...model.grub.memory import memory_end
from ...model.pc_memory import SMALL_RAM_END
from ...names import GRUB
from .. import common
from ..rule import Effect, Fields, Rule


def _behind_ram(candidate: Candidate) -> Fields | None:
    """The kernel ends above 256 MiB, the memory of a small machine."""
    end = memory_end(candidate)
    if end <= SMALL_RAM_END:
        return None
    return {"assumed": SMALL_RAM_END >> 20, "where": f"the kernel's memory ends at {end:#x}"}


RULES = (
    Rule(
        "G8",
        GRUB,
        _behind_ram,
        "the machine may have no memory for the kernel: out of memory, or the guest is dead "
        "without a word",
        common.MORE_MEMORY,
        Effect.WARNING,
        source="GRUB 2.06, grub-core/lib/relocator.c, grub_relocator_alloc_chunk_addr",
        live=True,
    ),
)
