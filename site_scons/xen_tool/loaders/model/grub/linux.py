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
    """Return GRUB's message if grub_cmd_linux refuses the file, or None.

    linux16: whether GRUB has the command linux16, which it then recommends.
    """
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
    """Return GRUB's message for a kernel that ends within its setup code; None if it does not.

    None as well if GRUB crashes instead.
    """
    if copies_too_much(data):
        return None
    if data.size < _setup_size(data):
        # Before protocol 2.10 GRUB takes memory of the kernel's size: here, almost 4 GiB.
        return "attempt to seek outside of the file" if init_size(data) else "out of memory"
    return "premature end of file" if data.size < _header_end(data) else None


def _setup_size(data: Data) -> int:
    """Return the size of the setup code, which precedes the kernel, in bytes."""
    return ((data.unsigned(0x1F1, 1) or 4) + 1) * 512


def _header_end(data: Data) -> int:
    """Return the offset behind the setup header: the target of the jump before it, signed."""
    jump = data.unsigned(0x201, 1) or 0
    return 0x202 + jump - (jump >> 7 << 8)


def copies_too_much(data: Data) -> bool:
    """Whether GRUB copies a setup header with a size below 0, and crashes."""
    return _header_end(data) < _HEADER_START


def init_size(data: Data) -> int | None:
    """Return the bytes of memory that a bzImage asks for; None if its protocol is before 2.10."""
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
