# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A map for programs: what `xen-tool map --json` prints.

All addresses are strings of hexadecimal digits, sizes are numbers of bytes:

    {"schema": 1, "image": PATH, "xen": "4.17", "memory": bytes, "initrd": bytes,
     "maps": {LOADER: {
         "start": "0x...", "end": "0x..." (what is mapped; null if paging is off),
         "regions": [{"kind": "segment" | "zeroed" | "symbols" | "initrd" | "p2m" | "start_info" |
                              "ring" | "page_tables" | "stack" | "hole",
                      "name": TEXT, "virtual": "0x..." or null, "physical": "0x..." or null,
                      "size": bytes, "about": TEXT}],
         "outside": [likewise, what the initial page tables do not map with the kernel],
         "markers": [{"name": "entry" | "hypercall page", "source": "note ENTRY",
                      "address": "0x...", "symbol": TEXT or null}]}},
     "refused": {LOADER: {"rule": ID, "message": TEXT, "fix": TEXT}}}

A field that is added does not raise the number of the schema; one that changes its meaning or
goes does.
"""

from __future__ import annotations

from typing import Any

from ...abi import PAGE_SIZE
from .reading import Maps
from .regions import Map, Region

SCHEMA = 1


def document(maps: Maps) -> dict[str, Any]:
    """What --json prints."""
    return {
        "schema": SCHEMA,
        "image": maps.image,
        "xen": str(maps.xen),
        "memory": maps.pages * PAGE_SIZE,
        "initrd": maps.initrd,
        "maps": {found.loader: _map(found, maps.symbols) for found in maps.maps},
        "refused": {
            verdict.loader: {
                "rule": verdict.rule,
                "message": verdict.message,
                "fix": verdict.fix,
            }
            for verdict in maps.refused
        },
    }


def _map(found: Map, symbols: dict[int, str]) -> dict[str, Any]:
    return {
        "start": _hex(found.start),
        "end": _hex(found.end),
        "regions": [_region(region) for region in found.regions],
        "outside": [_region(region) for region in found.outside],
        "markers": [
            {
                "name": marker.name,
                "source": marker.source,
                "address": hex(marker.address),
                "symbol": symbols.get(marker.linked),
            }
            for marker in found.markers
        ],
    }


def _region(region: Region) -> dict[str, Any]:
    return {
        **region._asdict(),
        "virtual": _hex(region.virtual),
        "physical": _hex(region.physical),
    }


def _hex(address: int | None) -> str | None:
    return None if address is None else hex(address)
