# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Names for the places of a crash or a hang: function+offset, and file:line.

Functions are of .symtab, read here as little is needed of it, and so that a file of hundreds of
megabytes, or a broken one, is no matter.  Lines are of DWARF, whose reader is the toolchain's
addr2line: it is fast with large kernels, and knows what its compilers write.  Without it, and
without debug information, there are functions only.
"""

from __future__ import annotations

import bisect
import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import NamedTuple

from ..elf import spec
from ..files import open_regular, shown
from ..image.container import open_kernel
from ..image.data import Data
from ..image.elf import Elf, NotElf
from ..image.symbols import symbols

_READERS = ("addr2line", "llvm-addr2line")
_SECONDS = 20


class _Function(NamedTuple):
    start: int
    is_function: bool
    is_global: bool
    name: str


class Symbols:
    """The functions of a kernel image, to be closed."""

    def __init__(self, path: str) -> None:
        self._file = _unpacked(path)
        self._functions: list[_Function] = []
        self._code: list[tuple[int, int]] = []
        self._loaded: list[tuple[int, int, int]] = []
        self._has_lines = False
        with contextlib.suppress(NotElf), Data.of_file(os.dup(self._file), path) as data:
            elf = Elf(data)
            for segment in elf.segments:
                if segment.p_type == spec.PT_LOAD:
                    self._loaded.append((segment.p_paddr, segment.p_vaddr, segment.p_memsz))
            for section in elf.sections:
                if section.sh_flags & spec.SHF_EXECINSTR:
                    self._code.append((section.sh_addr, section.sh_addr + section.sh_size))
                self._has_lines = self._has_lines or section.name == ".debug_line"
            self._functions = sorted(f for f in _functions(elf) if self._is_code(f.start))

    def __enter__(self) -> Symbols:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def places(self, addresses: Sequence[int], *, returns: bool = False) -> list[str | None]:
        """Return what is at each address, such as "main+0x12 (main.c:7)"; None: no code.

        returns says that calls return there, so that the line is that of the call.
        """
        linked = [self._linked(address) for address in addresses]
        names = [None if address is None else self._function(address) for address in linked]
        known = [address for address, name in zip(linked, names, strict=True) if address and name]
        lines = self._lines([address - returns for address in known])
        where = dict(zip(known, lines, strict=True))
        return [
            f"{name} ({line})" if name and address and (line := where.get(address)) else name
            for address, name in zip(linked, names, strict=True)
        ]

    def place(self, address: int) -> str:
        """Return what is at an address; the address itself, if that is no code."""
        (place,) = self.places([address])
        return place or f"{address:016x}"

    def _is_code(self, address: int) -> bool:
        return any(start <= address < end for start, end in self._code)

    def _linked(self, address: int) -> int | None:
        """The address that code was linked for; a PVH guest starts at the physical one."""
        if self._is_code(address):
            return address
        for physical, virtual, size in self._loaded:
            if physical <= address < physical + size:
                there = address - physical + virtual
                return there if self._is_code(there) else None
        return None

    def _function(self, address: int) -> str | None:
        at = bisect.bisect_right(self._functions, address, key=lambda f: f.start) - 1
        if at < 0:
            return None
        start = self._functions[at].start
        if not any(a <= start and address < b for a, b in self._code):
            return None
        # The last of equal ones: a function rather than a label, a global name rather than another.
        return f"{self._functions[at].name}+{address - start:#x}"

    def _lines(self, addresses: Sequence[int]) -> Sequence[str]:
        reader = next((path for name in _READERS if (path := shutil.which(name))), None)
        if not (addresses and self._has_lines and reader):
            return [""] * len(addresses)
        command = [reader, "-e", f"/proc/self/fd/{self._file}", *map(hex, addresses)]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                pass_fds=[self._file],
                timeout=_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return [""] * len(addresses)
        lines = done.stdout.decode(errors="replace").splitlines()
        found = [_line(line) for line in lines]
        return found if len(found) == len(addresses) else [""] * len(addresses)


def _unpacked(path: str) -> int:
    """A descriptor of the ELF file in a kernel image, which may be packed as a loader takes it."""
    with open_kernel(path) as image:
        if image.payload in (None, image.file):
            return open_regular(path, "a kernel image")
        descriptor = os.memfd_create("unpacked")
        with open(descriptor, "wb", closefd=False) as file:
            assert image.payload is not None
            file.write(image.payload.read(0, image.payload.size))
        return descriptor


def _line(text: str) -> str:
    """FILE:LINE of addr2line's, which says ?? where it does not know."""
    found = re.match(r"(.*):([0-9]+)", text)
    if not found or found[1] == "??" or found[2] == "0":
        return ""
    return f"{shown(os.path.normpath(found[1]))}:{found[2]}"


def _functions(elf: Elf) -> Iterator[_Function]:
    for symbol in symbols(elf):
        name, is_global = symbol.st_name, symbol.binding == spec.STB_GLOBAL
        if symbol.kind not in (spec.STT_NOTYPE, spec.STT_FUNC):
            continue
        if name.isprintable() and not name.startswith((".L", "$")):
            yield _Function(symbol.st_value, symbol.kind == spec.STT_FUNC, is_global, name)
