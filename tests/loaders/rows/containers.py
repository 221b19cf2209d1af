# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rows of rules Z: containers, for Xen and libxenguest."""

from __future__ import annotations

from loaders.rows.row import NO_LOADER, WARNING, Row
from xen_tool.loaders.names import DOM0, DOMU

_SETTINGS = "Input was encoded with settings that are not supported by this XZ decoder"
_UNKNOWN_TO_XEN = ("crc64", "sha256", "x86-offset", "arm", "delta", "x86-twice")

ROWS: tuple[Row, ...] = (
    Row("Z1-protocol-2.07", DOM0, "Z1", "Cannot load bzImage v2.07 at least v2.08 is required"),
    Row("Z1-protocol-2.07", DOMU, "Z1", NO_LOADER),
    Row("Z3-empty", DOM0, "Z3", "FATAL TRAP"),
    Row("Z3-empty", DOMU, "Z3", "zero length file"),
    Row("Z3-wild-offset", DOM0, "Z3", "FATAL TRAP"),
    Row("Z3-truncated", DOMU, "Z3", NO_LOADER),
    Row("Z3-truncated", DOM0, "Z3", "ran out of input data"),
    Row("Z3-bzimage-xz-cut", DOM0, "Z3", "Could not construct domain 0"),
    Row("Z3-gzip-truncated", DOM0, "Z2", "Not enough memory to relocate the dom0 kernel image"),
    Row("Z3-gzip-cut", DOM0, "Z3", "ran out of input data"),
    Row("Z3-gzip-cut", DOMU, "Z3", "xc_dom_do_gunzip: inflate failed"),
    Row("Z3-gzip-damaged", DOM0, "Z3", "Panic on CPU 0"),
    Row("Z3-xz-cut", DOM0, "Z3", "Could not construct domain 0"),
    Row("Z7-gzip-header-crc", DOM0, "Z7", "Multi part input"),
    Row("Z7-bzimage-gzip-header-crc", DOM0, "Z7", "Multi part input"),
    *(Row(f"Z7-xz-{name}", DOM0, "Z7", _SETTINGS) for name in _UNKNOWN_TO_XEN),
    *(Row(f"Z7-bzimage-xz-{name}", DOM0, "Z7", _SETTINGS) for name in _UNKNOWN_TO_XEN),
    Row("Z7-bzimage-xz-dict-256", DOMU, "Z7", NO_LOADER),
    Row("Z7-bzimage-lzma-dict-384", DOMU, "Z7", NO_LOADER, xen="4.22"),
    Row("Z7-bzimage-xz-dict-192", DOMU, "Z7", NO_LOADER, xen="4.18.4"),
    Row("Z7-bzimage-zstd-and-more", DOMU, "Z2", NO_LOADER),
    Row("Z2-bzimage-lz4-size-more", DOMU, "Z2", NO_LOADER, xen="4.22"),
    Row("zstd-bare", DOM0, "Z2", "ELF: not an ELF binary", xen="4.14"),
    Row("zstd", DOMU, "Z5", NO_LOADER, xen="4.14"),
    Row("Z2-xz-no-size", DOM0, "Z2", "Not enough memory to relocate the dom0 kernel image"),
    Row("Z2-lz4-no-size", DOM0, "Z2", "Decoding failed"),
    Row("Z2-bzip2-no-size", DOM0, "Z2", "Not enough memory to relocate", WARNING),
    Row("Z2-zstd-size-zero", DOM0, "Z2", "ELF: not an ELF binary"),
    Row("Z2-zstd-size-less", DOM0, "E3", "ELF: shdr overflow (off 3258 > size 1000)"),
    Row("Z2-zstd-size-more", DOM0, "Z2", "Xen takes 0x4258 for the size", WARNING),
    Row("Z2-xz-overruns", DOM0, "Z2", "Could not construct domain 0"),
    Row("Z2-bzimage-xz-size-more", DOMU, "Z2", NO_LOADER),
    Row("E1-text", DOM0, "Z2", "Not enough memory to relocate the dom0 kernel image", WARNING),
    Row("E1-short", DOM0, "E1", "Could not construct domain 0"),
    Row("Z1-bzimage-bzip2", DOMU, "Z5", NO_LOADER),
    Row("Z2-zstd", DOMU, "Z5", NO_LOADER),
)
