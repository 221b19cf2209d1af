# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules Z3, Z6, E1 and Q10: the format that qemu-system-x86_64 -kernel detects, before PVH.

Source: x86_load_linux of hw/i386/x86.c (QEMU 7.2).  QEMU does not unpack the file.  It tries
Linux's boot protocol and multiboot (Q1, multiboot.py) first.  It loads every other file that is
not an ELF file as a Linux kernel of before 2000, and prints nothing; these rules count that as a
refusal, as the kernel is not started by PVH.
"""

from __future__ import annotations

from ....elf import spec
from ...model.candidate import Candidate
from ...names import QEMU
from .. import common
from ..libelf.headers import GIVE_ELF
from ..rule import Effect, Fields, Rule
from ..unpacking import ANEW, empty
from . import multiboot
from .segments import NOT_LOADED

_INVALID = "invalid kernel header"

_SECTOR = 512
_SETUP_SECTS = 0x1F1


def _cut_setup(candidate: Candidate) -> Fields | None:
    """The bzImage ends within its setup code."""
    file = candidate.kernel.file
    if common.setup_header(file) is None or _setup_size(candidate) <= file.size:
        return None
    return {"where": f"setup_sects at offset {_SETUP_SECTS:#x} of the file"}


def _setup_size(candidate: Candidate) -> int:
    """Return the bytes of the setup code of Linux, which the file is taken to have."""
    sectors = candidate.kernel.file.unsigned(_SETUP_SECTS, 1) or 4
    return (sectors + 1) * _SECTOR


def _linux_protocol(candidate: Candidate) -> Fields | None:
    """The file is a bzImage."""
    return None if _is_elf(candidate) else common.setup_header(candidate.kernel.file)


def _elf_with_linux_protocol(candidate: Candidate) -> Fields | None:
    """The file is an ELF file with "HdrS" at offset 0x202."""
    return common.setup_header(candidate.kernel.file) if _is_elf(candidate) else None


def has_hdrs(candidate: Candidate) -> bool:
    """Whether QEMU loads the file as a bzImage."""
    return common.setup_header(candidate.kernel.file) is not None


def _is_elf(candidate: Candidate) -> bool:
    return candidate.kernel.file.read(0, 4) == spec.ELFMAG


def _compressed(candidate: Candidate) -> Fields | None:
    """The file is a compressed stream."""
    return _raw(candidate) if candidate.kernel.container else None


def _not_elf(candidate: Candidate) -> Fields | None:
    """The file is not an ELF file."""
    return _raw(candidate) if candidate.image.elf is None else None


def _raw(candidate: Candidate) -> Fields:
    """Return the fields for a file that QEMU cannot load as an ELF file; words: what it prints."""
    file = candidate.kernel.file
    words = "it is loaded as a raw Linux kernel, without a word"
    if _setup_size(candidate) > file.size:
        words = _INVALID
    if _is_elf(candidate):
        words = NOT_LOADED
    start = file.read(0, 4).hex(" ")
    return {"words": words, "where": f"the file starts with the bytes {start}"}


_X86_LOAD_LINUX = "QEMU hw/i386/x86.c, x86_load_linux"

RULES = (
    Rule(
        "E1",
        (QEMU,),
        empty,
        "could not load kernel",
        ANEW,
        source=_X86_LOAD_LINUX,
        live=True,
    ),
    Rule(
        "Z3",
        (QEMU,),
        _cut_setup,
        _INVALID,
        common.CUT_SETUP,
        source=_X86_LOAD_LINUX,
        live=True,
    ),
    Rule(
        "Z6",
        (QEMU,),
        _linux_protocol,
        "QEMU starts a bzImage by Linux's own boot protocol; notes do not matter",
        common.VMLINUX,
        Effect.WARNING,
        last=True,
        source=_X86_LOAD_LINUX,
        live=True,
    ),
    Rule(
        "Q10",
        (QEMU,),
        _elf_with_linux_protocol,
        "QEMU takes the file for a bzImage",
        'keep the bytes "HdrS" away from offset 0x202 of the file',
        Effect.ERROR,
        last=True,
        source=_X86_LOAD_LINUX,
        live=True,
    ),
    *multiboot.RULES,
    Rule(
        "Z6",
        (QEMU,),
        _compressed,
        "{words}",
        "give the uncompressed ELF: QEMU unwraps nothing",
        source=_X86_LOAD_LINUX,
        live=True,
    ),
    Rule(
        "E1",
        (QEMU,),
        _not_elf,
        "{words}",
        GIVE_ELF,
        source=_X86_LOAD_LINUX,
        live=True,
    ),
)
