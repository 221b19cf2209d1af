# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Model pvgrub, x86_64-xen and i386-xen: how it reads and loads a PV kernel.

Sources: grub-core/loader/i386/xen_fileXX.c, grub_xen_get_infoXX, and loader/i386/xen.c,
grub_cmd_xen.  The platform is that of the kernel's class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from ....abi import PAGE_SIZE, XenElfNote
from ....elf import spec
from ....image.container import has_setup_header
from ....image.data import Data
from ....image.elf import ADDRESS_MASK, Elf
from ....image.notes import TOTAL_NOTE_LIMIT
from ....light import NamedTuple
from ..candidate import Candidate
from ..libelf.legacy import SECTION
from ..unwrapped import GZIP_MAGIC
from .elf import loads, unreadable
from .linux import HEADER

CRASH = "GRUB itself crashes: the payload of the bzImage unpacks to no ELF file"
"""It closes the payload as if that was not unpacked (grub_file_offset_close, io/offset.c)."""

_XZ_MAGIC = b"\xfd7zXZ\0"
_UNKNOWN_TO_GZIO = 0xE2
"""Flags of gzip's header; a stream with one of them is not unpacked."""
_NOTE_HEADER = 12
_GENERIC = b"generic"
_PAE_MODES = (b"yes", b"bimodal", b"yes,bimodal")
_PAE_VALUES = {value + more for value in (b"yes", b"bimodal") for more in (b"", b"[extended-cr3]")}
_GUEST_KEYS = (b"VIRT_BASE", b"VIRT_ENTRY", b"HYPERCALL_PAGE", b"ELF_PADDR_OFFSET")
_GUEST_LIMIT = 1 << 16
"""Bytes of __xen_guest that are looked at."""
_NUMBER = re.compile(rb"(?:0[xX])?([0-9a-fA-F]+)")


class XenInfo(NamedTuple):
    """What grub_xen_get_info reads of a kernel, or why it refuses it, in its words."""

    error: str | None
    entry: int = 0
    virt_base: int = 0
    paddr_offset: int = 0
    hypercall_page: int | None = None
    pae: bool = False


def xen_info(candidate: Candidate) -> XenInfo:
    """Return what pvgrub reads of a kernel."""
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
    if file.size < HEADER:
        return "not xen image"
    is_linux = file.unsigned(0x1FE, 2) == 0xAA55 and has_setup_header(file)
    if not is_linux or (file.unsigned(0x206, 2) or 0) < 0x208:
        return "version too old for xen boot"
    if (file.unsigned(0x24C, 4) or 0) < 6:
        return "payload too short"
    payload = ((file.unsigned(0x1F1, 1) or 0) + 1) * 512 + (file.unsigned(0x248, 4) or 0)
    start = file.read(payload, 6)
    is_gzip = start[:2] == GZIP_MAGIC and not start[3] & _UNKNOWN_TO_GZIO
    return CRASH if is_gzip or start == _XZ_MAGIC else "not xen image"


def _by_notes(elf: Elf) -> XenInfo:
    info = XenInfo(None, elf.e_entry)
    whole = elf.phdr_end <= elf.data.size
    segments = [s for s in elf.segments if s.p_type == spec.PT_NOTE] if whole else []
    found = _with_notes(info, elf, [(s.p_offset, s.p_filesz) for s in segments])
    if found is not None:
        return found
    if not elf.e_shnum or not elf.e_shentsize:
        return info._replace(error="no XEN note")
    words = unreadable(elf.data, elf.e_shoff, elf.e_shnum * elf.e_shentsize)
    if words is not None:
        return info._replace(error=words)
    sections = [s for s in elf.sections if s.sh_type == spec.SHT_NOTE]
    found = _with_notes(info, elf, [(s.sh_offset, s.sh_size) for s in sections])
    return _by_guest_string(info, elf) if found is None else found


def _with_notes(info: XenInfo, elf: Elf, places: list[tuple[int, int]]) -> XenInfo | None:
    """Add the notes at offsets, each with its size; None: there are none of Xen."""
    seen, left = False, TOTAL_NOTE_LIMIT
    for offset, size in places:
        words = unreadable(elf.data, offset, size)
        if words is not None:
            return info._replace(error=words)
        for n_type, desc, descsz in islice(_notes(elf.data, offset, size), left):
            left -= 1
            if n_type is None:
                continue
            seen = True
            info = _with_note(info, elf, n_type, desc, descsz)
            if info.error is not None:
                return info
    return info if seen else None


def _notes(data: Data, offset: int, size: int) -> Iterator[tuple[int | None, int, int]]:
    """Yield type, offset and size of descriptors (parse_note); None for another owner's type."""
    end = offset + size // 4 * 4
    while offset < end:
        namesz, descsz, n_type = (data.unsigned(offset + 4 * i, 4) or 0 for i in range(3))
        desc = offset + _NOTE_HEADER + _padded(namesz)
        owner = b"Xen" if namesz == 3 else b"Xen\0"
        is_xen = namesz >= 3 and data.read(offset + _NOTE_HEADER, len(owner)) == owner
        if is_xen and n_type == XenElfNote.LOADER and desc + len(_GENERIC) > end:
            # What is behind the notes in GRUB's memory is not that.
            descsz = 0
        yield n_type if is_xen else None, desc, descsz
        offset = desc + _padded(descsz)


def _padded(size: int) -> int:
    return (size + 3 & 0xFFFFFFFF) // 4 * 4


def _with_note(info: XenInfo, elf: Elf, n_type: int, desc: int, descsz: int) -> XenInfo:
    # A number is read in the width of an address, whatever the size of the descriptor is.
    number = elf.data.unsigned(desc, elf.bits // 8) or 0
    match n_type:
        case XenElfNote.ENTRY:
            return info._replace(entry=number)
        case XenElfNote.HYPERCALL_PAGE:
            return info._replace(hypercall_page=number)
        case XenElfNote.VIRT_BASE:
            return info._replace(virt_base=number)
        case XenElfNote.PADDR_OFFSET:
            return info._replace(paddr_offset=number)
        case XenElfNote.LOADER if not _says(elf.data, desc, descsz, _GENERIC):
            return info._replace(error="invalid loader")
        case XenElfNote.PAE_MODE:
            yes = any(_says(elf.data, desc, descsz, word) for word in _PAE_MODES)
            return info._replace(pae=yes or (info.pae and not _says(elf.data, desc, descsz, b"no")))
    return info


def _says(data: Data, desc: int, descsz: int, word: bytes) -> bool:
    wanted = word if descsz == len(word) else word + b"\0"
    return descsz >= len(word) and data.read(desc, len(wanted)) == wanted


def _by_guest_string(info: XenInfo, elf: Elf) -> XenInfo:
    """Add the keys of __xen_guest (parse_xen_guest); PAE's need a comma behind them."""
    names = elf.section_names_offset or 0
    if any(names + section.sh_name > elf.data.size for section in elf.sections):
        return info._replace(error="attempt to seek outside of the file")
    section = elf.section(SECTION)
    if section is None:
        return info._replace(error="no XEN note found")
    words = unreadable(elf.data, section.sh_offset, section.sh_size)
    if words is not None:
        return info._replace(error=words)
    text = elf.data.read(section.sh_offset, min(section.sh_size, _GUEST_LIMIT))
    found: dict[bytes, int] = {}
    *keys, last = text.partition(b"\0")[0].split(b",")
    for text in (*keys, last):
        key, _, value = text.partition(b"=")
        if key in _GUEST_KEYS:
            match = _NUMBER.match(value)
            if match is None:
                return info._replace(error="unrecognized number")
            found[key] = int(match[1], 16) & ADDRESS_MASK
    base, page = found.get(b"VIRT_BASE", 0), found.get(b"HYPERCALL_PAGE")
    modes = [key.removeprefix(b"PAE=") for key in keys if key.startswith(b"PAE=")]
    return info._replace(
        entry=found.get(b"VIRT_ENTRY", info.entry),
        virt_base=base,
        paddr_offset=found.get(b"ELF_PADDR_OFFSET", base),
        hypercall_page=None if page is None else (page << 12) + base & ADDRESS_MASK,
        pae=any(mode in _PAE_VALUES for mode in modes) and modes[-1] != b"no",
    )


def refused_by_pvgrub(candidate: Candidate) -> str | None:
    """Return why grub_cmd_xen refuses a kernel before it loads it, in its words."""
    info, elf = xen_info(candidate), candidate.image.elf
    if info.error is not None or elf is None:
        return info.error
    if elf.bits == 32 and not info.pae:
        return "incompatible architecture: 1"
    return "unaligned virt_base" if info.virt_base % PAGE_SIZE else None


def span(info: XenInfo, elf: Elf) -> tuple[int, int]:
    """Return start and end of the physical memory that pvgrub takes for a kernel."""
    mask = (1 << elf.bits) - 1
    found = loads(elf)
    start = min((s.p_paddr for s in found), default=mask) - info.paddr_offset & mask
    end = max((s.p_paddr + s.p_memsz & mask for s in found), default=0) - info.paddr_offset & mask
    if info.hypercall_page is not None:
        page = info.hypercall_page - info.virt_base & mask
        start, end = min(start, page), max(end, page + PAGE_SIZE & mask)
    return start, end


def writes_outside(info: XenInfo, elf: Elf) -> bool:
    """Whether pvgrub writes a segment, or the hypercall page, outside of span()."""
    mask = (1 << elf.bits) - 1
    start, end = span(info, elf)
    places = [(s.p_paddr - info.paddr_offset & mask, s.p_memsz) for s in loads(elf)]
    if info.hypercall_page is not None:
        places.append((info.hypercall_page - info.virt_base & mask, PAGE_SIZE))
    return any(place < start or place + size > end for place, size in places)


def not_loaded(info: XenInfo, elf: Elf) -> str | None:
    """Return why pvgrub does not load a kernel that it knows, in its words."""
    words = unreadable(elf.data, elf.e_phoff, elf.e_phnum * elf.e_phentsize)
    if words is not None:
        return words
    start, end = span(info, elf)
    if end < start:
        # grub_cmd_xen forgets the overflow, and says nothing before it is told to boot.
        return "you need to load the kernel first"
    unread = (unreadable(elf.data, s.p_offset, s.p_filesz) for s in loads(elf))
    return next((words for words in unread if words is not None), None)


def runs_at(info: XenInfo, elf: Elf, address: int) -> bool:
    """Whether bytes of a segment are at a virtual address once pvgrub has loaded it."""
    paddr = (address - info.virt_base + info.paddr_offset) & ADDRESS_MASK
    return any(s.p_paddr <= paddr < s.p_paddr + s.p_filesz for s in loads(elf))
