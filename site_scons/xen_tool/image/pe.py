# SPDX-License-Identifier: GPL-2.0-only OR MIT
r"""Read the sections of a PE file for x86-64, as Xen's EFI binary reads its own.

A unified image is that binary with further sections, which objcopy adds: a kernel in .kernel, the
configuration of its boot in .config (Xen, docs/misc/efi.pandoc).  Firmware copies each section to
its address before Xen looks for them by name (xen/common/efi/pe.c):

    0x3c        u32  offset of the PE header, called PE below
    PE + 0x00   u32  "PE\0\0"; then machine (u16) and number of sections (u16)
    PE + 0x14   u16  size of the optional header, which begins at PE + 0x18
    PE + 0x30   u64  address for which it is linked; addresses in headers are relative to it
    PE + 0x44   u16  major version of Xen; then the minor version (u16)
    PE + 0x50   u32  size of the image in memory

The section headers follow the optional header, 40 bytes each: the name (8 bytes), then as u32 the
size and the address in memory, the size and the offset in the file.
"""

from __future__ import annotations

import struct

from ..light import NamedTuple
from .data import Data, Resized

KERNEL = b".kernel"
CONFIG = b".config"

_MAGIC = b"MZ"
_MACHINE = 0x8664
_HEADER_SIZE = 24
_SECTION = "<8s4I16x"
_SECTION_SIZE = struct.calcsize(_SECTION)


class PeSection(NamedTuple):
    """A section header."""

    offset: int
    """Offset of the header itself in the file."""
    name: bytes
    """The name without its trailing NULs."""
    size: int
    """VirtualSize: bytes in memory."""
    address: int
    """VirtualAddress: the place in memory, from the start of the image."""
    raw_size: int
    """SizeOfRawData: bytes in the file; those beyond `size` are padding."""
    raw_offset: int
    """PointerToRawData: the offset in the file."""

    @property
    def end(self) -> int:
        """The end in memory, from the start of the image."""
        return self.address + self.size


class Pe(NamedTuple):
    """The headers of a PE file."""

    file: Data
    image_base: int
    image_size: int
    """SizeOfImage: bytes in memory."""
    version: tuple[int, int]
    """Major and minor version of the image, such as (4, 17); (0, 0) if it has none."""
    sections: tuple[PeSection, ...]

    def section(self, name: bytes) -> PeSection | None:
        """Return the first section of that name (pe_find_section); None if there is none."""
        return next((section for section in self.sections if section.name == name), None)

    def content(self, section: PeSection) -> Data:
        """Return a section as it is in memory: its bytes of the file, and zeros behind them."""
        found = self.file.part(section.raw_offset, min(section.raw_size, section.size))
        return found if found.size == section.size else Resized(found, section.size)


def pe_of(file: Data) -> Pe | None:
    """Return the headers of a PE file; None if it is none, or not for x86-64."""
    if file.read(0, 2) != _MAGIC:
        return None
    start = file.unsigned(0x3C, 4) or 0
    header = file.read(start, _HEADER_SIZE)
    if len(header) < _HEADER_SIZE or header[:4] != b"PE\0\0":
        return None
    machine, count = struct.unpack_from("<HH", header, 4)
    if machine != _MACHINE:
        return None
    table = start + _HEADER_SIZE + struct.unpack_from("<H", header, 20)[0]
    headers = file.read(table, count * _SECTION_SIZE)
    whole = len(headers) // _SECTION_SIZE * _SECTION_SIZE
    return Pe(
        file,
        image_base=file.unsigned(start + 0x30, 8) or 0,
        image_size=file.unsigned(start + 0x50, 4) or 0,
        version=(file.unsigned(start + 0x44, 2) or 0, file.unsigned(start + 0x46, 2) or 0),
        sections=tuple(
            PeSection(table + number * _SECTION_SIZE, name.rstrip(b"\0"), *places)
            for number, (name, *places) in enumerate(struct.iter_unpack(_SECTION, headers[:whole]))
        ),
    )
