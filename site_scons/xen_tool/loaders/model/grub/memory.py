# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The memory that a kernel takes when GRUB loads it."""

from __future__ import annotations

from ...names import GRUB_XEN
from ..candidate import Candidate
from . import multiboot, xen
from .elf import loads
from .files import Command, as_elf, command
from .linux import init_size


def memory_end(candidate: Candidate) -> int:
    """Return the physical address behind the memory of a kernel that GRUB loads.

    For the command linux, which chooses the address itself, return the size of the memory.
    """
    data, by = candidate.data, command(candidate)
    if candidate.loader == GRUB_XEN:
        return xen.span(xen.xen_info(candidate), candidate.elf)[1]
    if by is Command.LINUX:
        return init_size(data) or data.size
    as_elf_with = as_elf(candidate)
    if as_elf_with is not None:
        found = [(s.p_paddr, s.p_paddr + s.p_memsz) for s in loads(candidate.elf)]
        start, end = min(found, default=(0, 0))[0], max((last for _, last in found), default=0)
        moves = as_elf_with[1]
        return end if moves is None else moves[0] + end - start
    return _end_of_addresses(candidate, by)


def _end_of_addresses(candidate: Candidate, by: Command | None) -> int:
    """Return the end of a kernel that GRUB loads by the addresses of its header; 0: it has none."""
    data = candidate.data
    header, offset = multiboot.header(data), multiboot.header_2(data)
    if by is Command.MULTIBOOT and header is not None:
        found = multiboot.addresses(data, header[0] + 12)
        return max(found.load_addr, found.load_end_addr, found.bss_end_addr)
    tags = None if offset is None else multiboot.tags(data, offset)
    if tags is None or tags.addresses is None or offset is None:
        return 0
    load = multiboot.load_address(offset, tags.addresses)
    return max(load, tags.addresses.load_end_addr, tags.addresses.bss_end_addr)
