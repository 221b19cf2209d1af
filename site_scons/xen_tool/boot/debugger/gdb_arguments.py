# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The command line of gdb for a booted image: symbols, Xen's symbols, connection and entry.

The breakpoint at the entry is a hardware breakpoint: at a guest's start there may be no page tables
yet, and before it is loaded there is no code to write a breakpoint to.  Other systems run in the
same machine, so the breakpoint has the condition that the image's bytes are there.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ...abi import XenElfNote
from ...elf import spec
from ...image.container import open_kernel
from ...image.data import Data
from ...image.elf import Elf, NotElf
from ...image.notes import NoteWalk
from ..modes import Mode
from .stub import GdbPlace

SCRIPT = Path(__file__).with_name("gdb_commands.py")
_SYMBOLS = ("{folder}/xen-syms", "{folder}/xen-syms-{version}-amd64")
_DEBIANS_SYMBOLS = "usr/lib/debug/boot/xen-syms-{version}-amd64"
"""A file of the package xen-hypervisor-VERSION-amd64-dbg, below the root that has boot/."""


class GdbSession(NamedTuple):
    """What gdb must know of a machine and its image."""

    image: str
    bits: int | None
    """32 or 64; None if gdb cannot read the image: it is packed, or not an ELF file."""
    cpu_bits: int
    """The width of the machine's CPUs: 64, also for a 32-bit image; 32 with qemu-system-i386."""
    where: GdbPlace
    entry: int | None
    """The address at which this mode starts the image; None if no note names it."""
    is_nested: bool
    """Whether QEMU's stub cannot read the guest's memory, as its addresses are translated twice."""
    xen_symbols: Path | None = None
    """The file of the hypervisor's symbols, if there is one."""

    def commands(self, *, run: bool) -> list[str]:
        """Return gdb's commands; run: continue to the entry."""
        wider = self.bits == 32 and self.cpu_bits == 64
        lines = ["set architecture i386:x86-64"] if wider else []
        lines += [f"target remote {self.where.target}", f"source {SCRIPT}"]
        if self.xen_symbols:
            lines.append(f"add-symbol-file {self.xen_symbols}")
        if self.entry is not None:
            # In a nested guest, Xen may run while gdb steps over a breakpoint, and the breakpoint
            # would stop the guest a second time: it is a temporary one.
            stop = "thbreak" if self.is_nested else "hbreak"
            check = "" if self.is_nested else " if $xen_is_guest()"
            lines += [f"{stop} *{self.entry:#x}{check}", *(["continue"] if run else [])]
        return lines

    def words(self, *, run: bool, options: Sequence[str] = ()) -> list[str]:
        """Return gdb's arguments; the options come last."""
        files = [self.image] if self.bits else []
        words = [word for command in self.commands(run=run) for word in ("-ex", command)]
        return ["-q", *files, *words, *options]

    def line(self) -> str:
        """Return the shell command to type in another terminal."""
        return shlex.join(["gdb", *self.words(run=False)])


def session(
    image: str, kernel: str, where: GdbPlace, mode: Mode, qemu: str, xen_symbols: Path | None = None
) -> GdbSession:
    """Return the session for an image in this mode.

    kernel: the file name of a copy of the image.  qemu: the path of the program.
    """
    bits, entry = None, None
    with contextlib.suppress(NotElf), open_kernel(kernel) as file:
        if file.payload is not None:
            elf = Elf(file.payload)
            notes = {note.n_type: note.numeric() for note in NoteWalk(elf) if note.is_xen}
            bits = None if file.compressed else elf.bits
            entry = notes.get(XenElfNote.ENTRY, elf.e_entry)
            if mode.starts_by_pvh:
                entry = notes.get(XenElfNote.PHYS32_ENTRY)
    cpu_bits = 32 if qemu.endswith("-i386") else 64
    return GdbSession(image, bits, cpu_bits, where, entry, mode.is_nested, xen_symbols)


def xen_symbols(hypervisor: Path, content: bytes, version: str | None) -> Path | None:
    """Return the file with the symbols of this hypervisor; None if there is none.

    content: the hypervisor, unpacked.  The file is beside the hypervisor, named as by Xen's build
    or by Debian, or where Debian's package has it.  A file of another build is not accepted.
    """
    folder = hypervisor.absolute().parent
    paths = [Path(name.format(folder=folder, version=version)) for name in _SYMBOLS]
    paths.append(folder.parent / _DEBIANS_SYMBOLS.format(version=version))
    return next((path for path in paths if path.is_file() and _is_of(path, content)), None)


def _is_of(symbols: Path, hypervisor: bytes) -> bool:
    """Whether the hypervisor has the build ID of a file of symbols."""
    try:
        with symbols.open("rb") as stream:
            elf = Elf(Data.of_bytes(stream.read()))
    except (OSError, NotElf):
        return False
    ids = (
        elf.data.read(section.sh_offset, min(section.sh_size, 4096))
        for section in elf.sections
        if section.sh_type == spec.SHT_NOTE and "build-id" in (section.name or "")
    )
    return any(note and note in hypervisor for note in ids)
