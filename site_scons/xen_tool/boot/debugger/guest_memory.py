# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read the guest's memory and image inside gdb; used by gdb_commands.py."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Callable
from typing import Any

from ...abi import CR0_PG, XenElfNote
from ...errors import XenToolError
from ...image.container import open_kernel
from ...image.elf import Elf, NotElf
from ...image.notes import NoteWalk
from . import tables

gdb: Any = importlib.import_module("gdb")

_MOST_MEMORY = 3 << 30
"""The most bytes that are read: above them a machine's memory has a hole."""
_NO_ADDRESS = 1
"""The value of a register that a dump does not have."""
_COMPARED = 16
"""Bytes of code by which the image is recognized."""


class GuestImage:
    """The image that gdb has loaded: its width, notes, entries and code."""

    def __init__(self) -> None:
        path = gdb.current_progspace().filename
        if not path:
            raise gdb.GdbError("gdb has no image: type `file IMAGE`")
        try:
            with open_kernel(path) as file:
                assert file.payload is not None
                elf = Elf(file.payload)
                self.bits = elf.bits
                self.notes = {n.n_type: n.numeric() for n in NoteWalk(elf) if n.is_xen}
                self.entry = self.notes.get(XenElfNote.ENTRY, elf.e_entry)
                self.pvh_entry = self.notes.get(XenElfNote.PHYS32_ENTRY)
                self._segments = [
                    (s.p_vaddr, s.p_paddr, file.payload.read(s.p_offset, s.p_filesz))
                    for s in elf.segments
                    if s.is_loadable and s.p_flags & 1
                ]
        except (XenToolError, NotElf, AssertionError) as error:
            raise gdb.GdbError(f"{path} is no kernel image that is known: {error}") from error

    def code(self, address: int) -> bytes:
        """Return the first bytes of the image's code at an address, virtual or physical."""
        for virtual, physical, content in self._segments:
            for start in (virtual, physical):
                if start <= address < start + len(content):
                    return content[address - start : address - start + _COMPARED]
        return b""


def register(name: str) -> int:
    """Return a register of the CPU; _NO_ADDRESS if a dump has no registers.

    rbx is ebx on a 32-bit CPU.
    """
    try:
        frame = gdb.selected_frame()
        try:
            value = frame.read_register(name)
        except ValueError:
            value = frame.read_register(f"e{name[1:]}")
        return int(value) & (1 << 64) - 1
    except gdb.error:
        return _NO_ADDRESS


def _at(address: int, size: int) -> bytes:
    """Return memory as QEMU's stub reads it; b"" if there is none."""
    try:
        return bytes(gdb.selected_inferior().read_memory(address, size))
    except gdb.error:
        return b""


def _physical(address: int, size: int) -> bytes:
    """Return the machine's physical memory; b"" in a dump, which has only the guest's addresses."""
    try:
        gdb.execute("maintenance packet Qqemu.PhyMemMode:1", to_string=True)
    except gdb.error:
        return b""
    try:
        return _at(address, size)
    finally:
        gdb.execute("maintenance packet Qqemu.PhyMemMode:0", to_string=True)


class _Nested:
    """The memory of a guest whose addresses are translated twice, as it is at this stop.

    QEMU's stub translates once, so the machine's memory is copied, and its tables are read here.
    """

    def __init__(self, image: GuestImage) -> None:
        size = int(gdb.execute("monitor info memory_size_summary", to_string=True).split()[2])
        size = min(size, _MOST_MEMORY)
        with tempfile.TemporaryDirectory(prefix="xen-tool-gdb-") as folder:
            path = os.path.join(folder, "memory")
            gdb.execute(f'monitor pmemsave 0 {size} "{path}"', to_string=True)
            with open(path, "rb") as file:
                memory = file.read()
        pc, cr3 = register("pc"), register("cr3")
        code = image.code(pc)
        is_paged = bool(register("cr0") & CR0_PG)

        def virtual(of_xen: tables.Tables) -> tables.Read:
            return tables.Tables(of_xen.read, cr3).read if is_paged else of_xen.read

        found = tables.find_tables(
            lambda address, size: memory[address : address + size],
            size,
            cr3 if is_paged else pc,
            lambda of_xen: virtual(of_xen)(pc, len(code)) == code,
        )
        if found is None:
            raise gdb.GdbError("the image is not in the machine's memory")
        self.physical = found.read
        self.virtual = virtual(found)


def is_guest(image: GuestImage) -> bool:
    """Whether the machine runs the image, and QEMU's stub reads its memory."""
    pc = register("pc")
    code = image.code(pc)
    return bool(code) and _at(pc, len(code)) == code


class Memory:
    """The guest's memory, by virtual and by physical addresses."""

    def __init__(self, image: GuestImage) -> None:
        self.virtual: Callable[[int, int], bytes] = _at
        self.physical: Callable[[int, int], bytes] = _physical
        pc = register("pc")
        # Where the program counter is in the image, the stub reads other bytes: a nested guest.
        if image.code(pc) and not is_guest(image):
            nested = _Nested(image)
            self.virtual, self.physical = nested.virtual, nested.physical
