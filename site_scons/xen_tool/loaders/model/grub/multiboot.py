# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Model the headers that GRUB's commands multiboot and multiboot2 look for, and what they request.

Sources: grub-core/loader/i386/multiboot_mbi.c, grub-core/loader/multiboot_mbi2.c.
"""

from __future__ import annotations

from ....image.data import Data
from ....image.elf import MASK_32
from ....light import NamedTuple
from .. import multiboot

SEARCH = 8192
"""Bytes in which a multiboot header and the program headers have to be."""
SEARCH_2 = 32768
"""Bytes in which a multiboot 2 header and the program headers have to be."""
SHORTEST = 32
"""The fewest bytes that a file must have."""
UNKNOWN_FLAGS = 0xFFF8
"""Flags of a multiboot header that GRUB refuses."""

NOT_MOVABLE = "invalid min/max address and/or load size"

_END, _REQUEST, _ADDRESS, _ENTRY, _CONSOLE, _FRAMEBUFFER, _RELOCATABLE = 0, 1, 2, 3, 4, 5, 10
_IGNORED = (6, 7, 9)
"""Types of tags: the alignment of modules, and two for EFI."""
_OPTIONAL = 1
_INFORMATION = frozenset(range(22)) - {13}
"""Types of information that multiboot2 gives; 13 would be SMBIOS."""
_CONSOLE_REQUIRED, _EGA_TEXT = 1, 2


class MultibootAddresses(NamedTuple):
    """The addresses in a multiboot header, at which GRUB loads the file."""

    header_addr: int
    load_addr: int
    load_end_addr: int
    bss_end_addr: int


class Tags(NamedTuple):
    """What the tags of a multiboot 2 header request, up to the first that GRUB refuses."""

    error: str | None = None
    """GRUB's message if it refuses them."""
    addresses: MultibootAddresses | None = None
    entry: int | None = None
    moves: tuple[int, int] | None = None
    """The lowest and the highest address of a kernel that may be moved."""
    needs_console: bool = False
    ega_text: bool = True
    framebuffer: bool = False


def header(data: Data) -> tuple[int, int] | None:
    """Return offset and flags of the multiboot header; None if there is none (find_header)."""
    return multiboot.find(data, multiboot.MAGIC, min(SEARCH, data.size) - 11)


def header_2(data: Data) -> int | None:
    """Return the offset of the multiboot 2 header for i386; None if there is none (find_header)."""
    found = multiboot.find_2(data, SEARCH_2)
    return next((offset for offset, architecture in found if architecture == 0), None)


def addresses(data: Data, offset: int) -> MultibootAddresses:
    """Return the addresses at an offset, in a multiboot header or in a tag."""
    return MultibootAddresses(*(data.unsigned(offset + 4 * i, 4) or 0 for i in range(4)))


def wrong_video_mode(data: Data, offset: int) -> str | None:
    """Return GRUB's message if grub_multiboot_load refuses the video mode of a header, or None."""
    mode = _signed(data.unsigned(offset + 32, 4) or 0)
    return None if mode in (0, 1) else f"unsupported graphical mode type {mode}"


def tags(data: Data, offset: int) -> Tags:
    """Read the tags of the multiboot 2 header at an offset, as grub_multiboot2_load does."""
    found = Tags()
    place, end = offset + 16, min(SEARCH_2, data.size) - 8
    while place <= end:
        kind = data.unsigned(place, 2) or 0
        if kind == _END:
            break
        size = data.unsigned(place + 4, 4) or 0
        found = _with_tag(found, data, place, kind, size)
        step = size + 7 & ~7 & MASK_32
        if found.error is None and not step:
            found = found._replace(error="GRUB itself hangs: a tag of multiboot 2 has size 0")
        if found.error is not None:
            return found
        place += step
    if found.addresses and found.entry is None:
        return found._replace(error="load address tag without entry address tag")
    return found


def _with_tag(found: Tags, data: Data, place: int, kind: int, size: int) -> Tags:
    """Return found with the tag added that is at the file offset place."""
    is_optional = (data.unsigned(place + 2, 2) or 0) & _OPTIONAL
    number = data.unsigned(place + 8, 4) or 0
    if kind == _REQUEST:
        unknown = None if is_optional else _unknown_information(data, place, size)
        return found if unknown is None else found._replace(error=unknown)
    if kind == _ADDRESS:
        return found._replace(addresses=addresses(data, place + 8))
    if kind == _ENTRY:
        return found._replace(entry=number)
    if kind == _CONSOLE:
        needs = found.needs_console or bool(number & _CONSOLE_REQUIRED)
        ega_text = found.ega_text and bool(number & _EGA_TEXT)
        return found._replace(needs_console=needs, ega_text=ega_text)
    if kind == _FRAMEBUFFER:
        return found._replace(framebuffer=True)
    if kind == _RELOCATABLE:
        return found._replace(moves=(number, data.unsigned(place + 12, 4) or 0))
    is_known = kind in _IGNORED or is_optional
    return found if is_known else found._replace(error=f"unsupported tag: {kind:#x}")


def _unknown_information(data: Data, place: int, size: int) -> str | None:
    """Return GRUB's message if a tag requests information that GRUB does not give, or None."""
    # A size below that of the tag's own fields wraps around.
    end = min(SEARCH_2, data.size, place + size if size >= 8 else SEARCH_2)
    numbers = (data.unsigned(offset, 4) or 0 for offset in range(place + 8, end - 3, 4))
    unknown = next((number for number in numbers if number not in _INFORMATION), None)
    return None if unknown is None else f"unsupported information tag: {unknown:#x}"


def wrong_addresses(
    data: Data, offset: int, found: MultibootAddresses, moves: tuple[int, int] | None = None
) -> str | None:
    """Return GRUB's message if it refuses to load a file by the addresses of its header, or None.

    offset: that of the header in the file.  moves: as in Tags.  GRUB computes in 32 bits.
    """
    load = found.load_addr
    start = _signed(offset - (found.header_addr - load))
    size = found.load_end_addr - load if found.load_end_addr else data.size - start
    memory = (found.bss_end_addr - load if found.bss_end_addr else size) & MASK_32
    if moves is not None and not fits(moves, memory):
        return NOT_MOVABLE
    if moves is None and load + memory > MASK_32:
        return "address is out of range"
    if found.bss_end_addr and memory < size & MASK_32:
        return "GRUB itself crashes: bss_end_addr is below the end of what it loads"
    return None if 0 <= start <= data.size else "attempt to seek outside of the file"


def fits(moves: tuple[int, int], size: int) -> bool:
    """Whether size bytes fit between the lowest and the highest address of moves."""
    lowest, highest = moves
    return lowest <= highest - size


def load_address(offset: int, found: MultibootAddresses) -> int:
    """Return load_addr, in which 0xffffffff stands for the start of the file.

    offset: that of the header in the file.
    """
    return found.header_addr - offset & MASK_32 if found.load_addr == MASK_32 else found.load_addr


def _signed(number: int) -> int:
    number &= MASK_32
    return number - (1 << 32) if number >> 31 else number
