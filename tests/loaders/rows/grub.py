# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rows of the rules of GRUB, and images for them."""

from __future__ import annotations

from dataclasses import replace

from loaders.broken.others import multiboot
from loaders.containers import bzimage
from loaders.good import good_pv64, good_pvh
from loaders.images import Image
from loaders.rows.row import ERROR, WARNING, Row
from xen_tool.elf import spec
from xen_tool.loaders.names import GRUB_LINUX, GRUB_MULTIBOOT, GRUB_XEN

_MULTIBOOT_64 = good_pvh(64).patching(0x800, multiboot())


def _stating(init_size: int) -> bytes:
    """A bzImage that says how much memory it needs; loaders of this table do not run it."""
    image = bzimage(bytes(good_pvh(64)))
    return image[:0x260] + init_size.to_bytes(4, "little") + image[0x264:]


IMAGES: dict[str, Image | bytes] = {
    "G3-high": _MULTIBOOT_64.loading(p_paddr=1 << 32),
    "G3-type": replace(_MULTIBOOT_64, e_type=spec.ET_REL),
    "G3-entry": replace(_MULTIBOOT_64, e_entry=0x100),
    "G3-phoff": replace(_MULTIBOOT_64, e_phoff=8192),
    "G4-short": b"MZ",
    "G4-small": _stating(0x1000),
    "G4-fits": _stating(0x200000),
    "G5-unaligned": good_pv64().based(0xFFFFFFFF80000800),
}

ROWS: tuple[Row, ...] = (
    Row("good-both", (GRUB_MULTIBOOT,), "G1", "no multiboot header found"),
    Row("Z3-empty", (GRUB_MULTIBOOT,), "G1", "premature end of file"),
    Row("Q1-multiboot-32", (GRUB_MULTIBOOT,), "G1", "started by multiboot", WARNING),
    Row("Q1-addresses-good", (GRUB_MULTIBOOT,), "G1", "started by multiboot", WARNING),
    Row("K1-flags", (GRUB_MULTIBOOT,), "G2", "unsupported flag: 0x8"),
    Row("Q1-addresses-header", (GRUB_MULTIBOOT,), "G2", "attempt to seek outside of the file"),
    Row("Q1-addresses-load-end", (GRUB_MULTIBOOT,), "G2", "address is out of range"),
    Row("Q1-addresses-wide", (GRUB_MULTIBOOT,), "G2", "address is out of range"),
    Row("Q1-addresses-bss-end", (GRUB_MULTIBOOT,), "G2", "GRUB itself crashes"),
    Row("Q1-multiboot-386", (GRUB_MULTIBOOT,), "G3", "invalid arch-dependent ELF magic"),
    Row("Q1-msb", (GRUB_MULTIBOOT,), "G3", "invalid arch-independent ELF magic"),
    Row("Q1-cut", (GRUB_MULTIBOOT,), "G3", "premature end of file"),
    Row("Q1-overlap", (GRUB_MULTIBOOT,), "G3", "overlap detected"),
    Row("G3-high", (GRUB_MULTIBOOT,), "G3", "segment crosses 4 GiB border"),
    Row("G3-type", (GRUB_MULTIBOOT,), "G3", "this ELF file is not of the right type"),
    Row("G3-entry", (GRUB_MULTIBOOT,), "G3", "entry point isn't in a segment"),
    Row("G3-phoff", (GRUB_MULTIBOOT,), "G3", "program header at a too high offset"),
    Row("good-both", (GRUB_LINUX,), "G4", "invalid magic number"),
    Row("G4-short", (GRUB_LINUX,), "G4", "premature end of file"),
    Row("R10-cut", (GRUB_LINUX,), "G4", "too many setup sectors"),
    Row("Z1-bzimage-gzip", (GRUB_LINUX,), "G4", "GRUB itself crashes"),
    Row("G4-small", (GRUB_LINUX,), "G4", "GRUB itself crashes"),
    Row("G4-fits", (GRUB_LINUX,), "G4", "Linux's own boot protocol", WARNING),
    Row("Z1-protocol-2.08", (GRUB_LINUX,), "G4", "Linux's own boot protocol", WARNING),
    Row("Z1-bzimage-zstd", (GRUB_XEN,), "G5", "not xen image"),
    Row("E1-text", (GRUB_XEN,), "G5", "version too old for xen boot"),
    Row("C2-loader-generic", (GRUB_XEN,), "G5", "invalid loader"),
    Row("C1-no-notes-arm", (GRUB_XEN,), "G5", "unknown ELF type"),
    Row("D3-pv32-no-pae", (GRUB_XEN,), "G5", "incompatible architecture: 1"),
    Row("N2-owner-case", (GRUB_XEN,), "G5", "no XEN note found"),
    Row("G5-unaligned", (GRUB_XEN,), "G5", "unaligned virt_base"),
    Row("N6-entry-long", (GRUB_XEN,), "G6", "where none of its code is", ERROR),
    Row("good-pvh64", (GRUB_XEN,), "G6", "its PVH entry, as a PV domain", ERROR),
)
