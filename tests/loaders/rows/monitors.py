# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rows of the rules of Firecracker, Cloud Hypervisor, libkrun and crosvm, and images for them."""

from __future__ import annotations

import struct
from dataclasses import replace

from loaders.containers import bzimage
from loaders.good import good_both, good_pv64, good_pvh
from loaders.images import Image, note_segment
from loaders.rows.row import ERROR, WARNING, Row
from xen_tool.elf import spec
from xen_tool.loaders.names import CLOUD_HYPERVISOR, CROSVM, FIRECRACKER, LIBKRUN, LINUX_LOADER


def _patched(image: bytes, offset: int, data: bytes) -> bytes:
    return image[:offset] + data + image[offset + len(data) :]


_BZIMAGE = bzimage(bytes(good_pv64()))
_FLAGS = struct.pack("<3I", 0x1BADB002, 8, -(0x1BADB002 + 8) % (1 << 32))

IMAGES: dict[str, Image | bytes] = {
    "R2-phoff": replace(good_pvh(64), e_phoff=16),
    "R2-phoff-63": replace(good_pvh(64), e_phoff=1 << 63),
    "R3-entry-0": replace(good_pvh(64), e_entry=0),
    "R4-offset-63": replace(good_pvh(64), loads=(*good_pvh(64).loads, note_segment(1 << 63, 0x10))),
    "R5-offset-63": good_pvh(64).loading(p_offset=1 << 63),
    "R5-memsz": good_pvh(64).loading(p_memsz=(1 << 64) - 1),
    "R6-another-pt-note": good_both().with_second_segment(len(good_both().notes) - 1),
    "R10-cut": _patched(_BZIMAGE, 0x1F1, b"\xff"),
    "R10-low": _patched(_BZIMAGE, 0x214, bytes(4)),
    "R10-header-cut": _BZIMAGE[:0x218],
    "R1-header-cut": _BZIMAGE[:0x217],
    "R1-protocol-1": _patched(_BZIMAGE, 0x206, b"\xff\x01"),
    "R1-not-high": _patched(_BZIMAGE, 0x211, b"\0"),
    "K3-no-size": bytes(0x201),
    "K3-size-0": bytes(0x202),
    "K3-header-cut": b"\x10" * 0x211,
    "K3-header": b"\x10" * 0x212,
    "K3-short-header": _patched(_BZIMAGE, 0x201, b"\0"),
    "K3-cut-header": _BZIMAGE[:0x230],
    "K1-flags": good_both().patching(0x800, _FLAGS),
    "K2-version": good_pvh(64).patching(spec.EI_DATA + 1, b"\0"),
}

_ELF = "Kernel Loader: failed to load ELF kernel image: Kernel Loader: "
_NO_BZIMAGE = "failed to load bzImage kernel image: Kernel Loader: Invalid bzImage"
_KERNEL = "error loading Kernel: "
_BZ = "error loading kernel bzImage: "


def _not_loaded(image: str, rule: str, words: str, *loaders: str) -> tuple[Row, ...]:
    """Return the rows of a file that linux-loader's loader of ELF files refuses."""
    return (
        Row(image, loaders or (FIRECRACKER, LIBKRUN), rule, words),
        Row(image, (CLOUD_HYPERVISOR,), rule, _NO_BZIMAGE),
    )


ROWS: tuple[Row, ...] = (
    *_not_loaded("E1-short", "R1", f"{_ELF}Unable to read elf header"),
    *_not_loaded("E1-text", "R1", f"{_ELF}Invalid Elf magic number"),
    Row("Z1-bzimage-gzip", (FIRECRACKER, LIBKRUN), "R1", f"{_ELF}Invalid Elf magic number"),
    *_not_loaded("Z2-gzip", "R1", f"{_ELF}Invalid Elf magic number"),
    *_not_loaded("E5-msb", "R1", f"{_ELF}Trying to load big-endian binary"),
    *_not_loaded("good-pvh32", "R2", f"{_ELF}Invalid program header size"),
    *_not_loaded("R2-phoff", "R2", f"{_ELF}Invalid program header offset"),
    *_not_loaded("R2-phoff-63", "R2", f"{_ELF}Unable to seek to program header"),
    *_not_loaded("R4-offset-63", "R4", f"{_ELF}Unable to seek to note header"),
    *_not_loaded("R5-offset-63", "R5", f"{_ELF}Unable to seek to kernel start"),
    *_not_loaded("E2-phnum", "R2", f"{_ELF}Unable to read program header"),
    *_not_loaded("R3-entry-0", "R3", f"{_ELF}Invalid entry address", FIRECRACKER),
    *_not_loaded("E3-truncated", "R4", f"{_ELF}Unable to read note header"),
    *_not_loaded("N3-first-wraps", "R4", f"{_ELF}Overflow occurred"),
    *_not_loaded("N5-phys32-entry-3", "R4", f"{_ELF}Invalid PVH note header"),
    *_not_loaded("E9-offset", "R5", f"{_ELF}Unable to read kernel image"),
    *_not_loaded("Q7-nowhere", "R5", f"{_ELF}Unable to read kernel image"),
    *_not_loaded("R5-memsz", "R5", "Kernel Loader: memory to load kernel image is not enough"),
    Row("good-pv64", (CLOUD_HYPERVISOR,), "R6", "Kernel lacks PVH header"),
    Row("good-pv64", (FIRECRACKER, LIBKRUN), "R6", "e_entry 0xffffffff80200000 in 64-bit", ERROR),
    Row("R6-another-pt-note", (CLOUD_HYPERVISOR,), "R6", "Kernel lacks PVH header"),
    Row("R6-another-pt-note", (FIRECRACKER, LIBKRUN), "R6", "is dead without a word", ERROR),
    Row("Q2-section", (FIRECRACKER, LIBKRUN), "R6", "by Linux's own boot protocol", WARNING),
    Row("Q7-outside", LINUX_LOADER, "R7", "entered at 0x5000000", ERROR),
    Row("H4-low", LINUX_LOADER, "R8", "the first MiB", WARNING),
    Row("H4-no-ram", LINUX_LOADER, "R9", "Unable to read kernel image", WARNING),
    Row("Z1-bzimage-gzip", (CLOUD_HYPERVISOR,), "R10", "Linux's own boot protocol", WARNING),
    Row("R10-cut", (CLOUD_HYPERVISOR,), "R10", "Underflow occurred during an arithmetic"),
    Row("R10-low", (CLOUD_HYPERVISOR,), "R10", "Kernel Loader: invalid kernel start address"),
    Row("R10-header-cut", (CLOUD_HYPERVISOR,), "R10", "Underflow occurred during an arithmetic"),
    # A part of the header is enough.
    Row("R1-header-cut", (CLOUD_HYPERVISOR,), "R10", "Underflow occurred during an arithmetic"),
    Row("R1-protocol-1", (CLOUD_HYPERVISOR,), "R1", _NO_BZIMAGE),
    Row("R1-not-high", (CLOUD_HYPERVISOR,), "R1", _NO_BZIMAGE),
    Row("K1-flags", (CROSVM,), "K1", f"{_KERNEL}invalid flags"),
    Row("Q1-addresses-load", (CROSVM,), "K1", f"{_KERNEL}invalid kernel offset"),
    Row("Q1-addresses-good", (CROSVM,), "K1", "started by multiboot", WARNING),
    Row("E1-short", (CROSVM,), "K2", f"{_KERNEL}unable to read header"),
    Row("E5-msb", (CROSVM,), "K2", f"{_KERNEL}trying to load big-endian binary"),
    Row("K2-version", (CROSVM,), "K2", f"{_KERNEL}invalid elf version"),
    Row("E13-class", (CROSVM,), "K2", f"{_KERNEL}invalid elf class"),
    Row("E2-phentsize", (CROSVM,), "K2", f"{_KERNEL}invalid program header size"),
    Row("R2-phoff", (CROSVM,), "K2", f"{_KERNEL}invalid program header offset"),
    Row("E2-phnum", (CROSVM,), "K2", f"{_KERNEL}unable to read program header"),
    Row("E1-text", (CROSVM,), "K3", f"{_BZ}bad kernel header signature"),
    Row("K3-no-size", (CROSVM,), "K3", f"{_BZ}unable to read header size"),
    Row("K3-size-0", (CROSVM,), "K3", f"{_BZ}bad kernel header signature"),
    Row("K3-header-cut", (CROSVM,), "K3", f"{_BZ}unable to read boot_params"),
    Row("K3-header", (CROSVM,), "K3", f"{_BZ}bad kernel header signature"),
    Row("K3-short-header", (CROSVM,), "K3", f"{_BZ}bad kernel header signature"),
    Row("K3-cut-header", (CROSVM,), "K3", f"{_BZ}unable to read boot_params"),
    Row("Z1-bzimage-gzip", (CROSVM,), "K3", f"{_BZ}invalid syssize value"),
    Row("Z1-bzimage-xz", (CROSVM,), "K3", "Linux's own boot protocol", WARNING),
    Row("H4-low", (CROSVM,), "K4", f"{_KERNEL}program header address out of allowed"),
    Row("R5-memsz", (CROSVM,), "K4", f"{_KERNEL}invalid Program Header memory size"),
    Row("E9-offset", (CROSVM,), "K4", f"{_KERNEL}unable to read kernel image"),
    Row("E7-no-load", (CROSVM,), "K4", f"{_KERNEL}no loadable program headers found"),
    Row("good-both", (CROSVM,), "K5", f"{_KERNEL}invalid entry point"),
    Row("good-pvh64", (CROSVM,), "K6", "at 0x200100 in 64-bit mode, without start_info", ERROR),
    Row("good-pvh32", (CROSVM,), "K6", "at 0x200100 in 32-bit mode, without start_info", ERROR),
    Row("H2-no-phys32-entry", (CROSVM,), "K6", "by Linux's boot protocol", WARNING),
    Row("high-segment", (CROSVM,), "K7", "no memory for a segment", WARNING),
)
