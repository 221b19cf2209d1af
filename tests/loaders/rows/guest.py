# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rows of rules X: errors that no loader of Xen checks."""

from __future__ import annotations

from loaders.rows.row import ERROR, WARNING, Row
from xen_tool.loaders.names import PV, PV_DOM0, PVH_DOM0, PVH_DOMU, XEN

PVH_XEN = (PVH_DOM0, PVH_DOMU)

ROWS: tuple[Row, ...] = (
    Row("pv-no-page-but-symbol", PV, "X1", "does not fill it", ERROR),
    Row("no-page-but-symbol", PV, "X1", "does not fill by itself", WARNING),
    Row("X2-hypercall-page-unaligned", PV, "X2", "Xen writes", ERROR),
    Row("page-at-entry", PV, "X4", "Xen writes over the entry", ERROR),
    Row("page-with-data", PV, "X4", "Xen writes over something else", ERROR),
    Row("E12-vaddr", PV, "X3", "runs at 0xffffffff80200000", ERROR),
    Row("two-segments", PV, "X3", "is loaded at 0xffffffff80202000", WARNING),
    Row("entry-in-bss", XEN, "X5", "where nothing of the file is", ERROR),
    Row("not-executable", XEN, "X5", "not marked executable", WARNING),
    Row("X6-init-p2m-unaligned", (PV_DOM0,), "X6", "begins within a page", WARNING),
    Row("N11-section", XEN, "X10", "in no PT_NOTE", WARNING),
    Row("relocated-notes", XEN, "X12", "waits for a relocation", ERROR),
    Row("X13-zeros-over-previous", PVH_XEN, "X13", "over what another brought", ERROR),
    Row("X13-zeros-over-code", PVH_XEN, "X13", "over what another brought", ERROR),
    Row("X13-bytes-over-bytes", PVH_XEN, "X13", "over what another brought", ERROR),
    Row("X13-pv", PV, "X13", "over what another brought", ERROR),
    Row("thunks", PV, "XSA-466", "return thunks are undone", WARNING),
    Row("thunk-symbol", PV, "XSA-466", "return thunks are undone", WARNING),
    Row("ibt", PV, "XSA-466", "IBT are undone", WARNING),
)
