# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A map as JSON: what `xen-tool map --json` prints.

    {"schema": 1, "image": PATH, "xen": "4.17", "memory": bytes, "initrd": bytes,
     "maps": {LOADER: {
         "start": "0x...", "end": "0x..." (the mapped range; null if paging is off),
         "regions": [{"kind": "segment" | "zeroed" | "symbols" | "initrd" | "p2m" | "start_info" |
                              "ring" | "page_tables" | "stack" | "hole",
                      "name": TEXT, "virtual": "0x..." or null, "physical": "0x..." or null,
                      "size": bytes, "about": TEXT}],
         "outside": [likewise, not mapped together with the kernel by the initial tables],
         "markers": [{"name": "entry" | "hypercall page", "source": "note ENTRY",
                      "address": "0x...", "symbol": TEXT or null}]}},
     "refused": {LOADER: {"rule": ID, "message": TEXT, "fix": TEXT}}}

Addresses are strings of hexadecimal digits, sizes are numbers of bytes.
"""

from __future__ import annotations

from typing import Any

from ...abi import PAGE_SIZE
from .maps import Maps
from .regions import Map, Region

SCHEMA = 1


def document(maps: Maps) -> dict[str, Any]:
    """Return what --json prints."""
    return {
        "schema": SCHEMA,
        "image": maps.image,
        "xen": str(maps.xen),
        "memory": maps.pages * PAGE_SIZE,
        "initrd": maps.initrd,
        "maps": {found.loader: _map(found, maps.symbols) for found in maps.maps},
        "refused": {
            loader: {"rule": refusal.id, "message": refusal.message, "fix": refusal.fix}
            for loader, refusal in maps.refused.items()
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
