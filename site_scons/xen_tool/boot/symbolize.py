# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Names for the addresses of a crash or a hang: function+offset, and file:line.

Functions come from the symbol table (image/symbols.py).  Lines come from DWARF by the toolchain's
addr2line, which is fast with large kernels, and knows the DWARF of its compilers.  Without
addr2line, or without debug information, there are functions only.
"""

from __future__ import annotations

import bisect
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from types import TracebackType

from ..elf import spec
from ..files import shown
from ..image import symbols
from ..image.container import open_kernel
from ..image.data import Data
from ..image.elf import elf_of

_READERS = ("addr2line", "llvm-addr2line")
_SECONDS = 20
"""Time for addr2line."""
_PIECE = 1 << 20
"""Bytes that are copied at a time."""
_SEGMENTS = 4096
"""Most segments that are read; no kernel has so many."""


class ImageSymbols:
    """The symbols of a kernel image, which may be compressed or a bzImage.

    A context manager, which closes the image.
    """

    def __init__(self, path: str) -> None:
        self._kernel = open_kernel(path)
        data = self._kernel.payload or self._kernel.file
        self._data = data
        elf = self._elf = elf_of(data)
        sections = elf.sections if elf else ()
        self._code = _joined(
            (s.sh_addr, s.sh_addr + s.sh_size)
            for s in sections
            if s.sh_flags & spec.SHF_EXECINSTR and s.sh_size
        )
        self._loaded = [
            (s.p_paddr, s.p_vaddr, s.p_memsz)
            for s in (elf.segments[:_SEGMENTS] if elf else ())
            if s.p_type == spec.PT_LOAD
        ]
        self._has_lines = elf is not None and elf.section(".debug_line") is not None

    def __enter__(self) -> ImageSymbols:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._kernel.close()

    def places(self, addresses: Sequence[int], *, returns: bool = False) -> list[str | None]:
        """Return the name of each address, such as "main+0x12 (main.c:7)"; None if not in code.

        returns: the addresses are return addresses, so give the line of the call.
        """
        linked = [self._linked(address) for address in addresses]
        functions = self._functions({address for address in linked if address is not None})
        names = [functions.get(address) for address in linked]
        known = [address for address, name in zip(linked, names, strict=True) if address and name]
        lines = self._lines([address - returns for address in known])
        where = dict(zip(known, lines, strict=True))
        return [
            f"{name} ({line})" if name and address and (line := where.get(address)) else name
            for address, name in zip(linked, names, strict=True)
        ]

    def place(self, address: int) -> str:
        """Return the name of an address, or its hexadecimal digits if it is not in code."""
        (place,) = self.places([address])
        return place or f"{address:016x}"

    def _code_at(self, address: int) -> tuple[int, int] | None:
        """Return [start, end) of the code around an address; None if the address is not in code."""
        at = bisect.bisect_right(self._code, (address, 1 << 65)) - 1
        return self._code[at] if at >= 0 and address < self._code[at][1] else None

    def _is_code(self, address: int) -> bool:
        return self._code_at(address) is not None

    def _linked(self, address: int) -> int | None:
        """Return the linked (virtual) address for a virtual or physical one; None if not in code.

        A PVH guest starts at physical addresses.
        """
        if self._is_code(address):
            return address
        for physical, virtual, size in self._loaded:
            if physical <= address < physical + size:
                there = address - physical + virtual
                return there if self._is_code(there) else None
        return None

    def _functions(self, addresses: set[int]) -> dict[int | None, str]:
        """Return function+offset for each address that is in code."""
        if not addresses or self._elf is None:
            return {}
        found = symbols.Symbols(self._elf).before(addresses, self._is_code)
        return {
            address: f"{name}+{address - start:#x}"
            for address, (start, name) in found.items()
            if self._code_at(start) == self._code_at(address)
        }

    def _lines(self, addresses: Sequence[int]) -> Sequence[str]:
        """Return FILE:LINE for each linked address; "" where it is unknown."""
        reader = next((path for name in _READERS if (path := shutil.which(name))), None)
        if not (addresses and self._has_lines and reader):
            return [""] * len(addresses)
        try:
            file = _descriptor(self._data)
        except OSError:
            return [""] * len(addresses)
        command = [reader, "-e", f"/proc/self/fd/{file}", *map(hex, addresses)]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                pass_fds=[file],
                timeout=_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return [""] * len(addresses)
        finally:
            os.close(file)
        lines = done.stdout.decode(errors="surrogateescape").splitlines()
        found = [_line(line) for line in lines]
        return found if len(found) == len(addresses) else [""] * len(addresses)


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the ranges in order, with overlapping ones joined."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _descriptor(data: Data) -> int:
    """Return a descriptor of a file that holds exactly these bytes."""
    whole = data.descriptor()
    if whole is not None:
        return whole
    with tempfile.TemporaryFile() as file:
        for start in range(0, data.size, _PIECE):
            file.write(data.read(start, _PIECE))
        file.flush()
        return os.dup(file.fileno())


def _line(text: str) -> str:
    """Return FILE:LINE of a line of addr2line; "" if it prints ?? for what it does not know."""
    found = re.match(r"(.*):([0-9]+)", text)
    if not found or found[1] == "??" or found[2] == "0":
        return ""
    return f"{shown(os.path.normpath(found[1]))}:{found[2]}"
