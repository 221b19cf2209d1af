# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rows of the rules of Xen's EFI binary, and small PE files for them."""

from __future__ import annotations

import struct

from loaders.good import good_both, good_pv64, good_pvh
from loaders.images import Image
from loaders.rows.row import ERROR, WARNING, Row
from xen_tool.loaders.names import XEN_EFI

_BASE = 0xFFFF82D040000000
_XEN = (b".text", 0x1000, b"\xf4")
_CONFIG = b"# of a test\n[global]\ndefault=a\n[b]\noptions=dom0=pv\n[a]\n options= console=com1 "


def pe(
    *sections: tuple[bytes, int, bytes],
    image_size: int = 1 << 20,
    version: tuple[int, int] = (4, 17),
    cut: int = 0,
) -> bytes:
    """Return a PE file with sections: name, address from the start of the image, content.

    image_size: SizeOfImage; version: MajorImageVersion and MinorImageVersion; cut: the number of
    bytes that are cut from the end.
    """
    at = 0x400
    table, contents = b"", b""
    for name, address, content in sections:
        places = len(content), address, len(content), at + len(contents)
        table += struct.pack("<8s4I16x", name, *places)
        contents += content
    optional = struct.pack("<H22xQ12xHH8xI", 0x20B, _BASE, *version, image_size).ljust(112, b"\0")
    header = struct.pack("<4sHH12xHH", b"PE\0\0", 0x8664, len(sections), len(optional), 0x22)
    start = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40) + header + optional + table
    whole = start.ljust(at, b"\0") + contents
    return whole[: len(whole) - cut]


def unified(kernel: Image | bytes, address: int = 0x3000, options: str | None = None) -> bytes:
    """Return a PE file with a kernel, and if options is not None, a configuration with them."""
    config = () if options is None else ((b".config", 0x2000, _CONFIG + options.encode()),)
    return pe(_XEN, *config, (b".kernel", address, bytes(kernel)))


IMAGES: dict[str, Image | bytes] = {
    "P-good": unified(good_both(), options=""),
    "P8-no-config": unified(good_both()),
    "P-good-pvh": unified(good_pvh(), options="dom0=verbose,pvh loglvl=all # dom0=pv\n"),
    "P1-old": unified(good_both(), options=""),
    "P2-outside": unified(good_both(), 0xC0000000),
    "P2-last-is-lower": pe(
        _XEN, (b".kernel", 0xFF000, bytes(good_both())), (b".config", 0x2000, b"")
    ),
    "P2-cut": pe(_XEN, (b".kernel", 0x3000, bytes(good_both())), cut=1),
    "P3-no-kernel": pe(_XEN, (b".config", 0x2000, b"[a]\nkernels=b\n")),
    "P3-kernel-in-file": pe(_XEN, (b".config", 0x2000, b"[a]\nkernel=vmlinux console=hvc0\n")),
    "P3-alone": pe(_XEN),
    "P4-between-pages": unified(good_both(), 0x3800),
    "P4-with-size": unified(bytes(good_both()) + b"\xff" * 4 + bytes(0x800), 0x3800),
    "P5-overlapping": unified(good_both(), 0x1000),
    "P6-pvh": unified(good_pvh(), options="dom0=pvh,pv"),
    "P7-other": pe(_XEN, (b".kernel", 0x3000, bytes(good_both())), version=(4, 20)),
    "P-version-unknown": pe(
        _XEN, (b".config", 0x2000, b""), (b".kernel", 0x3000, bytes(good_both())), version=(0, 0)
    ),
    "P-broken-kernel": unified(good_pv64().without(5)),
}

ROWS: tuple[Row, ...] = (
    Row("P1-old", (XEN_EFI,), "P1", "No configuration file found.", xen="4.14"),
    Row("good-both", (XEN_EFI,), "P1", "No configuration file found.", xen="4.14"),
    Row("P2-outside", (XEN_EFI,), "P2", "Load Error"),
    Row("P2-last-is-lower", (XEN_EFI,), "P2", "PE invalid section size + address"),
    Row("P2-cut", (XEN_EFI,), "P2", "Load Error"),
    Row("P3-no-kernel", (XEN_EFI,), "P3", "No initial domain kernel specified."),
    Row("P3-kernel-in-file", (XEN_EFI,), "P3", "Open failed for vmlinux"),
    Row("P3-alone", (XEN_EFI,), "P3", "No configuration file found."),
    Row("P8-no-config", (XEN_EFI,), "P8", "No configuration file found.", WARNING),
    Row("P4-between-pages", (XEN_EFI,), "P4", "ELF: not an ELF binary"),
    Row("P4-with-size", (XEN_EFI,), "P4", "Not enough memory to relocate the dom0"),
    Row("P5-overlapping", (XEN_EFI,), "P5", "sections .kernel and .text over each other", ERROR),
    Row("P6-pvh", (XEN_EFI,), "P6", "Xen builds a PV dom0", WARNING),
    Row("good-pvh64", (XEN_EFI,), "P6", "Xen builds a PV dom0", WARNING),
    Row("P7-other", (XEN_EFI,), "P7", "the Xen in the file is 4.20", WARNING),
    Row("P-broken-kernel", (XEN_EFI,), "C3", "Xen will only load images built for Xen v3.0"),
    Row("E1-short", (XEN_EFI,), "E1", "Could not construct domain 0"),
)
