# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rows of rules E, N, F, C and A: libelf."""

from __future__ import annotations

from loaders.rows.row import ERROR, NO_LOADER, NOT_32BIT, WARNING, Row, refused_by_libelf
from xen_tool.loaders.names import (
    DOM0,
    DOMU,
    LOADERS,
    PV,
    PV_DOM0,
    PV_DOMU,
    PVH_DOM0,
    PVH_DOMU,
    XEN,
)

_LOST_NOTES = "Unable to parse kernel for ELFNOTES"

ROWS: tuple[Row, ...] = (
    Row("Z4-gzip-of-text", DOM0, "E1", "ELF: not an ELF binary"),
    Row("E1-magic", DOM0, "E1", "ELF: not an ELF binary"),
    Row("E1-magic", DOMU, "E1", NO_LOADER),
    Row("E2-phoff", DOM0, "E2", "ELF: phdr overflow (off 3"),
    Row("E2-phoff", DOMU, "E2", NO_LOADER),
    Row("E3-shoff", DOM0, "E3", "ELF: shdr overflow (off 3"),
    Row("E3-shoff", DOMU, "E3", NO_LOADER),
    Row("E4-shnum", XEN, "E4", "far too many section headers", WARNING),
    Row("big-endian", (PV_DOM0,), "E5", "Mismatch between Xen and DOM0 kernel"),
    Row("E6-dyn", LOADERS, "E6", "no loader relocates", WARNING),
    Row("E7-second-flags", XEN, "E7", "the segment is not loaded", WARNING),
    Row("E8-memsz", (PV_DOM0,), "E8", "Failed to load the kernel binary"),
    Row("E8-memsz", (PVH_DOM0,), "E8", "Failed to load kernel: -1"),
    Row("E8-memsz", DOMU, "E8", "has room for", WARNING),
    Row("E9-offset", XEN, "E9", "the file ends at 0x3", ERROR),
    Row(
        "E10-overlap",
        XEN,
        "E10",
        "program segments total to more than the input image size",
        ERROR,
    ),
    Row("E11-symtab", XEN, "E11", "invalid ELF handle for symtab section", WARNING),
    Row("65537-notes", XEN, "N1", "too many ELF notes", WARNING),
    Row("N2-owner-#Xen", XEN, "N2", 'its owner is "#Xen", but must be "Xen"', WARNING),
    Row("N2-one-owner", XEN, "N2", 'its owner is "xen"', WARNING),
    Row("N3-first-wraps", XEN, "N3", "every note behind it is lost", WARNING),
    Row("N4-padded-to-8", XEN, "N4", "counts by 4", WARNING),
    Row("N5-entry-3", XEN, "N5", "counts as 0", WARNING),
    Row("N6-entry-long", PV, "N6", "ENTRY counts as 0x80200000", WARNING),
    Row("N7-swallows-next", XEN, "N7", "has no NUL", WARNING),
    Row("N8-long-string", XEN, "N8", "excessively long string", WARNING),
    Row("N9-version-last-bad", XEN, "N9", "XEN_VERSION is there twice", WARNING),
    Row("N10-cut-last", XEN, "N10", "out of range access", WARNING),
    Row("F1-unknown-required", (PV_DOM0,), "F1", "Could not construct domain 0"),
    Row("F1-unknown-required", (PV_DOM0,), "F1", "Could not construct d0", xen="4.21"),
    Row("F1-unknown-required", (PVH_DOM0,), "F1", _LOST_NOTES),
    Row("F1-unknown-required", (PV_DOMU,), "F1", NO_LOADER),
    Row("F1-unknown-required", (PVH_DOMU,), "F1", NOT_32BIT),
    *refused_by_libelf(
        "C1-no-notes",
        "C1",
        "ERROR: Not a Xen-ELF image: No ELF notes or '__xen_guest' section found",
    ),
    *refused_by_libelf(
        "C2-foreign-only",
        "C2",
        "ERROR: Will only load images built for the generic loader or Linux images "
        "(Not '' and '') or with PHYS32_ENTRY set",
    ),
    *refused_by_libelf(
        "C2-loader-a-loader-of-",
        "C2",
        "ERROR: Will only load images built for the generic loader or Linux images "
        "(Not 'a loader of a v' and 'test') or with PHYS32_ENTRY set",
    ),
    *refused_by_libelf(
        "C3-version-xen-2.0",
        "C3",
        "ERROR: Xen will only load images built for Xen v3.0 (Not 'xen-2.0')",
    ),
    Row("A1-no-virt-base", DOM0, "A1", "ERROR: ELF_PADDR_OFFSET set, VIRT_BASE unset"),
    Row("A1-no-virt-base", (PV_DOMU,), "A1", NO_LOADER, xen="4.18"),
    Row("A1-pvh", (PVH_DOM0,), "A1", "ERROR: ELF_PADDR_OFFSET set, VIRT_BASE unset"),
    Row("A1-no-virt-base", (PVH_DOMU,), "A1", NOT_32BIT),
    *refused_by_libelf("A3-entry-physical", "A3", "ERROR: ELF start or entries are out of bounds"),
    Row("A4-init-p2m", (PV_DOM0,), "A4", "ERROR: P->M table base is out of bounds"),
    Row("A4-init-p2m-pvh", (PVH_DOM0,), "A4", "ERROR: P->M table base is out of bounds"),
)
