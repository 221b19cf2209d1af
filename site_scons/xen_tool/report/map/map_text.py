# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Format a map as text: a row for each region."""

from __future__ import annotations

from collections.abc import Iterator

from ...abi import PAGE_SIZE
from ...printable import printable
from .maps import Maps
from .regions import HOLE, Map, Marker, Region, address

_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))

TITLES = {
    "xen-pv-dom0": "PV dom0, laid out by Xen",
    "xen-pv-domu": "PV domU, laid out by libxenguest",
    "xen-pvh-dom0": "PVH dom0, laid out by Xen",
    "xen-pvh-domu": "PVH domU, laid out by libxenguest",
    "qemu-kernel": "PVH kernel, loaded by QEMU without Xen",
}


def lines(maps: Maps) -> Iterator[str]:
    """Yield the lines of `xen-tool map`."""
    memory = size(maps.pages * PAGE_SIZE)
    initrd = f", an initrd of {size(maps.initrd)}" if maps.initrd else ""
    yield f"{printable(maps.image)}: Xen {maps.xen}, {memory} of memory{initrd}"
    if not maps.maps and not maps.refused:
        yield "  It claims no loader; name one with --loader."
    for found in maps.maps:
        yield ""
        yield from _map(found, maps.symbols)
    for loader, refusal in maps.refused.items():
        yield ""
        yield f"{loader} refuses it ({refusal.id}), so nothing is laid out:"
        yield f"  says: {refusal.message}"
        yield f"  fix:  {refusal.fix}"


def _map(found: Map, symbols: dict[int, str]) -> Iterator[str]:
    yield f"{found.loader}: {TITLES[found.loader]}"
    width = found.bits // 4
    paged = found.start is not None
    head = f"{'virtual':<{width}}  " if paged else ""
    yield f"  {head}{'physical':<10}  {'size':>10}  what"
    for region in found.regions:
        yield _row(region, width if paged else 0)
        for marker in markers_in(found, region):
            address = f"{marker.address:0{width}x}"
            yield f"  {address}{'':<{26 if paged else 18}}{pointed(marker, symbols)}"
    if paged:
        assert found.end is not None
        yield f"  {found.end:0{width}x}{'':<26}the initial page tables end here"
    if found.outside:
        yield "  outside of this:"
        for region in found.outside:
            yield _row(region, width if paged else 0)


def _row(region: Region, width: int) -> str:
    virtual = f"{region.virtual:0{width}x}" if region.virtual is not None else "-"
    physical = f"{region.physical:x}" if region.physical is not None else "-"
    what = " ".join(filter(None, (title(region), f"({region.about})" if region.about else "")))
    column = f"{virtual:<{width}}  " if width else ""
    return f"  {column}{physical:<10}  {size(region.size):>10}  {what}"


def title(region: Region) -> str:
    """Return the title of a region: a word or two."""
    if region.kind == HOLE:
        return "hole"
    return f"{region.name} zeroed" if region.kind == "zeroed" else region.name


def pointed(marker: Marker, symbols: dict[int, str]) -> str:
    """Return the text of a marker, such as "<- entry startup_xen (note ENTRY)".

    symbols: names by linked address.
    """
    symbol = symbols.get(marker.linked)
    return f"<- {marker.name}{f' {symbol}' if symbol else ''} ({marker.source})"


def markers_in(found: Map, region: Region) -> list[Marker]:
    """Return the markers that point into a region, the lowest address first."""
    start = address(region)
    inside = (m for m in found.markers if start <= m.address < start + region.size)
    return sorted(inside, key=lambda marker: marker.address)


def size(count: int) -> str:
    """Format a number of bytes, such as "16 MiB" or "90.1 KiB"."""
    for unit, name in _UNITS:
        if count >= unit:
            text = f"{count / unit:.1f}".removesuffix(".0")
            return f"{text} {name}"
    return f"{count} B"
