# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Conditions, messages and fixes that rules of several loaders share."""

from __future__ import annotations

from ...abi import XenElfNote
from ...elf import spec
from ...image.container import has_setup_header
from ...image.data import Data
from ..model import where
from ..model.candidate import Candidate
from ..model.libelf.parms import UNSET_ADDR32
from .rule import Fields

BZIMAGE = "a bzImage is started by Linux's own boot protocol; notes do not matter"

ABOVE_FIRST_MIB = "load the kernel at 1 MiB or above: set p_paddr in the linker script, AT()"
ADD_PHYS32_ENTRY = "add the note PHYS32_ENTRY, the physical address of a 32-bit entry"
CUT_SETUP = "build or copy the image anew: it ends within Linux's setup code"
ENTRY_IN_SEGMENT = (
    "make PHYS32_ENTRY the physical address of the entry, at the p_paddr of its segment"
)
LITTLE_ENDIAN = "link a little-endian ELF"
MEMSZ = "make p_memsz at least p_filesz"
MORE_MEMORY = (
    "this depends on the machine: give it more memory than {assumed} MiB, or load the kernel lower"
)
NO_MULTIBOOT = "drop the multiboot header, or keep it out of the first 8 KiB"
TRUNCATED = "link or copy the image anew: it is truncated"
VMLINUX = "give the vmlinux to start it by PVH"

PAGE_LIMIT = 1 << 32
"""The most memory of a domain of Xen on x86, in pages: 16 TiB."""
NOT_CHECKED = "none: what the loader leaves to the guest"
"""The source of a rule that no loader checks."""


def no_phys32_entry(candidate: Candidate) -> Fields | None:
    """The image has no PHYS32_ENTRY, but passes the checks of libelf."""
    if candidate.parms.phys_entry != UNSET_ADDR32:
        return None
    return {"where": where.of_type(candidate, XenElfNote.PHYS32_ENTRY)}


def other_machine(candidate: Candidate) -> Fields | None:
    """e_machine is neither x86-64 nor i386."""
    machine = candidate.elf.e_machine
    if machine in (spec.EM_386, spec.EM_X86_64):
        return None
    return {"machine": machine, "where": where.header(candidate, "e_machine")}


def setup_header(file: Data) -> Fields | None:
    """The file has Linux's setup header: "HdrS" at offset 0x202."""
    is_there = has_setup_header(file)
    return {"where": '"HdrS" at offset 0x202 of the file'} if is_there else None


def start_of_file(candidate: Candidate) -> str:
    """Describe the size and the first 8 bytes of the file that the loader parses."""
    start = candidate.data.read(0, 8).hex(" ")
    return f"the file has {candidate.data.size} bytes, and starts with {start or 'none'}"


def multiboot_header(offset: int) -> Fields:
    """Return the fields of a finding about the multiboot header at a file offset."""
    return {"where": f"a multiboot header at offset {offset:#x} of the file"}
