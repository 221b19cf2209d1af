# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The J rules of kexec-tools 2.0.25, `kexec -c -l`, which replaces Linux by another kernel.

It enters an ELF file at e_entry, and knows no PVH.  A crash kernel (-p) must also lie in the
memory of crashkernel=.
"""

from __future__ import annotations

from collections.abc import Callable

from ...abi import XenElfNote
from ..model import where
from ..model.candidate import Candidate
from ..model.kexec import files, memory
from ..model.kexec.elf import UNKNOWN, wrong_elf
from ..model.kexec.files import FileType
from ..model.libelf.parms import UNSET_ADDR, UNSET_ADDR32
from ..model.pc_memory import SMALL_RAM_END
from ..names import KEXEC
from . import common
from .rule import Effect, Fields, Rule

_BZIMAGES = (FileType.BZIMAGE, FileType.BZIMAGE_64)
_CMDLINE_SIZE_SINCE = 0x206


def _empty(candidate: Candidate) -> Fields | None:
    """The file has no bytes."""
    return None if candidate.data.size else {"where": "the file has 0 bytes"}


def _wrong_elf(candidate: Candidate) -> Fields | None:
    """The file is an ELF file, but its headers, sections or notes are not in order."""
    elf = candidate.image.elf
    words = wrong_elf(candidate)
    if elf is None or words is None or files.file_type(candidate) is not None:
        return None
    fields = ("e_type", "e_machine", "e_phoff", "e_phnum", "e_shoff", "e_shnum")
    return {"words": words, "where": where.header(candidate, *fields)}


def _wrong_multiboot(candidate: Candidate) -> Fields | None:
    """The file has a multiboot header that kexec refuses, and is no other kernel."""
    header = files.multiboot(candidate.data)
    words = files.wrong_multiboot(candidate.data)
    if header is None or words is None or files.file_type(candidate) is not None:
        return None
    return {"words": words, **common.multiboot_header(header[0])}


def _unknown(candidate: Candidate) -> Fields | None:
    """The file is neither an ELF file of x86, nor a bzImage, nor has it a multiboot header."""
    if files.file_type(candidate) is not None:
        return None
    return {"where": common.start_of_file(candidate)}


def _cut_bzimage(candidate: Candidate) -> Fields | None:
    """The bzImage ends within its setup code."""
    if files.file_type(candidate) not in _BZIMAGES:
        return None
    sectors = candidate.data.unsigned(0x1F1, 1) or 4
    if (sectors + 1) * 512 <= candidate.data.size:
        return None
    return {"where": "setup_sects at offset 0x1f1 of the file"}


def _no_command_line(candidate: Candidate) -> Fields | None:
    """The bzImage takes no command line, not even an empty one."""
    if files.file_type(candidate) not in _BZIMAGES:
        return None
    protocol = candidate.data.unsigned(0x206, 2) or 0
    if protocol < _CMDLINE_SIZE_SINCE or candidate.data.unsigned(0x238, 4):
        return None
    return {"where": "cmdline_size = 0 at offset 0x238 of the file"}


def _bzimage(candidate: Candidate) -> Fields | None:
    """The file is a bzImage."""
    found = files.file_type(candidate)
    return common.setup_header(candidate.data) if found in _BZIMAGES else None


def _misplaced(candidate: Candidate) -> Fields | None:
    """A segment does not begin at a page, or is at an address where no PC has RAM."""
    found = memory.misplaced(candidate)
    return None if found is None else {"words": found[0], **_at(candidate, found[1])}


def _overlapping(candidate: Candidate) -> Fields | None:
    """Two segments share a page of memory."""
    found = memory.overlapping(candidate)
    return None if found is None else {"end": found[0].end, **_at(candidate, found[1])}


def _many(candidate: Candidate) -> Fields | None:
    """The file has more than 14 segments with p_memsz above 0."""
    count = len(memory.places(candidate))
    if count + 2 <= memory.SEGMENTS:
        return None
    return {"where": f"{count} program headers of type PT_LOAD with p_memsz above 0"}


def _cannot_move(candidate: Candidate) -> Fields | None:
    """The kernel does not fit where its multiboot 2 header allows it to lie."""
    words = memory.cannot_move(candidate)
    return None if words is None else {"words": words, "where": common.start_of_file(candidate)}


def _moved(candidate: Candidate) -> Fields | None:
    """The kernel may move (ET_DYN, or multiboot 2), and no PC has RAM at its addresses."""
    return {"where": where.header(candidate, "e_type")} if memory.is_moved(candidate) else None


def _behind_ram(candidate: Candidate) -> Fields | None:
    """A segment ends above 256 MiB, the memory of a small machine."""
    for place in () if memory.is_moved(candidate) else memory.places(candidate):
        if place.end > SMALL_RAM_END:
            return {"assumed": SMALL_RAM_END >> 20, **_at(candidate, place)}
    return None


def _multiboot(candidate: Candidate) -> Fields | None:
    """The file is for multiboot or multiboot 2."""
    found = files.file_type(candidate)
    if found not in (FileType.MULTIBOOT, FileType.MULTIBOOT_2):
        return None
    return {"type": found.value, "where": common.start_of_file(candidate)}


def _dead(candidate: Candidate) -> Fields | None:
    """e_entry is where no bytes of a segment are, or is the address of PHYS32_ENTRY or ENTRY."""
    parms = candidate.parms
    xen_entries = {parms.phys_entry, parms.virt_entry} - {UNSET_ADDR, UNSET_ADDR32}
    entry = candidate.elf.e_entry
    found = (place.segment for place in memory.places(candidate))
    runs = any(s and s.p_paddr <= entry < s.p_paddr + s.p_filesz for s in found)
    return None if runs and entry not in xen_entries else _entry(candidate)


def _entered(candidate: Candidate) -> Fields | None:
    """e_entry is where bytes of a segment are, and is no entry for Xen."""
    return None if _dead(candidate) is not None else _entry(candidate)


def _entry(candidate: Candidate) -> Fields:
    is_64 = files.file_type(candidate) is FileType.ELF_64
    notes = where.of_type(candidate, XenElfNote.PHYS32_ENTRY)
    return {
        "entry": candidate.elf.e_entry,
        "bits": 64 if is_64 else 32,
        "where": f"{where.header(candidate, 'e_entry')}; {notes}",
    }


def _at(candidate: Candidate, place: memory.KexecPlace) -> Fields:
    if place.segment is None:
        offset, _ = files.multiboot(candidate.data) or (0, 0)
        return common.multiboot_header(offset)
    return {"where": where.segment(candidate, place.segment, "p_paddr", "p_memsz")}


_SOURCE = "kexec-tools 2.0.25, kexec/"
_PROBE = _SOURCE + "kexec-elf-exec.c, build_elf_exec_info"
_MULTIBOOT_PROBE = _SOURCE + "arch/i386/kexec-multiboot-x86.c, multiboot_x86_probe"
_MY_LOAD = _SOURCE + "kexec.c, my_load"
_ADD_SEGMENT = _SOURCE + "kexec.c, add_segment_phys_virt"
_LOAD_BZIMAGE = _SOURCE + "arch/i386/kexec-bzImage.c, do_bzImage_load"
_LOAD_ELF = _SOURCE + "arch/x86_64/kexec-elf-x86_64.c, elf_x86_64_load"
_OTHER_LOADER = (
    "start the image by Xen or QEMU, or make e_entry the physical address of an entry for "
    "Linux's boot protocol, and type --args-linux"
)


def _row(
    name: str,
    condition: Callable[[Candidate], Fields | None],
    message: str,
    fix: str,
    source: str,
    effect: Effect = Effect.REFUSED,
    *,
    last: bool = False,
    live: bool = False,
) -> Rule:
    return Rule(
        name, (KEXEC,), condition, message, fix, effect, last=last, source=source, live=live
    )


RULES = (
    _row("J1", _empty, "Cannot read", "link or copy the image anew", _MY_LOAD, live=True),
    _row(
        "J2",
        _wrong_elf,
        "{words}",
        "link an executable without an interpreter, with the headers of a linker",
        _PROBE,
        live=True,
    ),
    _row(
        "J3",
        _wrong_multiboot,
        "{words}",
        "correct the multiboot header",
        _MULTIBOOT_PROBE,
        live=True,
    ),
    _row(
        "J1",
        _unknown,
        UNKNOWN,
        "give the uncompressed ELF file, or a bzImage: Debian's kexec unpacks nothing",
        _MY_LOAD,
        live=True,
    ),
    _row("J4", _cut_bzimage, "BzImage truncated?", common.CUT_SETUP, _LOAD_BZIMAGE, live=True),
    _row(
        "J4",
        _no_command_line,
        "Cannot load",
        "make cmdline_size of the bzImage's header the size of a command line, such as 2047",
        _LOAD_BZIMAGE,
        live=True,
    ),
    _row(
        "J4",
        _bzimage,
        common.BZIMAGE,
        "there is no PVH in kexec: start the image by Xen or QEMU",
        _LOAD_BZIMAGE,
        Effect.WARNING,
        last=True,
        live=True,
    ),
    _row(
        "J8",
        _cannot_move,
        "{words}",
        "correct the tags of the multiboot 2 header: let the kernel fit into RAM between the "
        "lowest and the highest address of the tag for relocation",
        _SOURCE + "kexec-elf-exec.c, elf_exec_load_relocatable",
        live=True,
    ),
    _row(
        "J5",
        _misplaced,
        "{words}",
        "let each segment begin at a multiple of 4096, in RAM: set p_paddr in the linker script, "
        "AT()",
        _ADD_SEGMENT,
        live=True,
    ),
    _row(
        "J6",
        _overlapping,
        "Overlapping memory segments at {end:#x}",
        "let no two segments share a page: set p_paddr in the linker script, AT()",
        _SOURCE + "kexec.c, sort_segments",
        live=True,
    ),
    _row(
        "J7",
        _many,
        "Warning: kernel segment limit reached. This will likely fail",
        "link fewer segments: Linux takes 16, of which two are kexec's",
        _ADD_SEGMENT,
        Effect.ERROR,
        live=True,
    ),
    _row(
        "J8",
        _moved,
        "the kernel is moved to where memory is free",
        f"be sure that it runs at any address, or {common.ABOVE_FIRST_MIB}",
        _SOURCE + "kexec-elf-exec.c, get_elf_exec_load_base",
        Effect.WARNING,
        live=True,
    ),
    _row(
        "J5",
        _behind_ram,
        "the machine may have no memory for a segment: Invalid memory segment",
        common.MORE_MEMORY,
        _ADD_SEGMENT,
        Effect.WARNING,
    ),
    _row(
        "J9",
        _multiboot,
        "the image is started by multiboot ({type}), in 32-bit mode; notes do not matter",
        "make sure that the entry point expects multiboot: 32-bit mode without paging",
        _MULTIBOOT_PROBE,
        Effect.WARNING,
        last=True,
        live=True,
    ),
    _row(
        "J10",
        _dead,
        "kexec has no PVH: it enters at {entry:#x} in {bits}-bit mode, without start_info, and "
        "the guest is dead",
        _OTHER_LOADER,
        _LOAD_ELF,
        Effect.ERROR,
    ),
    _row(
        "J10",
        _entered,
        "kexec has no PVH: it enters at {entry:#x} in {bits}-bit mode, with the notes of an ELF "
        "boot, or by Linux's boot protocol if --args-linux is given",
        _OTHER_LOADER,
        _LOAD_ELF,
        Effect.WARNING,
    ),
)
