# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rows of the rules of QEMU -kernel, of any letter."""

from __future__ import annotations

from loaders.rows.row import ERROR, WARNING, Row
from xen_tool.loaders.names import QEMU

_NO_NOTE = "Error loading uncompressed kernel without PVH ELF Note"
_NOT_LOADED = "Error while loading elf kernel"

ROWS: tuple[Row, ...] = (
    Row("Z1-bzimage-gzip", (QEMU,), "Z6", "Linux's own boot protocol", WARNING),
    Row("Z1-gzip-with-HdrS", (QEMU,), "Z3", "invalid kernel header"),
    Row("Z2-gzip", (QEMU,), "Z6", "invalid kernel header"),
    Row("Z2-LZO", (QEMU,), "Z6", "it is loaded as a raw Linux kernel, without a word"),
    Row("E1-text", (QEMU,), "E1", "invalid kernel header"),
    Row("E1-short", (QEMU,), "E1", _NOT_LOADED),
    Row("Z3-empty", (QEMU,), "E1", "could not load kernel"),
    Row("E2-phnum", (QEMU,), "E2", _NOT_LOADED),
    Row("E5-msb", (QEMU,), "E5", _NOT_LOADED),
    Row("E8-memsz", (QEMU,), "E8", _NOT_LOADED, ERROR),
    Row("E9-offset", (QEMU,), "E9", _NOT_LOADED),
    Row("Q1-multiboot-64", (QEMU,), "Q1", "Cannot load x86-64 image, give a 32bit one."),
    Row("Q1-addresses-load", (QEMU,), "Q1", "invalid load_addr address"),
    Row("Q1-multiboot-32", (QEMU,), "Q1", "by multiboot, not by PVH", WARNING),
    Row("Q1-addresses-good", (QEMU,), "Q1", "by multiboot, not by PVH", WARNING),
    Row("Q1-note-outside", (QEMU,), "Q1", "by multiboot, not by PVH", WARNING),
    Row("Q1-vbe", (QEMU,), "Q1", "multiboot knows VBE. we don't", WARNING),
    Row("Q1-no-elf", (QEMU,), "Q1", _NOT_LOADED),
    Row("Q1-cut", (QEMU,), "Q1", _NOT_LOADED),
    Row("Q1-high", (QEMU,), "Q1", "Error while fetching elf kernel from rom"),
    Row("Q1-overlap", (QEMU,), "X13", "Some ROM regions are overlapping"),
    Row("Q1-addresses-header", (QEMU,), "Q1", "invalid header_addr address"),
    Row("Q1-addresses-load-end", (QEMU,), "Q1", "invalid load_end_addr address"),
    Row("Q1-addresses-wide", (QEMU,), "Q1", "kernel does not fit in address space"),
    Row("Q1-addresses-bss-end", (QEMU,), "Q1", "invalid bss_end_addr address"),
    Row("Q1-addresses-file", (QEMU,), "Q1", "fread() failed"),
    Row("Q2-section", (QEMU,), "Q2", _NO_NOTE),
    Row("Q3-align-1-odd-string", (QEMU,), "Q3", _NO_NOTE),
    Row("Q3-align-0", (QEMU,), "Q3", "SIGFPE"),
    Row("Q3-align-8", (QEMU,), "Q3", "takes what follows for the entry", ERROR),
    Row("Q4-owner", (QEMU,), "Q4", "a note of another owner", WARNING),
    Row("Q5-first-good", (QEMU,), "Q5", "takes another note than Xen", WARNING),
    Row("Q7-outside", (QEMU,), "Q7", "QEMU enters at 0x5000000", ERROR),
    Row("low", (QEMU,), "Q7", "enters at 0x10100, which its firmware has written over", ERROR),
    Row("H4-low", (QEMU,), "Q7", "first MiB, and may write over the segment", WARNING),
    Row("Q7-small-and-low", (QEMU,), "Q7", "first MiB, and may write over the segment", WARNING),
    Row("E8-no-memory", (QEMU,), "E8", "QEMU 7.2 does not load the segment", WARNING),
    Row("Q3-long-name", (QEMU,), "Q3", "SIGSEGV"),
    Row("Q8-msb", (QEMU,), "Q8", "elfboot unsupported flags = 4"),
    *(Row(f"Q11-{n}", (QEMU,), "Q11", _NOT_LOADED) for n in ("3-gib", "63-bit", "together")),
    Row("X13-over-firmware", (QEMU,), "X13", "Some ROM regions are overlapping"),
    Row("Q11-32-bit", (QEMU,), "X13", "Some ROM regions are overlapping"),
    Row("high", (QEMU,), "Q7", "may have no RAM", WARNING),
    Row("Q7-nowhere", (QEMU,), "Q7", "no machine has memory", ERROR),
    Row("Q8-e-flags", (QEMU,), "Q8", "elfboot unsupported flags = 4"),
    Row("Q9-machine", (QEMU,), "Q9", _NOT_LOADED),
    Row("Q10-hdrs", (QEMU,), "Q10", "takes the file for a bzImage", ERROR),
    Row("X13-bytes-over-bytes", (QEMU,), "X13", "Some ROM regions are overlapping"),
    Row("E10-overlap", (QEMU,), "X13", "Some ROM regions are overlapping"),
)
