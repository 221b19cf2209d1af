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
    Row("multiboot-address", (QEMU,), "Q1", "by multiboot, not by PVH", WARNING),
    Row("Q2-section", (QEMU,), "Q2", _NO_NOTE),
    Row("Q3-align-1-odd-string", (QEMU,), "Q3", _NO_NOTE),
    Row("Q3-align-0", (QEMU,), "Q3", "SIGFPE"),
    Row("Q3-align-8", (QEMU,), "Q3", "takes what follows for the entry", ERROR),
    Row("Q4-owner", (QEMU,), "Q4", "a note of another owner", WARNING),
    Row("Q5-first-good", (QEMU,), "Q5", "takes another note than Xen", WARNING),
    Row("Q7-outside", (QEMU,), "Q7", "QEMU enters at 0x5000000", ERROR),
    Row("low", (QEMU,), "Q7", "first MiB", ERROR),
    Row("high", (QEMU,), "Q7", "may have no RAM", WARNING),
    Row("Q8-e-flags", (QEMU,), "Q8", "elfboot unsupported flags = 4"),
    Row("Q9-machine", (QEMU,), "Q9", _NOT_LOADED),
    Row("Q10-hdrs", (QEMU,), "Q10", "takes the file for a bzImage", ERROR),
    Row("E10-overlap", (QEMU,), "X13", "Some ROM regions are overlapping"),
)
