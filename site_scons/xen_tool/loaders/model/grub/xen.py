# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Model pvgrub, x86_64-xen and i386-xen: how it reads and loads a PV kernel.

Sources: grub-core/loader/i386/xen_fileXX.c, grub_xen_get_infoXX, and loader/i386/xen.c,
grub_cmd_xen.  The platform is that of the kernel's class.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import islice

from ....abi import PAGE_SIZE, XenElfNote
from ....elf import spec
from ....image.data import Data
from ....image.elf import ADDRESS_MASK, MASK_32, Elf, Segment
from ....image.notes import TOTAL_NOTE_LIMIT
from ....light import NamedTuple
from ..candidate import Candidate
from ..libelf.legacy import SECTION
from .elf import MOST_MEMORY, NO_MEMORY, unreadable, written
from .files import has_elf_header, refused_bzimage

CRASH = "GRUB itself crashes: the payload of the bzImage unpacks to no ELF file"
"""GRUB closes the payload as if it had not unpacked it (grub_file_offset_close, io/offset.c)."""

_NOT_XEN = "not xen image"
_NOTE_HEADER = 12
_GENERIC = b"generic"
_PAE_MODES = (b"yes", b"bimodal", b"yes,bimodal")
_WORDS: dict[int, tuple[bytes, ...]] = {
    XenElfNote.LOADER: (_GENERIC,),
    XenElfNote.PAE_MODE: (*_PAE_MODES, b"no"),
}
_ADDRESSES = (
    XenElfNote.ENTRY,
    XenElfNote.HYPERCALL_PAGE,
    XenElfNote.VIRT_BASE,
    XenElfNote.PADDR_OFFSET,
    XenElfNote.INIT_P2M,
)
_PAE_VALUES = {value + more for value in (b"yes", b"bimodal") for more in (b"", b"[extended-cr3]")}
_GUEST_KEYS = (b"VIRT_BASE", b"VIRT_ENTRY", b"HYPERCALL_PAGE", b"ELF_PADDR_OFFSET")
_GUEST_LIMIT = 1 << 16
"""The most bytes of __xen_guest that are read."""
_WRAPS = {32: 3 << 30, 64: 1 << 48}
"""Sizes of memory above which the relocator's sums may wrap (malloc_in_range, lib/relocator.c)."""
_NUMBER = re.compile(rb"(?:0[xX])?([0-9a-fA-F]+)")


class XenInfo(NamedTuple):
    """What grub_xen_get_info reads of a kernel; error: its message if it refuses the kernel."""

    error: str | None
    entry: int = 0
    virt_base: int = 0
    paddr_offset: int = 0
    hypercall_page: int | None = None
    pae: bool = False
    by_segments: bool = False
    """Whether Xen's notes are in segments, so that pvgrub looks at no section."""
    behind: bool = False
    """Whether a descriptor is not wholly within the notes that are read."""


def xen_info(candidate: Candidate) -> XenInfo:
    """Return what pvgrub reads of a kernel."""
    elf = candidate.image.elf
    if elf is None or not has_elf_header(candidate.data):
        return XenInfo(_no_elf(candidate))
    if not _is_for_x86(elf):
        return XenInfo("unknown ELF type")
    if elf.kept.get(xen_info) is None:
        elf.kept[xen_info] = _by_notes(elf)
    info: XenInfo = elf.kept[xen_info]
    return info


def _is_for_x86(elf: Elf) -> bool:
    return elf.e_machine == (spec.EM_X86_64 if elf.bits == 64 else spec.EM_386)


def _no_elf(candidate: Candidate) -> str:
    """Return GRUB's message for a file without an ELF file."""
    found = candidate.image.found
    if candidate.from_bzimage:
        return CRASH if found.stream else _NOT_XEN
    if found.stream is not None and found.stream.data is None:
        return _NOT_XEN
    return refused_bzimage(found.file) or _NOT_XEN


def _by_notes(elf: Elf) -> XenInfo:
    """Return what pvgrub reads: from segments, else from sections, else from __xen_guest."""
    info = XenInfo(None, elf.e_entry)
    whole = elf.phdr_end <= elf.data.size
    segments = [s for s in elf.packed_segments if s.p_type == spec.PT_NOTE] if whole else []
    found = _with_notes(info, elf, [(s.p_offset, s.p_filesz) for s in segments])
    if found is not None:
        return found._replace(by_segments=True)
    if not elf.e_shnum or not elf.e_shentsize:
        return info._replace(error="no XEN note")
    size = elf.e_shnum * elf.e_shentsize
    words = NO_MEMORY if size > MOST_MEMORY else unreadable(elf.data, elf.e_shoff, size)
    if words is not None:
        return info._replace(error=words)
    sections = [s for s in elf.sections if s.sh_type == spec.SHT_NOTE]
    found = _with_notes(info, elf, [(s.sh_offset, s.sh_size) for s in sections])
    return _by_guest_string(info, elf) if found is None else found


def _with_notes(info: XenInfo, elf: Elf, places: list[tuple[int, int]]) -> XenInfo | None:
    """Return info with the notes of all places added; None if none of them is Xen's.

    places: offset and size of each segment or section of notes.
    """
    seen, left = False, TOTAL_NOTE_LIMIT
    for offset, size in places:
        words = _unread(elf.data, offset, size)
        if words is not None:
            return info._replace(error=words)
        end = offset + size // 4 * 4
        for n_type, desc, descsz in islice(_notes(elf.data, offset, end), left):
            left -= 1
            if n_type is None:
                continue
            seen = True
            if desc + _width(n_type, descsz, elf.bits // 8) > end:
                info = info._replace(behind=True)
                continue
            info = _with_note(info, elf, n_type, desc, descsz)
            if info.error is not None:
                return info
    return info if seen else None


def _unread(data: Data, offset: int, size: int) -> str | None:
    """Return GRUB's message if it cannot read bytes of the file into new memory, or None."""
    words = unreadable(data, offset, size)
    return words if offset > data.size or size <= MOST_MEMORY else NO_MEMORY


def _notes(data: Data, offset: int, end: int) -> Iterator[tuple[int | None, int, int]]:
    """Yield the type of each note, None if not of Xen, and its descriptor's offset and size."""
    while offset < end:
        header = data.read(offset, _NOTE_HEADER).ljust(_NOTE_HEADER, b"\0")
        namesz, descsz, n_type = struct.unpack("<3I", header)
        name = offset + _NOTE_HEADER
        owner = b"Xen" if namesz == 3 else b"Xen\0"
        is_xen = namesz >= 3 and name + len(owner) <= end
        is_xen = is_xen and data.read(name, len(owner)) == owner
        desc = name + _padded(namesz)
        yield n_type if is_xen else None, desc, descsz
        offset = desc + _padded(descsz)


def _width(n_type: int, descsz: int, address: int) -> int:
    """Return how many bytes of a descriptor GRUB reads, whatever its size, descsz, is.

    address: the bytes of an address.
    """
    if n_type in _ADDRESSES:
        return address
    if n_type == XenElfNote.MOD_START_PFN:
        return 4
    words = _WORDS.get(n_type, ())
    return max((len(w) + (descsz != len(w)) for w in words if descsz >= len(w)), default=0)


def _padded(size: int) -> int:
    return (size + 3 & MASK_32) // 4 * 4


def _with_note(info: XenInfo, elf: Elf, n_type: int, desc: int, descsz: int) -> XenInfo:
    """Return info with a note added; desc: the file offset of its descriptor."""
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
    """Whether a descriptor is a word, alone or with a NUL behind it."""
    wanted = word if descsz == len(word) else word + b"\0"
    return descsz >= len(word) and data.read(desc, len(wanted)) == wanted


def _by_guest_string(info: XenInfo, elf: Elf) -> XenInfo:
    """Return info with the keys of __xen_guest added (parse_xen_guest).

    The key PAE only counts with a comma behind its value.
    """
    names = elf.section_names_offset or 0
    if any(names + section.sh_name > elf.data.size for section in elf.sections):
        return info._replace(error="attempt to seek outside of the file")
    section = elf.section(SECTION)
    if section is None:
        return info._replace(error="no XEN note found")
    words = _unread(elf.data, section.sh_offset, section.sh_size)
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


def loads(elf: Elf) -> list[Segment]:
    """Return the segments that pvgrub loads; e_phentsize only says how many bytes it reads."""
    return [segment for segment in elf.packed_segments if segment.p_type == spec.PT_LOAD]


def reads_behind(candidate: Candidate) -> bool:
    """Whether pvgrub reads behind the end of its copies of headers, or of notes."""
    info, elf = xen_info(candidate), candidate.image.elf
    if elf is None or not has_elf_header(candidate.data) or not _is_for_x86(elf):
        return False
    if info.behind or (elf.e_phnum and elf.e_phentsize < spec.PHDR_SIZE[elf.bits]):
        return True
    if info.by_segments or not elf.e_shnum or not elf.e_shentsize:
        return False
    return elf.e_shentsize < spec.SHDR_SIZE[elf.bits] or elf.e_shstrndx >= elf.e_shnum


def refused_by_pvgrub(candidate: Candidate) -> str | None:
    """Return GRUB's message if grub_cmd_xen refuses a kernel before it loads it, or None."""
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
    """Whether pvgrub writes a segment, or the hypercall page, outside of the memory it takes."""
    mask = (1 << elf.bits) - 1
    start, end = span(info, elf)
    if end - start > _WRAPS[elf.bits]:
        return True
    places = [(s.p_paddr - info.paddr_offset & mask, written(elf, s)) for s in loads(elf)]
    if info.hypercall_page is not None:
        places.append((info.hypercall_page - info.virt_base & mask, PAGE_SIZE))
    return any(place < start or place + size > end for place, size in places)


def cut_headers(candidate: Candidate) -> str | None:
    """Return GRUB's message if pvgrub cannot read the program headers of a kernel, or None."""
    elf = candidate.image.elf
    if elf is None or not has_elf_header(candidate.data) or not _is_for_x86(elf):
        return None
    return unreadable(elf.data, elf.e_phoff, elf.e_phnum * elf.e_phentsize)


def not_loaded(info: XenInfo, elf: Elf) -> str | None:
    """Return GRUB's message if pvgrub cannot load a kernel that it has accepted, or None."""
    start, end = span(info, elf)
    if end < start:
        # grub_cmd_xen ignores the overflow; the message comes from the command boot.
        return "you need to load the kernel first"
    unread = (unreadable(elf.data, s.p_offset, s.p_filesz) for s in loads(elf))
    words = next((words for words in unread if words is not None), None)
    if words is not None and writes_outside(info, elf):
        return f"{words}; GRUB itself may crash before"
    return words


def runs_at(info: XenInfo, elf: Elf, address: int) -> bool:
    """Whether bytes of a segment are at a virtual address once pvgrub has loaded the kernel."""
    paddr = (address - info.virt_base + info.paddr_offset) & ADDRESS_MASK
    return any(s.p_paddr <= paddr < s.p_paddr + s.p_filesz for s in loads(elf))
