# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The K rules of crosvm, which does not support PVH (x86_64/src/lib.rs, commit f1e797a).

load_kernel enters an ELF file at e_entry, in the state of Linux's boot protocol.  A file whose
multiboot header has addresses is started by multiboot.
"""

from __future__ import annotations

from ...abi import XenElfNote
from ...elf import spec
from ..model import where
from ..model.candidate import Candidate
from ..model.crosvm import CrosvmError, loaded
from ..model.libelf.parms import UNSET_ADDR, UNSET_ADDR32
from ..names import CROSVM
from . import common
from .rule import Condition, Effect, Fields, Rule

_RAM_END = 256 << 20
"""The end of RAM without --mem, in bytes: 256 MiB."""


def _giving_up(error: CrosvmError, words: str, *fields: str) -> Condition:
    """Return the condition that load_kernel fails with one of its errors.

    words: its docstring; fields: the header fields that the finding names.
    """

    def condition(candidate: Candidate) -> Fields | None:
        found = loaded(candidate)
        if found.error is not error:
            return None
        if found.multiboot is not None:
            return common.multiboot_header(found.multiboot)
        if found.segment is not None:
            return {"where": where.segment(candidate, found.segment, *fields)}
        if candidate.image.elf is None or not fields:
            return {"where": common.start_of_file(candidate)}
        return {"where": where.header(candidate, *fields)}

    condition.__doc__ = words
    return condition


def _bzimage(candidate: Candidate) -> Fields | None:
    """The file is no ELF file, and has a setup header with "HdrS" at offset 0x202."""
    is_read = 0x206 <= _header_end(candidate) <= candidate.data.size
    if loaded(candidate).error is not CrosvmError.MAGIC or not is_read:
        return None
    return common.setup_header(candidate.data)


def _no_bzimage(candidate: Candidate) -> Fields | None:
    """The file is no ELF file, and has no setup header with "HdrS" at offset 0x202."""
    if loaded(candidate).error is not CrosvmError.MAGIC or _bzimage(candidate) is not None:
        return None
    file = candidate.data
    words = "bad kernel header signature"
    if file.size < _header_end(candidate):
        words = f"unable to read {'header size' if file.size < 0x202 else 'boot_params'}"
    return {"words": words, "where": common.start_of_file(candidate)}


def _header_end(candidate: Candidate) -> int:
    """Return the file offset of the end of the setup header, to which its jump leads."""
    return 0x202 + (candidate.data.unsigned(0x201, 1) or 0)


def _cut_bzimage(candidate: Candidate) -> Fields | None:
    """The bzImage is shorter than its header says."""
    file = candidate.data
    syssize = file.unsigned(0x1F4, 4) or 0
    sectors = file.unsigned(0x1F1, 1) or 4
    if _bzimage(candidate) is None or (sectors + 1) * 512 + syssize * 16 <= file.size:
        return None
    return {"syssize": syssize, "where": f"syssize = {syssize:#x} at offset 0x1f4 of the file"}


def _multiboot(candidate: Candidate) -> Fields | None:
    """The file has a multiboot header with addresses."""
    found = loaded(candidate)
    if found.multiboot is None:
        return None
    return common.multiboot_header(found.multiboot)


def _entered_by_xen_alone(candidate: Candidate) -> Fields | None:
    """e_entry is the address that the note PHYS32_ENTRY or ENTRY gives."""
    entry = candidate.elf.e_entry
    if entry not in _xen_entries(candidate):
        return None
    return _entry(candidate)


def _entered_at_e_entry(candidate: Candidate) -> Fields | None:
    """e_entry is neither the address of PHYS32_ENTRY nor that of ENTRY."""
    return None if _entered_by_xen_alone(candidate) is not None else _entry(candidate)


def _xen_entries(candidate: Candidate) -> set[int]:
    return {candidate.parms.phys_entry, candidate.parms.virt_entry} - {UNSET_ADDR, UNSET_ADDR32}


def _entry(candidate: Candidate) -> Fields:
    notes = where.of_type(candidate, XenElfNote.PHYS32_ENTRY)
    return {
        "entry": candidate.elf.e_entry,
        "bits": candidate.elf.bits,
        "where": f"{where.header(candidate, 'e_entry')}; {notes}",
    }


def _behind_ram(candidate: Candidate) -> Fields | None:
    """A segment ends above 256 MiB, the memory of a machine without --mem."""
    for segment in candidate.elf.segments:
        end = segment.p_paddr + segment.p_filesz
        if segment.p_type == spec.PT_LOAD and segment.p_filesz and end > _RAM_END:
            place = where.segment(candidate, segment, "p_paddr", "p_filesz")
            return {"assumed": _RAM_END >> 20, "where": place}
    return None


_SOURCE = "crosvm f1e797a, "
_LOAD_KERNEL = _SOURCE + "x86_64/src/lib.rs, load_kernel"
_MULTIBOOT = _SOURCE + "kernel_loader/src/multiboot.rs, multiboot_header"
_LOAD_ELF = _SOURCE + "kernel_loader/src/lib.rs, load_elf"
_READ_ELF = _SOURCE + "kernel_loader/src/lib.rs, read_elf"
_BZIMAGE = _SOURCE + "x86_64/src/bzimage.rs, load_bzimage"
_HEADERS = "link the ELF file anew, with a linker's own headers"


def _row(name: str, error: CrosvmError, words: str, fix: str, source: str, *fields: str) -> Rule:
    message = f"error loading Kernel: {error.value}"
    return Rule(name, (CROSVM,), _giving_up(error, words, *fields), message, fix, source=source)


RULES = (
    _row(
        "K1",
        CrosvmError.FLAGS,
        "The multiboot header has flags other than bits 0 to 2 and 16.",
        common.NO_MULTIBOOT,
        _MULTIBOOT,
    ),
    _row(
        "K1",
        CrosvmError.ADDRESSES,
        "The addresses of the multiboot header contradict each other, or exceed the file.",
        common.NO_MULTIBOOT + ", or correct its addresses",
        _MULTIBOOT,
    ),
    _row("K2", CrosvmError.HEADER, "The file ends within a header.", common.TRUNCATED, _READ_ELF),
    Rule(
        "K3",
        (CROSVM,),
        _cut_bzimage,
        "error loading kernel bzImage: invalid syssize value {syssize}",
        "build or copy the image anew: it is truncated",
        source=_BZIMAGE,
    ),
    Rule(
        "K3",
        (CROSVM,),
        _bzimage,
        common.BZIMAGE,
        "there is no PVH in crosvm: start the image by QEMU, Firecracker or Xen",
        Effect.WARNING,
        last=True,
        source=_BZIMAGE,
    ),
    Rule(
        "K3",
        (CROSVM,),
        _no_bzimage,
        "error loading kernel bzImage: {words}",
        "give the uncompressed ELF file: nothing is unwrapped",
        source=_BZIMAGE,
    ),
    _row(
        "K2",
        CrosvmError.BIG_ENDIAN,
        "EI_DATA is not little-endian.",
        common.LITTLE_ENDIAN,
        _READ_ELF,
    ),
    _row("K2", CrosvmError.VERSION, "EI_VERSION is not 1.", _HEADERS, _READ_ELF),
    _row("K2", CrosvmError.CLASS, "EI_CLASS is neither ELF32 nor ELF64.", _HEADERS, _READ_ELF),
    _row(
        "K2",
        CrosvmError.PHENTSIZE,
        "e_phentsize is not that of the class, or the last PT_LOAD ends below the first.",
        _HEADERS + ", and its segments in the order of their addresses",
        _READ_ELF,
        *("e_phentsize", "e_phnum"),
    ),
    _row(
        "K2", CrosvmError.PHOFF, "e_phoff is within the ELF header.", _HEADERS, _READ_ELF, "e_phoff"
    ),
    _row(
        "K2",
        CrosvmError.PHDR,
        "A program header ends after the end of the file.",
        common.TRUNCATED,
        _READ_ELF,
        *("e_phoff", "e_phnum"),
    ),
    _row(
        "K4",
        CrosvmError.LOW,
        "A segment is below 2 MiB.",
        "load the kernel at 2 MiB or above: set p_paddr in the linker script, AT()",
        _LOAD_ELF,
        *("p_paddr", "p_memsz"),
    ),
    _row(
        "K4",
        CrosvmError.MEMSZ,
        "p_paddr + p_memsz overflows 64 bits.",
        "correct p_memsz",
        _LOAD_ELF,
        *("p_paddr", "p_memsz"),
    ),
    _row(
        "K4",
        CrosvmError.IMAGE,
        "The bytes of a segment, or those of a multiboot header's addresses, are not in the file, "
        "or p_paddr is not memory.",
        "set p_paddr in the linker script, AT(), to physical memory; if the file is shorter than "
        "it says, link or copy it anew",
        _LOAD_ELF,
        *("p_offset", "p_paddr", "p_filesz"),
    ),
    _row(
        "K4",
        CrosvmError.NO_LOADS,
        "The file has no PT_LOAD.",
        "link an executable",
        _LOAD_ELF,
        "e_phnum",
    ),
    _row(
        "K5",
        CrosvmError.ENTRY,
        "e_entry is not between the start of the first PT_LOAD and the end of the last.",
        "make e_entry a physical address in a segment: ENTRY() in the linker script",
        _LOAD_ELF,
        "e_entry",
    ),
    Rule(
        "K1",
        (CROSVM,),
        _multiboot,
        "the image is started by multiboot, in 32-bit mode",
        common.NO_MULTIBOOT,
        Effect.WARNING,
        last=True,
        source=_LOAD_KERNEL,
    ),
    Rule(
        "K6",
        (CROSVM,),
        _entered_by_xen_alone,
        "crosvm has no PVH: it enters at {entry:#x} in {bits}-bit mode, without start_info, and "
        "the guest is dead",
        "start the image by QEMU, Firecracker or Xen, or make e_entry one of Linux's protocol",
        Effect.ERROR,
        source=_LOAD_KERNEL,
    ),
    Rule(
        "K6",
        (CROSVM,),
        _entered_at_e_entry,
        "crosvm has no PVH: it enters at {entry:#x} in {bits}-bit mode, by Linux's boot protocol",
        "start the image by QEMU, Firecracker or Xen, if its e_entry is not for that",
        Effect.WARNING,
        source=_LOAD_KERNEL,
    ),
    Rule(
        "K7",
        (CROSVM,),
        _behind_ram,
        "the machine may have no memory for a segment: unable to read kernel image",
        common.MORE_MEMORY,
        Effect.WARNING,
        source=_LOAD_ELF,
    ),
)
