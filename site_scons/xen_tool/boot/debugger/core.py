# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write a dump of the machine as a core file in which gdb finds memory by the guest's addresses.

QEMU's dump-guest-memory writes an ELF core by physical addresses, with registers in notes.  A new
table of program headers at the end of the file has the guest's addresses; the memory in the file is
not changed.  The addresses are those that page tables map: the tables of CR3, or, if another system
ran when the dump was made, tables in memory that map the image's code.  What the tables of a PVH
guest of Xen map is translated once more by Xen's tables.
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ...abi import CR0_PG, PAGE_SIZE
from ...elf import spec
from ...errors import XenToolError
from ...image.container import open_kernel
from ...image.data import Data
from ...image.elf import Elf, NotElf
from ..modes import Mode
from ..qemu import Machine
from .tables import Mapped, Read, Tables, find_tables

_QEMU_NOTE = b"QEMU\0"
# The offset of cr[5] in QEMU's note (target/i386/arch_dump.c): before it are version, size, 18
# registers, and 10 segments of 24 bytes.
_CR = 8 + 18 * 8 + 10 * 24
_SPLIT_FROM, _LOW = 0xE0000000, 0xC0000000
"""A machine with at least _SPLIT_FROM bytes has _LOW bytes of them below 4 GiB
(hw/i386/pc_piix.c)."""
_PIECE, _PIECES = 64, 16
"""Size and number of the pieces of code by which an image is found in memory."""
_BYTES = 8
"""A piece must have more different bytes than this to identify the image."""
_PHDR = struct.Struct("<IIQQQQQQ")
_MOST_HEADERS = 0xFFFE
"""The largest e_phnum that is a number; 0xffff refers to a section header."""


def options(memory: str, mode: Mode) -> list[str]:
    """Return QEMU's options for a machine whose memory is a file that remains after its end."""
    backend = f"memory-backend-file,id=memory,size={mode.memory}M,mem-path={memory},share=on"
    return ["-object", backend, "-machine", "memory-backend=memory"]


def dump(machine: Machine, path: Path, kernel: str, memory: str, mode: Mode) -> list[str]:
    """Write the core file of a machine whose guest has failed; return lines for the user.

    kernel: the guest's image.  memory: the file of options().  Raises XenToolError if the file
    cannot be written.
    """
    part = path.absolute().with_name(f".{path.name}.{os.getpid()}")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        has_ended = machine.process.poll() is not None
        if has_ended:
            _write_memory(part, memory)
        elif problem := machine.monitor.dump(str(part)):
            raise XenToolError(f"{path}: the dump cannot be written: {problem}")
        found = add_addresses(part, kernel, is_nested=mode.is_nested)
        part.replace(path)
    except OSError as error:
        raise XenToolError(f"{path}: the dump cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    what = "" if found else ", by physical addresses, as the image was not found in memory"
    what += ", without registers, as the guest has ended the machine" if has_ended else ""
    return [f"  dump:  {path}{what}"]


def _write_memory(path: Path, memory: str) -> None:
    """Write a core file without notes from the file of a machine's memory."""
    with open(memory, "rb") as source, path.open("wb") as file:
        size = os.fstat(source.fileno()).st_size
        low = size if size < _SPLIT_FROM else _LOW
        parts = [_Load(0, PAGE_SIZE, low), _Load(4 << 30, PAGE_SIZE + low, size - low)]
        headers = [_header(load.physical, load, load.size) for load in parts if load.size]
        fields = (4, 62, 1, 0, spec.EHDR_SIZE[64], 0, 0, spec.EHDR_SIZE[64], _PHDR.size)
        head = struct.pack("<HHIQQQIHHHHHH", *fields, len(headers), 0, 0, 0)
        file.write(spec.ELFMAG + bytes([2, 1, 1]) + bytes(9) + head + b"".join(headers))
        file.seek(PAGE_SIZE)
        shutil.copyfileobj(source, file, 1 << 20)


class _Load(NamedTuple):
    """A range of the machine's memory in the core file."""

    physical: int
    offset: int
    """The offset in the file."""
    size: int


class _Code(NamedTuple):
    """Pieces of the image's code and their address.  One match suffices: kernels patch code."""

    virtual: int
    physical: int
    pieces: dict[int, bytes]
    """The pieces by their distance from that address."""

    def is_at(self, read: Read, start: int) -> bool:
        """Whether memory has a piece of the code, if the code begins at an address."""
        return any(
            read(start + distance, len(piece)) == piece for distance, piece in self.pieces.items()
        )


def add_addresses(path: Path, kernel: str, *, is_nested: bool) -> bool:
    """Add program headers with the guest's addresses to QEMU's core; return whether any were found.

    kernel: the guest's image.  Raises XenToolError if the file is no core file of QEMU.
    """
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        core = _Core(content)
        code = _code(kernel)
        mapped = list(core.guest(code, is_nested=is_nested)) if code else []
        if not mapped:
            return False
        headers = [*core.notes, *_merged(mapped)][:_MOST_HEADERS]
        file.seek(0, 2)
        start = file.tell() + -file.tell() % 8
        file.seek(start)
        file.write(b"".join(headers))
        file.seek(32)
        file.write(struct.pack("<Q", start))
        file.seek(56)
        file.write(struct.pack("<H", len(headers)))
    return True


class _Core:
    """A core file as QEMU has written it."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        try:
            elf = Elf(Data.of_bytes(content[: 1 << 16]))
        except NotElf as error:
            raise XenToolError(f"QEMU's dump is no core file: {error}") from error
        if elf.bits != 64:
            raise XenToolError("QEMU's dump is of a machine in 32-bit mode")
        self._loads: list[_Load] = []
        self.notes: list[bytes] = []
        self.cr3s: list[int] = []
        for number in range(elf.e_phnum):
            at = elf.e_phoff + number * elf.e_phentsize
            header = content[at : at + _PHDR.size]
            kind, _, offset, _, physical, size, _, _ = _PHDR.unpack(header)
            if kind == spec.PT_LOAD:
                self._loads.append(_Load(physical, offset, size))
            elif kind == spec.PT_NOTE:
                self.notes.append(header)
                self.cr3s += _paging(content[offset : offset + size])

    @property
    def size(self) -> int:
        """The end of the machine's physical memory."""
        return max((load.physical + load.size for load in self._loads), default=0)

    def read(self, address: int, size: int) -> bytes:
        """Return the machine's memory at a physical address; b"" if there is none."""
        for load in self._loads:
            if load.physical <= address < load.physical + load.size:
                start = load.offset + address - load.physical
                return self._content[start : min(start + size, load.offset + load.size)]
        return b""

    def guest(self, code: _Code, *, is_nested: bool) -> Iterator[tuple[int, _Load]]:
        """Yield the guest's addresses, each with the range of memory that is mapped there.

        Yields nothing if no tables map the code.
        """

        def sees(tables: Tables) -> bool:
            return code.is_at(tables.read, code.virtual)

        memory: Read = self.read
        size = self.size
        below: Tables | None = None
        if is_nested:

            def has_image(tables: Tables) -> bool:
                return code.is_at(tables.read, code.physical)

            below = find_tables(self.read, self.size, code.physical, has_image)
            if below is None:
                return
            memory = below.read
            size = max(address + page.left for address, page in below.mapped() if address < 1 << 40)
        known = (Tables(memory, cr3) for cr3 in self.cr3s)
        found = next(filter(sees, known), None) or find_tables(memory, size, code.virtual, sees)
        if found:
            pages = found.mapped()
        elif below:
            # The guest has not enabled paging: its addresses are physical.
            pages, below = below.mapped(), None
        else:
            return
        for address, page in pages:
            yield from self._parts(address, page, below)

    def _parts(
        self, address: int, page: Mapped, below: Tables | None
    ) -> Iterator[tuple[int, _Load]]:
        """Yield the parts of a page that are in the file.

        below: the tables that translate the guest's physical addresses, or None.
        """
        left, start = page.left, page.address
        while left > 0:
            where = below.find(start) if below else Mapped(start, left)
            step = min(left, where.left) if where else PAGE_SIZE
            if where:
                yield from self._in_file(address, where.address, step)
            address, start, left = address + step, start + step, left - step

    def _in_file(self, address: int, physical: int, size: int) -> Iterator[tuple[int, _Load]]:
        """Yield the parts of a range of physical memory that are in the file."""
        for load in self._loads:
            start = max(physical, load.physical)
            end = min(physical + size, load.physical + load.size)
            if start < end:
                offset = load.offset + start - load.physical
                yield address + start - physical, _Load(start, offset, end - start)


def _merged(parts: Sequence[tuple[int, _Load]]) -> Iterator[bytes]:
    """Yield program headers, one for each contiguous range of addresses and file."""
    first, load = parts[0]
    size = load.size
    for address, part in parts[1:]:
        if address == first + size and part.offset == load.offset + size:
            size += part.size
            continue
        yield _header(first, load, size)
        first, load, size = address, part, part.size
    yield _header(first, load, size)


def _header(address: int, load: _Load, size: int) -> bytes:
    return _PHDR.pack(spec.PT_LOAD, 7, load.offset, address, load.physical, size, size, 0)


def _paging(notes: bytes) -> Iterator[int]:
    """Yield CR3 of each CPU that has paging enabled."""
    at = 0
    while at + 12 <= len(notes):
        namesz, descsz, _ = struct.unpack_from("<III", notes, at)
        desc = at + 12 + (namesz + 3) // 4 * 4
        if notes[at + 12 : at + 12 + namesz] == _QEMU_NOTE and descsz >= _CR + 40:
            cr0, _, _, cr3, _ = struct.unpack_from("<5Q", notes, desc + _CR)
            if cr0 & CR0_PG:
                yield cr3
        at = desc + (descsz + 3) // 4 * 4


def _code(kernel: str) -> _Code | None:
    """Return pieces of the first executable segment of an image; None if there is no such ELF."""
    with open_kernel(kernel) as file:
        if file.payload is None:
            return None
        try:
            segments = Elf(file.payload).segments
        except NotElf:
            return None
        for segment in segments:
            if segment.is_loadable and segment.p_flags & 1 and segment.p_filesz:
                step = max(_PIECE, segment.p_filesz // _PIECES)
                pieces = {
                    at: file.payload.read(segment.p_offset + at, _PIECE)
                    for at in range(0, segment.p_filesz - _PIECE + 1, step)
                }
                marked = {at: piece for at, piece in pieces.items() if len(set(piece)) > _BYTES}
                return _Code(segment.p_vaddr, segment.p_paddr, marked)
    return None
