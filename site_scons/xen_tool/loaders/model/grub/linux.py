# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Model GRUB's command linux, of a PC and of i386-xen_pvh (grub-core/loader/i386/linux.c)."""

from __future__ import annotations

from ....image.container import has_setup_header
from ....image.data import Data

HEADER = 0x268
"""Bytes of struct linux_i386_kernel_header."""

_HAS_INIT_SIZE = 0x20A
"""The boot protocol from which on GRUB reads init_size."""
_MOST_MEMORY = 3 << 30
"""Bytes: PCs keep the last GiB below 4 GiB for devices."""
_SETUP_SECTORS = 64
_HEADER_START = 0x1F1
_PAGE_MASK = 0xFFF
_LINUX16 = " (try with `linux16')"
"""What a GRUB that has the command linux16 adds."""


def wrong_bzimage(data: Data, *, linux16: bool) -> str | None:
    """Return why grub_cmd_linux takes a file for no kernel, in its words."""
    more = _LINUX16 if linux16 else ""
    if data.size < HEADER:
        return "premature end of file"
    if data.unsigned(0x1FE, 2) != 0xAA55:
        return "invalid magic number"
    if (data.unsigned(0x1F1, 1) or 0) > _SETUP_SECTORS:
        return "too many setup sectors"
    if not has_setup_header(data) or (data.unsigned(0x206, 2) or 0) < 0x203:
        return f"version too old for 32-bit boot{more}"
    if not (data.unsigned(0x211, 1) or 0) & 1:
        return f"zImage doesn't support 32-bit boot{more}"
    return None


def cut_short(data: Data) -> str | None:
    """Return what GRUB says of a kernel that ends within its setup code, if it does not crash."""
    if copies_too_much(data):
        return None
    if data.size < _setup_size(data):
        # Before 2.10 the kernel's size is the memory, and it is a little below 4 GiB here.
        return "attempt to seek outside of the file" if init_size(data) else "out of memory"
    return "premature end of file" if data.size < _header_end(data) else None


def _setup_size(data: Data) -> int:
    """Return the bytes before the kernel."""
    return ((data.unsigned(0x1F1, 1) or 4) + 1) * 512


def _header_end(data: Data) -> int:
    """Return the offset behind the setup header: the target of the jump before it, signed."""
    jump = data.unsigned(0x201, 1) or 0
    return 0x202 + jump - (jump >> 7 << 8)


def copies_too_much(data: Data) -> bool:
    """Whether GRUB copies a setup header with a size below 0, and crashes."""
    return _header_end(data) < _HEADER_START


def init_size(data: Data) -> int | None:
    """Return the bytes that a bzImage asks for; None if its protocol does not say."""
    if (data.unsigned(0x206, 2) or 0) < _HAS_INIT_SIZE:
        return None
    return data.unsigned(0x260, 4) or 0


def breaks_heap(data: Data) -> bool:
    """Whether init_size of a bzImage makes the command linux write over GRUB's heap.

    allocate_pages (loader/i386/linux.c) takes init_size bytes, and the whole file behind the setup
    code is read into them.  malloc_in_range (lib/relocator.c) adds addresses and sizes in 32 bits:
    near 4 GiB the sum wraps, and memory that is in use is found free.
    """
    stated = init_size(data)
    if stated is None:
        return False
    size = max(stated, 1) + _PAGE_MASK & ~_PAGE_MASK
    return size < data.size - _setup_size(data) or size > _MOST_MEMORY
