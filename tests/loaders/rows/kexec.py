# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rows of the rules of kexec, and images for them."""

from __future__ import annotations

import struct
from dataclasses import replace

from loaders.broken.grub import multiboot_2, tag
from loaders.broken.others import multiboot
from loaders.containers import bzimage
from loaders.good import good_both, good_pv64, good_pvh
from loaders.images import NOTES_OFFSET, Image, Segment
from loaders.rows.row import ERROR, WARNING, Row
from xen_tool.elf import spec
from xen_tool.loaders.names import KEXEC


def _patched(image: bytes, offset: int, data: bytes) -> bytes:
    return image[:offset] + data + image[offset + len(data) :]


def _many(count: int) -> Image:
    pages = (Segment(p_paddr=0x400000 + i * 4096, p_filesz=1, p_memsz=1) for i in range(count))
    return replace(good_pvh(64), loads=(*good_pvh(64).loads, *pages))


def _moving(lowest: int, highest: int) -> Image:
    """Return a kernel of two pages that multiboot 2 may place anywhere between two addresses."""
    return good_pvh(64).patching(0x800, multiboot_2(tag(10, lowest, highest, 0x1000, 0)))


_BZIMAGE = bzimage(bytes(good_pv64()))
_64 = _patched(_BZIMAGE, 0x236, b"\3")


def _raw(*addresses: int, flags: int = 0x10000) -> bytes:
    """Return a file of a page with a multiboot header.

    addresses: header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr.
    """
    return multiboot(flags, *addresses).ljust(0x1000, b"\xf4")


_INTERPRETER = Segment(spec.PT_INTERP, spec.PF_R, 0x100, 0, 0, 8, 8, 1)

IMAGES: dict[str, Image | bytes] = {
    "J2-interpreter": replace(good_both(), loads=(*good_both().loads, _INTERPRETER)),
    "J2-no-headers": replace(good_both(), e_phoff=0),
    "J2-no-section-headers": replace(good_both(), e_shoff=0, in_segment=False),
    "J2-no-segments": replace(good_both(), e_phnum=0),
    "J2-header-size": good_both().patching(52, b"\0"),
    "J2-object": replace(good_both(), e_type=spec.ET_REL),
    "J2-section-size": replace(good_both(), e_shnum=200),
    "J2-wraps": good_both().loading(p_paddr=(1 << 64) - 4096),
    "J2-no-paddr": good_both().loading(p_paddr=(1 << 64) - 1),
    "J2-note-cut": replace(good_both(), note_filesz=20),
    "J-core": replace(good_both(), e_type=spec.ET_CORE),
    "J3-between-pages": _raw(0x200800, 0x200800, 0x201000, 0x202000, 0x200900),
    "J3-header": _raw(0x1FF000, 0x200000, 0x201000, 0x202000, 0x200030),
    "J3-load-end": _raw(0x200000, 0x200000, 0x1FFFFF, 0x202000, 0x200030),
    "J3-bss-end": _raw(0x200000, 0x200000, 0x201000, 0x200FFF, 0x200030),
    "J3-file": _raw(0x200000, 0x200000, 0x201001, 0x202000, 0x200030),
    "J3-entry": _raw(0x200000, 0x200000, 0x201000, 0x202000, 0x201000),
    "J3-flags": _raw(0x200000, 0x200000, 0x201000, 0x202000, 0x200030, flags=0x10008),
    "J3-vga": _raw(0xA0000, 0xA0000, 0xA1000, 0xA1000, 0xA0030),
    "J9-raw": _raw(0x200000, 0x200000, 0x201000, 0x202001, 0x200030),
    "J4-bzimage-64": _64,
    "J4-no-command-line": _patched(_BZIMAGE, 0x238, bytes(4)),
    "J4-no-command-line-64": _patched(_64, 0x238, bytes(4)),
    "J4-old-protocol": _patched(bzimage(b"", version=0x205), 0x238, bytes(4)),
    "J5-between-pages": good_both().loading(p_paddr=0x200800),
    "J5-vga": good_both().loading(p_paddr=0xA0000),
    "J6-same-page": replace(
        good_both(), loads=(*good_both().loads, Segment(p_paddr=0x1FF000, p_memsz=0x1001))
    ),
    "J7-many": _many(14),
    "J-14": _many(13),
    "J8-moved": replace(good_both().loading(p_paddr=0), e_type=spec.ET_DYN),
    "J8-in-ram": replace(good_both(), e_type=spec.ET_DYN),
    "J2-long-name": good_pvh(64).patching(NOTES_OFFSET, struct.pack("<I", 0xFFFFFFFE)),
    "J10-shoff": replace(good_both(), e_shoff=1 << 62, e_shnum=0),
    "J8-range": _moving(0x200000, 0x201FFF),
    "J8-range-fits": _moving(0x200000, 0x202000),
    "J8-range-turned": _moving(0x300000, 0x200000),
    "J8-range-of-vga": _moving(0xA0000, 0xC0000),
    "J8-range-elsewhere": _moving(0x10000000, 0x20000000),
    "J9-multiboot-2": good_pvh(64).patching(0x800, multiboot_2()),
    "J9-multiboot-2-386": good_pvh(32).patching(0x800, multiboot_2()),
    "J9-multiboot-2-at-end": good_pvh(64).patching(8192 - 8, struct.pack("<I", 0xE85250D6)),
    "J10-own-entry": replace(good_pvh(64), e_entry=0x200000),
    "J10-own-entry-32": replace(good_pvh(32), e_entry=0x200000),
}

ROWS: tuple[Row, ...] = (
    Row("J2-long-name", (KEXEC,), "J2", "Segmentation fault"),
    Row("J10-shoff", (KEXEC,), "J10", "the guest is dead", ERROR),
    Row("J8-range", (KEXEC,), "J8", "ELF exec load failed"),
    Row("J8-range-of-vga", (KEXEC,), "J8", "ELF exec load failed"),
    Row("J8-range-turned", (KEXEC,), "J8", "Bad relocation range"),
    Row("J8-range-elsewhere", (KEXEC,), "J8", "moved to where memory is free", WARNING),
    Row("J8-range-fits", (KEXEC,), "J9", "by multiboot (multiboot2-x86)", WARNING),
    Row("G7-tag-size-0", (KEXEC,), "J8", "kexec itself hangs"),
    Row("Z3-empty", (KEXEC,), "J1", "Cannot read"),
    Row("Z2-gzip", (KEXEC,), "J1", "Cannot determine the file type of"),
    Row("E1-short", (KEXEC,), "J1", "Cannot determine the file type of"),
    Row("J2-interpreter", (KEXEC,), "J2", "Requires an ELF interpreter"),
    Row("J2-no-headers", (KEXEC,), "J2", "Segmentation fault"),
    Row("J2-no-section-headers", (KEXEC,), "J2", "Segmentation fault"),
    Row("J2-no-segments", (KEXEC,), "J2", "No ELF program header"),
    Row("J2-note-cut", (KEXEC,), "J2", "ELF Note corrupted !"),
    *(
        Row(f"J2-{name}", (KEXEC,), "J2", "Cannot determine the file type of")
        for name in ("header-size", "object", "section-size", "wraps")
    ),
    Row("J3-between-pages", (KEXEC,), "J3", "multiboot load address not 4k aligned"),
    Row("J3-header", (KEXEC,), "J3", "multiboot header address > load address"),
    Row("J3-load-end", (KEXEC,), "J3", "multiboot load end address < load address"),
    Row("J3-bss-end", (KEXEC,), "J3", "multiboot bss end address < load end address"),
    Row("J3-file", (KEXEC,), "J3", "multiboot file truncated"),
    Row("J3-entry", (KEXEC,), "J3", "multiboot entry out of range"),
    Row("J3-flags", (KEXEC,), "J3", "Found a multiboot header, but it requires"),
    Row("J3-vga", (KEXEC,), "J5", "Invalid memory segment 0xa0000 - 0xa0fff"),
    Row("J2-no-paddr", (KEXEC,), "J5", "0xffffffffffffffff is not page aligned"),
    Row("R10-cut", (KEXEC,), "J4", "BzImage truncated?"),
    Row("J4-no-command-line", (KEXEC,), "J4", "Cannot load"),
    Row("J4-no-command-line-64", (KEXEC,), "J4", "Cannot load"),
    Row("J4-bzimage-64", (KEXEC,), "J4", "Linux's own boot protocol", WARNING),
    Row("Z1-bzimage-gzip", (KEXEC,), "J4", "Linux's own boot protocol", WARNING),
    Row("J5-between-pages", (KEXEC,), "J5", "Base address: 0x200800 is not page aligned"),
    Row("J5-vga", (KEXEC,), "J5", "Invalid memory segment 0xa0000 - 0xa1fff"),
    Row("H4-low", (KEXEC,), "J5", "Invalid memory segment (nil) - 0x1fff"),
    Row("high-segment", (KEXEC,), "J5", "the machine may have no memory", WARNING),
    Row("J6-same-page", (KEXEC,), "J6", "Overlapping memory segments at 0x201000"),
    Row("J7-many", (KEXEC,), "J7", "kernel segment limit reached", ERROR),
    Row("J8-moved", (KEXEC,), "J8", "moved to where memory is free", WARNING),
    Row("J9-multiboot-2", (KEXEC,), "J9", "by multiboot (multiboot2-x86)", WARNING),
    Row("J9-raw", (KEXEC,), "J9", "by multiboot (multiboot-x86)", WARNING),
    Row("good-both", (KEXEC,), "J10", "the guest is dead", ERROR),
    Row("good-pvh32", (KEXEC,), "J10", "0x200100 in 32-bit mode, without start_info", ERROR),
    Row("J10-own-entry", (KEXEC,), "J10", "0x200000 in 64-bit mode, with the notes", WARNING),
    Row("J10-own-entry-32", (KEXEC,), "J10", "0x200000 in 32-bit mode, with the notes", WARNING),
)
