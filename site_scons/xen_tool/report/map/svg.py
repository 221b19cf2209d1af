# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A map as a picture: one SVG file, for light and dark backgrounds.

Addresses grow downwards.  Heights are not to scale, as sizes differ by a factor of a million.
Each box is labelled, and each kind has its own pattern, so no information depends on colour.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from html import escape

from ...errors import XenToolError
from ...files import write_if_changed
from ...printable import printable
from . import regions
from .map_text import TITLES, markers_in, size, title
from .maps import Maps
from .regions import Map, Marker, Region

_WIDTH = 920
_LEFT, _RIGHT = 172, 560
"""The left and right sides of the boxes."""
_LINE = 18
"""The height of a line of text."""
_LETTER = 6.7
"""Largest width of a letter of the small monospaced text."""

_FILLS = {
    regions.SEGMENT: "file",
    regions.ZEROED: "zeroed",
    regions.HOLE: "hole",
}
"""The CSS class of a box by kind of region; "made" for other kinds."""

# The second column is for dark backgrounds.
_COLOURS = {
    "ground": ("#ffffff", "#0d1117"),
    "ink": ("#1f2328", "#e6edf3"),
    "faint": ("#59636e", "#a5adb6"),
    "line": ("#818b98", "#656c76"),
    "file": ("#cfe4fb", "#12395f"),
    "zeroed": ("#e6f0fb", "#10263d"),
    "made": ("#fbe5c3", "#3d2b0d"),
    "hole": ("#f6f8fa", "#151b23"),
    "mark": ("#9a3412", "#ffa657"),
}

_STYLE = """
text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
text { fill: var(--ink); }
.title { font: 600 17px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
.name { font: 600 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
.about, .note { font-size: 11px; fill: var(--faint); }
.mark { fill: var(--mark); font-size: 11px; }
.box { stroke: var(--line); }
.outside { stroke-dasharray: 5 3; }
.pin { stroke: var(--mark); stroke-width: 1.5; fill: none; }
.dots, .stripes { stroke: none; fill: var(--line); }
.stripes { stroke: var(--line); fill: none; }
.ground { fill: var(--ground); } .file { fill: var(--file); } .zeroed { fill: var(--zeroed); }
.name, .about { paint-order: stroke; stroke-width: 3px; stroke-linejoin: round; }
.on-zeroed { stroke: var(--zeroed); } .on-hole { stroke: var(--hole); }
.made { fill: var(--made); } .hole { fill: var(--hole); }
"""

_PATTERNS = """<defs>
<pattern id="dots" width="8" height="8" patternUnits="userSpaceOnUse">\
<circle class="dots" cx="2" cy="2" r="0.8"/></pattern>
<pattern id="stripes" width="9" height="9" patternUnits="userSpaceOnUse" \
patternTransform="rotate(45)"><path class="stripes" d="M0 0V9" stroke-opacity="0.5"/></pattern>
</defs>"""
_LICENCE = (
    "SPDX-License-" + "Identifier: GPL-2.0-only OR MIT"
)  # of the picture, not one of this file
_OVERLAYS = {regions.ZEROED: "dots", regions.HOLE: "stripes"}
"""The pattern over a box by kind of region; other kinds have none."""


def write(path: str | os.PathLike[str], maps: Maps) -> None:
    """Write a picture of the map of the first loader that accepts the image.

    Raises XenToolError if no loader accepts it, or if the file cannot be written.
    """
    if not maps.maps:
        raise XenToolError(
            f"{maps.image}: no checked loader accepts it, so there is nothing to draw; "
            f"xen-tool check {maps.image} says why"
        )
    write_if_changed(path, picture(maps, maps.maps[0]))


def picture(maps: Maps, found: Map) -> str:
    """Return the SVG document of one map."""
    drawing = _Drawing(found, maps.symbols)
    body = "\n".join(drawing.lines(printable(os.path.basename(maps.image))))
    height = drawing.y + 16
    name = escape(f"{printable(os.path.basename(maps.image))}: {TITLES[found.loader]}")
    light, dark = (
        "".join(f"--{colour}:{shades[column]};" for colour, shades in _COLOURS.items())
        for column in (0, 1)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{name}">\n'
        f"<!-- {_LICENCE} -->\n"
        f"<title>{name}</title>\n"
        f"<style>:root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}"
        f"{_STYLE}</style>\n{_PATTERNS}\n"
        f'<rect class="ground" width="{_WIDTH}" height="{height}" rx="6"/>\n{body}\n</svg>\n'
    )


class _Drawing:
    """The elements of a picture, made from top to bottom; y is where the next one begins."""

    def __init__(self, found: Map, symbols: Mapping[int, str]) -> None:
        self._map = found
        self._symbols = symbols
        self._digits = found.bits // 4
        self.y = 30

    def lines(self, image: str) -> Iterator[str]:
        found = self._map
        paged = found.start is not None
        yield _text(20, self.y, f"{image}: {TITLES[found.loader]}", "title")
        self.y += 24
        heads = ("virtual", "physical") if paged else ("physical", "")
        yield _text(_LEFT - 10, self.y, heads[0], "note", "end")
        yield _text(_RIGHT + 12, self.y, heads[1] or "size", "note")
        if paged:
            yield _text(_RIGHT + 130, self.y, "size", "note")
        self.y += 14
        for region in found.regions:
            yield from self._region(region, paged)
        if paged:
            assert found.end is not None
            yield self._address(found.end, self.y + 4)
            yield _text(_RIGHT + 12, self.y + 4, "end of the initial page tables", "note")
        self.y += 30
        if found.outside:
            words = "mapped apart, or not at all" if paged else "elsewhere"
            yield _text(_LEFT, self.y, words, "name")
            self.y += 10
            for region in found.outside:
                yield from self._region(region, paged, outside=True)
                self.y += 6

    def _region(self, region: Region, paged: bool, *, outside: bool = False) -> Iterator[str]:
        pins = [] if outside else markers_in(self._map, region)
        height = _height(region, len(pins))
        top, centre = self.y, self.y + height / 2
        kind = _FILLS.get(region.kind, "made")
        yield _box(top, height, f"box {kind}{' outside' * outside}")
        if region.kind in _OVERLAYS:
            yield _box(top, height, "", f'fill="url(#{_OVERLAYS[region.kind]})"')
        shown = region.virtual if paged else region.physical
        if shown is not None:
            yield self._address(shown, top + 4 if not outside else centre + 4)
        about = _cut(region.about)
        name_y = centre + 4 if not about else centre - 3
        yield _text(_LEFT + 14, name_y, title(region), f"name on-{kind}")
        if about:
            yield _text(_LEFT + 14, name_y + 16, about, f"about on-{kind}")
        place = centre + 4 if outside else top + 14
        if paged and region.physical is not None:
            yield _text(_RIGHT + 12, place, f"{region.physical:x}", "note")
        yield _text(_RIGHT + (130 if paged else 12), place, size(region.size), "note")
        for number, marker in enumerate(pins):
            yield from self._pin(marker, top + 14 + (number + 1) * _LINE)
        self.y = top + height

    def _pin(self, marker: Marker, y: int) -> Iterator[str]:
        yield f'<path class="pin" d="M{_RIGHT - 9} {y - 4}l9 -4v8z M{_RIGHT} {y - 4}h8"/>'
        symbol = self._symbols.get(marker.linked, marker.name)
        words = f"{marker.source.removeprefix('note ')} {symbol} {marker.address:x}"
        yield _text(_RIGHT + 12, y, _cut(words, _WIDTH - _RIGHT), "mark")

    def _address(self, address: int, y: float) -> str:
        return _text(_LEFT - 10, y, f"{address:0{self._digits}x}", "", "end")


def _height(region: Region, pins: int) -> int:
    """Return the height of a region's box: it grows with the logarithm of the region's size.

    It is at least what the text and that many pins (drawn markers) need.
    """
    pages = max(1.0, region.size / 4096)
    return max(round(26 + 5 * math.log2(pages)), 40 if region.about else 26, 20 + pins * _LINE)


def _cut(words: str, width: int = _RIGHT - _LEFT) -> str:
    most = int((width - 20) / _LETTER)
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _box(top: float, height: float, kind: str, more: str = "") -> str:
    width = _RIGHT - _LEFT
    name = f'class="{kind}" ' if kind else ""
    return f'<rect {name}x="{_LEFT}" y="{top}" width="{width}" height="{height}" {more}/>'


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "") -> str:
    kind = f' class="{kind}"' if kind else ""
    anchor = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x}" y="{y}"{kind}{anchor}>{escape(words)}</text>'
