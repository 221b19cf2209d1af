# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rule R10: how Cloud Hypervisor loads a bzImage (BzImage::load of linux-loader 0.14.0).

Cloud Hypervisor tries BzImage::load when Elf::load fails.  Firecracker, up to 1.16.1, and libkrun
accept ELF files only.
"""

from __future__ import annotations

from ...model.candidate import Candidate
from ...names import CLOUD_HYPERVISOR
from .. import common
from ..rule import Effect, Fields, Rule
from .elf_load import FLOOR, failed

_LOADED_HIGH = 1


def _is_bzimage(candidate: Candidate) -> bool:
    """Whether Cloud Hypervisor loads the file as a bzImage: not as an ELF file."""
    file = candidate.data
    return (
        failed(candidate)
        and common.setup_header(file) is not None
        and (file.unsigned(0x206, 2) or 0) >= 0x200
        and bool((file.unsigned(0x211, 1) or 0) & _LOADED_HIGH)
    )


def _cut(candidate: Candidate) -> Fields | None:
    """The bzImage ends within its setup code."""
    sectors = candidate.data.unsigned(0x1F1, 1) or 4
    if not _is_bzimage(candidate) or (sectors + 1) * 512 <= candidate.data.size:
        return None
    return {"where": "setup_sects at offset 0x1f1 of the file"}


def _low(candidate: Candidate) -> Fields | None:
    """The code32_start of the bzImage is below 1 MiB."""
    start = candidate.data.unsigned(0x214, 4) or 0
    if not _is_bzimage(candidate) or start >= FLOOR:
        return None
    return {"where": f"code32_start = {start:#x} at offset 0x214 of the file"}


def _bzimage(candidate: Candidate) -> Fields | None:
    """The file is a bzImage."""
    return common.setup_header(candidate.data) if _is_bzimage(candidate) else None


_LOAD = "rust-vmm/linux-loader 0.14.0, src/loader/bzimage/mod.rs, BzImage::load"

RULES = (
    Rule(
        "R10",
        (CLOUD_HYPERVISOR,),
        _cut,
        "Kernel Loader: failed to load bzImage kernel image: Kernel Loader: Underflow occurred "
        "during an arithmetic operation",
        common.CUT_SETUP,
        source=_LOAD,
    ),
    Rule(
        "R10",
        (CLOUD_HYPERVISOR,),
        _low,
        "Kernel Loader: invalid kernel start address",
        "build or copy the image anew: Linux's code32_start is 0x100000",
        source=_LOAD,
    ),
    Rule(
        "R10",
        (CLOUD_HYPERVISOR,),
        _bzimage,
        common.BZIMAGE,
        common.VMLINUX,
        Effect.WARNING,
        last=True,
        source="cloud-hypervisor 53.0, vmm/src/vm.rs, load_kernel",
    ),
)
