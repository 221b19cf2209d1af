# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules U1, V1 and V2: what libxenguest does with a file that libelf refuses as a kernel.

xc_dom_find_loader (tools/libs/guest/xg_dom_core.c) tries its loaders in turn, without a log.  For
a PVH domain the loader of HVM firmware (xg_dom_hvmloader.c) accepts any ELF file without valid
Xen notes; it comes before the loader of bzImages.
"""

from __future__ import annotations

from enum import Enum

from ....elf import spec
from ...model.candidate import Candidate
from ...names import DOMU, PV_DOMU, PVH_DOMU
from ..rule import Effect, Fields, Probe, Rule
from .building import FIRMWARE_RULES


class Taker(Enum):
    """The loader of libxenguest that accepts a file after libelf has refused it as a kernel."""

    NONE = "no loader"
    FIRMWARE = "the loader of HVM firmware"


def taker(probe: Probe, candidate: Candidate) -> Taker:
    """Return the loader that accepts a file for which a probe has failed."""
    if probe is Probe.FILE or candidate.loader == PV_DOMU or candidate.from_bzimage:
        return Taker.NONE
    return Taker.FIRMWARE


def _no_loader(_: Candidate) -> Fields | None:
    """No loader accepts the file: a Z, E, F, C or A rule names the reason."""
    return {}


def _not_32bit(candidate: Candidate) -> Fields | None:
    """The file is an ELF64 that libelf refuses, so the loader of HVM firmware reads it."""
    return {} if candidate.elf.ei_class != spec.ELFCLASS32 else None


def _firmware(candidate: Candidate) -> Fields | None:
    """The file is an ELF32 that libelf refuses, and e_entry is in a segment."""
    return {"entry": candidate.elf.e_entry} if _has_entry(candidate) else None


def _firmware_without_entry(candidate: Candidate) -> Fields | None:
    """The file is an ELF32 that libelf refuses, and e_entry is not in a segment."""
    return None if _has_entry(candidate) else {"entry": candidate.elf.e_entry}


def _has_entry(candidate: Candidate) -> bool:
    entry = candidate.elf.e_entry
    return any(
        0 <= entry - segment.p_paddr < segment.p_filesz for segment in candidate.elf.loadable
    )


_XC_DOM_LOAD_HVM_KERNEL = "tools/libs/guest/xg_dom_hvmloader.c, xc_dom_load_hvm_kernel"

RULES = {
    Taker.NONE: (
        Rule(
            "U1",
            DOMU,
            _no_loader,
            "xc_dom_find_loader: no loader found: Invalid kernel",
            "",
            source="tools/libs/guest/xg_dom_core.c, xc_dom_find_loader",
            live=True,
        ),
    ),
    Taker.FIRMWARE: (
        Rule(
            "V1",
            (PVH_DOMU,),
            _not_32bit,
            "xc_dom_parse_hvm_kernel: ELF image is not 32bit: Invalid kernel",
            "",
            source="tools/libs/guest/xg_dom_hvmloader.c, xc_dom_parse_hvm_kernel",
            live=True,
        ),
        Rule(
            "V2",
            (PVH_DOMU,),
            _firmware,
            "libxenguest takes it for HVM firmware, without a word, and enters at e_entry, "
            "{entry:#x}",
            "",
            Effect.WARNING,
            source=_XC_DOM_LOAD_HVM_KERNEL,
            live=True,
        ),
        Rule(
            "V2",
            (PVH_DOMU,),
            _firmware_without_entry,
            "libxenguest takes it for HVM firmware, without a word, and enters at e_entry, "
            "{entry:#x}, where nothing of the file is",
            "",
            Effect.ERROR,
            source=_XC_DOM_LOAD_HVM_KERNEL,
            live=True,
        ),
        *FIRMWARE_RULES,
    ),
}
"""The rules of each outcome.  Messages are those of libxenguest without file and line, which differ
among releases; the reason and the fix are those of the rule that refused the kernel."""
