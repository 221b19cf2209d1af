# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Model how GRUB 2.06 reads a kernel file: its commands multiboot and linux, and pvgrub.

by_grub() and by_grub_xen() unwrap.  A file that gzio, xzio or lzopio can read is read unpacked by
every command.  x86_64-xen and i386-xen unwrap a bzImage besides (grub_xen_file, grub-core/loader/
i386/xen_file.c), of the same compressions.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...abi import XenElfNote
from ...elf import spec
from ...image.container import KernelFile, has_setup_header, unwrap
from ...image.data import Data
from ...image.elf import ADDRESS_MASK, Elf
from ...image.notes import TOTAL_NOTE_LIMIT
from ...light import NamedTuple
from .candidate import Candidate
from .decoders import xen_refuses
from .multiboot import MAGIC, find
from .releases import Xen
from .unwrapped import Found

SEARCH = 8192
"""Bytes in which a multiboot header and the program headers have to be."""
UNKNOWN_FLAGS = 0xFFF8

_FILTERS = ("gzip", "xz", "LZO")
_BZIMAGE = "bzImage"
_LINUX_HEADER = 0x268
"""Bytes of struct linux_i386_kernel_header."""
_HAS_INIT_SIZE = 0x20A
"""The boot protocol from which on GRUB reads init_size."""
_MOST_MEMORY = 3 << 30
"""Bytes: PCs keep the last GiB below 4 GiB for devices."""
_NOTE_HEADER = 12
_SETUP_SECTORS = 64
_PAGE_MASK = 0xFFF
_PAE_MODES = (b"yes", b"bimodal", b"yes,bimodal")


def by_grub(kernel: KernelFile, _: Xen) -> Found:
    """Return what GRUB reads as the file: unpacked by a filter, if one knows it."""
    data = _filtered(kernel) if kernel.container[:1] != (_BZIMAGE,) else None
    return Found(data or kernel.file, data or kernel.file)


def by_grub_xen(kernel: KernelFile, xen: Xen) -> Found:
    """Return what grub_xen_file finds: an ELF file, in a bzImage or not."""
    file = by_grub(kernel, xen).data
    if file is not kernel.file:
        kernel = unwrap(kernel.path, file)
    if kernel.container[:1] != (_BZIMAGE,) or file.read(0, 4) == spec.ELFMAG:
        return Found(file, file)
    data = _filtered(kernel) if kernel.compressed else kernel.payload
    return Found(data or file, file)


def _filtered(kernel: KernelFile) -> Data | None:
    """Return the content of a stream; None if it is for no filter, or that refuses it."""
    codec = kernel.container[-1:]
    if codec == ("gzip",) and xen_refuses(kernel) is not None:
        # gzio and Xen's gunzip refuse the same flag.
        return None
    if kernel.container == ("xz",) and kernel.file.read(kernel.file.size - 2, 2) != b"YZ":
        # xzio looks for the footer at the end of the file, and is told of a bzImage's last word.
        return None
    return kernel.payload if codec and codec[0] in _FILTERS else None


def header(candidate: Candidate) -> tuple[int, int] | None:
    """Return offset and flags of the multiboot header; None if there is none (find_header)."""
    return find(candidate.data, MAGIC, min(SEARCH, candidate.data.size) - 11)


def wrong_addresses(data: Data, offset: int) -> str | None:
    """Return why load_kernel refuses a header with addresses, in its words."""
    header_addr, load, load_end, bss_end = (
        data.unsigned(offset + 12 + 4 * i, 4) or 0 for i in range(4)
    )
    start = offset - (header_addr - load)
    size = load_end - load if load_end else data.size - start
    memory = bss_end - load if bss_end else size
    if memory < 0 or load + memory > 1 << 32:
        return "address is out of range"
    if bss_end and memory < size:
        return "GRUB itself crashes: bss_end_addr is below the end of what it loads"
    return None if 0 <= start <= data.size else "attempt to seek outside of the file"


def wrong_elf(candidate: Candidate) -> str | None:
    """Return why grub_multiboot_load_elf refuses a file (multiboot_elfxx.c), in its words."""
    head = candidate.data.read(0, spec.EHDR_SIZE[64])
    ei_class = head[spec.EI_CLASS]
    elf = candidate.image.elf
    if ei_class not in (spec.ELFCLASS32, spec.ELFCLASS64):
        return "invalid arch-dependent ELF magic"
    if elf is None or head[spec.EI_DATA] != spec.ELFDATA2LSB:
        return "invalid arch-independent ELF magic"
    machine = spec.EM_X86_64 if elf.bits == 64 else spec.EM_386
    if elf.e_machine != machine or elf.e_version != spec.EV_CURRENT:
        return "invalid arch-dependent ELF magic"
    if elf.e_type not in (spec.ET_EXEC, spec.ET_DYN):
        return "this ELF file is not of the right type"
    if elf.e_phoff + elf.e_phnum * elf.e_phentsize > SEARCH:
        return "program header at a too high offset"
    return _wrong_segments(elf)


def _wrong_segments(elf: Elf) -> str | None:
    loads = [segment for segment in elf.segments if segment.p_type == spec.PT_LOAD]
    ends = [segment.p_paddr + segment.p_memsz for segment in loads]
    if elf.bits == 64 and max(ends, default=0) >= 1 << 32:
        return "segment crosses 4 GiB border"
    placed: list[tuple[int, int]] = []
    for segment in loads:
        start, end = segment.p_paddr, segment.p_paddr + segment.p_memsz
        if end > 1 << 32:
            return "address is out of range"
        if any(first < end and start < last for first, last in placed):
            return "overlap detected"
        placed.append((start, end))
        if segment.p_filesz and segment.p_offset + segment.p_filesz > elf.data.size:
            return "premature end of file"
    return None if entry(elf) is not None else "entry point isn't in a segment"


def entry(elf: Elf) -> int | None:
    """Return the physical address of e_entry, by the first segment of any type that has it."""
    for segment in elf.segments:
        if segment.p_vaddr <= elf.e_entry < segment.p_vaddr + segment.p_memsz:
            return elf.e_entry - segment.p_vaddr + segment.p_paddr
    return None


def wrong_bzimage(data: Data) -> str | None:
    """Return why the command linux refuses a file (grub_cmd_linux, loader/i386/linux.c)."""
    if data.size < _LINUX_HEADER:
        return "premature end of file"
    if data.unsigned(0x1FE, 2) != 0xAA55:
        return "invalid magic number"
    if (data.unsigned(0x1F1, 1) or 0) > _SETUP_SECTORS:
        return "too many setup sectors"
    if not has_setup_header(data) or (data.unsigned(0x206, 2) or 0) < 0x203:
        return "version too old for 32-bit boot (try with `linux16')"
    if not (data.unsigned(0x211, 1) or 0) & 1:
        return "zImage doesn't support 32-bit boot (try with `linux16')"
    return None


def breaks_heap(data: Data) -> bool:
    """Whether init_size of a bzImage makes the command linux write over GRUB's heap.

    allocate_pages (loader/i386/linux.c) takes init_size bytes, and the whole file behind the setup
    code is read into them.  malloc_in_range (lib/relocator.c) adds addresses and sizes in 32 bits:
    near 4 GiB the sum wraps, and memory that is in use is found free.
    """
    if (data.unsigned(0x206, 2) or 0) < _HAS_INIT_SIZE:
        return False
    size = max(data.unsigned(0x260, 4) or 0, 1) + _PAGE_MASK & ~_PAGE_MASK
    setup = ((data.unsigned(0x1F1, 1) or 4) + 1) * 512
    return size < data.size - setup or size > _MOST_MEMORY


class XenInfo(NamedTuple):
    """What grub_xen_get_info reads of a kernel, or why it refuses it, in its words."""

    error: str | None
    entry: int = 0
    virt_base: int = 0
    paddr_offset: int = 0
    pae: bool = False


def xen_info(candidate: Candidate) -> XenInfo:
    """Return what pvgrub reads of a kernel: the platform is that of its class."""
    elf = candidate.image.elf
    if elf is None or not _has_header(elf):
        return XenInfo(_no_elf(candidate))
    if elf.e_machine != (spec.EM_X86_64 if elf.bits == 64 else spec.EM_386):
        return XenInfo("unknown ELF type")
    if elf.kept.get(xen_info) is None:
        elf.kept[xen_info] = _by_notes(elf)
    info: XenInfo = elf.kept[xen_info]
    return info


def _has_header(elf: Elf) -> bool:
    known = elf.ei_class in (spec.ELFCLASS32, spec.ELFCLASS64) and not elf.big
    version = elf.data.unsigned(spec.EI_DATA + 1, 1)
    enough = elf.data.size >= spec.EHDR_SIZE[64]
    return known and enough and version == elf.e_version == spec.EV_CURRENT


def _no_elf(candidate: Candidate) -> str:
    file = candidate.image.found.file
    if file.size < _LINUX_HEADER:
        return "not xen image"
    is_linux = file.unsigned(0x1FE, 2) == 0xAA55 and has_setup_header(file)
    if not is_linux or (file.unsigned(0x206, 2) or 0) < 0x208:
        return "version too old for xen boot"
    return "payload too short" if (file.unsigned(0x24C, 4) or 0) < 6 else "not xen image"


def _by_notes(elf: Elf) -> XenInfo:
    info, seen = XenInfo(None, elf.e_entry), False
    whole = elf.e_phoff + elf.e_phnum * elf.e_phentsize <= elf.data.size
    segments = [s for s in elf.segments if s.p_type == spec.PT_NOTE] if whole else []
    sections = [s for s in elf.sections if s.sh_type == spec.SHT_NOTE] if elf.e_shnum else []
    for places in (
        [(s.p_offset, s.p_filesz) for s in segments],
        [(s.sh_offset, s.sh_size) for s in sections],
    ):
        for offset, size in places:
            if offset + size > elf.data.size:
                return info._replace(error="premature end of file")
            for n_type, desc, descsz in _notes(elf.data, offset, size):
                seen = True
                info = _with_note(info, elf, n_type, desc, descsz)
                if info.error is not None:
                    return info
        if seen:
            return info
    if not elf.e_shnum or not elf.e_shentsize:
        return info._replace(error="no XEN note")
    return info._replace(error=None if elf.section("__xen_guest") else "no XEN note found")


def _notes(data: Data, offset: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Yield type, offset and size of the descriptors of Xen's notes (parse_note)."""
    end = offset + size // 4 * 4
    for _ in range(TOTAL_NOTE_LIMIT):
        if offset >= end:
            return
        namesz, descsz, n_type = (data.unsigned(offset + 4 * i, 4) or 0 for i in range(3))
        desc = offset + _NOTE_HEADER + (namesz + 3) // 4 * 4
        owner = b"Xen" if namesz == 3 else b"Xen\0"
        if namesz >= 3 and data.read(offset + _NOTE_HEADER, len(owner)) == owner:
            yield n_type, desc, descsz
        offset = desc + (descsz + 3) // 4 * 4


def _with_note(info: XenInfo, elf: Elf, n_type: int, desc: int, descsz: int) -> XenInfo:
    # A number is read in the width of an address, whatever the size of the descriptor is.
    number = elf.data.unsigned(desc, elf.bits // 8) or 0
    match n_type:
        case XenElfNote.ENTRY:
            return info._replace(entry=number)
        case XenElfNote.VIRT_BASE:
            return info._replace(virt_base=number)
        case XenElfNote.PADDR_OFFSET:
            return info._replace(paddr_offset=number)
        case XenElfNote.LOADER if not _says(elf.data, desc, descsz, b"generic"):
            return info._replace(error="invalid loader")
        case XenElfNote.PAE_MODE:
            yes = any(_says(elf.data, desc, descsz, word) for word in _PAE_MODES)
            return info._replace(pae=yes or (info.pae and not _says(elf.data, desc, descsz, b"no")))
    return info


def _says(data: Data, desc: int, descsz: int, word: bytes) -> bool:
    wanted = word if descsz == len(word) else word + b"\0"
    return descsz >= len(word) and data.read(desc, len(wanted)) == wanted


def refused_by_pvgrub(candidate: Candidate) -> str | None:
    """Return why grub_cmd_xen refuses what grub_xen_get_info took (loader/i386/xen.c)."""
    info, elf = xen_info(candidate), candidate.image.elf
    if info.error is not None or elf is None:
        return info.error
    if elf.bits == 32 and not info.pae:
        return "incompatible architecture: 1"
    return "unaligned virt_base" if info.virt_base & _PAGE_MASK else None


def runs_at(info: XenInfo, elf: Elf, address: int) -> bool:
    """Whether bytes of a segment are at a virtual address once pvgrub has loaded it."""
    paddr = (address - info.virt_base + info.paddr_offset) & ADDRESS_MASK
    loads = (segment for segment in elf.segments if segment.p_type == spec.PT_LOAD)
    return any(s.p_paddr <= paddr < s.p_paddr + s.p_filesz for s in loads)
