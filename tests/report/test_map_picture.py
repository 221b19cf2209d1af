# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The picture of a map in a real browser: texts fit and are legible, on light and dark."""

from __future__ import annotations

import html
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from browser import DARK, LIGHT, browse
from loaders.good import good_both
from loaders.images import LOAD_SIZE
from project import TOP
from xen_tool.cli import main

MEASURE = """<!DOCTYPE html><body style="margin:0">%s<pre id=found></pre><script>
const svg = document.querySelector("svg");
const box = e => { const b = e.getBBox(); return [b.x, b.y, b.x + b.width, b.y + b.height]; };
const paint = e => getComputedStyle(e).fill;
const under = e => [...svg.querySelectorAll("rect[class]")].filter(r => {
  const [a, b] = [box(e), box(r)];
  return b[0] <= a[0] && a[0] < b[2] && b[1] <= a[1] + 8 && a[1] + 8 < b[3]; }).pop();
document.querySelector("#found").textContent = JSON.stringify({
  size: [svg.viewBox.baseVal.width, svg.viewBox.baseVal.height],
  ground: paint(svg.querySelector(".ground")),
  boxes: [...svg.querySelectorAll(".box")].map(box),
  texts: [...svg.querySelectorAll("text")].map(e =>
    ({words: e.textContent, box: box(e), ink: paint(e), ground: paint(under(e))})),
});
</script>"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "vmlinux"
    good = good_both()
    zeroed = replace(good.loads[0], p_memsz=LOAD_SIZE + 0x5000)
    path.write_bytes(bytes(replace(good, loads=(zeroed,))))
    return path


def drawn(image: Path, loader: str, *words: str) -> str:
    picture = image.with_name(f"{loader}.svg")
    assert main(["map", str(image), "--loader", loader, "--svg", str(picture), *words]) == 0
    return picture.read_text()


def measured(picture: str, folder: Path, scheme: str) -> dict[str, Any]:
    page = folder / "page.html"
    page.write_text(MEASURE.replace("%s", picture))
    dom = browse(page, scheme, "--dump-dom")
    found = re.search(r'<pre id="found">(.+?)</pre>', dom, re.S)
    assert found, dom
    result: dict[str, Any] = json.loads(html.unescape(found[1]))
    return result


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours by the Web Content Accessibility Guidelines."""
    lights = sorted(map(_luminance, (one, other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.build
@pytest.mark.parametrize("loader", ["xen-pv-dom0", "xen-pvh-domu"])
def test_texts_fit_and_have_contrast(image: Path, tmp_path: Path, loader: str) -> None:
    grounds = []
    picture = drawn(image, loader, "--initrd", str(image))
    for scheme in (LIGHT, DARK):
        found = measured(picture, tmp_path, scheme)
        width, height = found["size"]
        grounds.append(found["ground"])
        assert len(found["boxes"]) >= 6
        for left, top, right, bottom in (*found["boxes"], *(t["box"] for t in found["texts"])):
            assert left >= 0 and top >= 0 and right <= width and bottom <= height
        for text in found["texts"]:
            # The least contrast for normal text.
            assert contrast(text["ink"], text["ground"]) >= 4.5, (scheme, text)
        for number, text in enumerate(found["texts"]):
            for other in found["texts"][number + 1 :]:
                assert not _overlap(text["box"], other["box"]), (text["words"], other["words"])
    assert contrast(*grounds) > 10


def _overlap(one: list[float], other: list[float]) -> bool:
    # The lines of a letter's box are farther apart than its ink.
    apart = 3
    return (
        one[0] + apart < other[2]
        and other[0] + apart < one[2]
        and one[1] + apart < other[3]
        and other[1] + apart < one[3]
    )


def test_kinds_of_boxes_differ_without_colour(image: Path) -> None:
    """Each kind of box has a fill or a pattern of its own, and each box contains its name."""
    picture = drawn(image, "xen-pv-dom0", "--initrd", str(image))
    root = ET.fromstring(picture)
    tag = "{http://www.w3.org/2000/svg}"
    names = {e.text for e in root.iter(f"{tag}text") if "name" in e.get("class", "").split()}
    assert {"hole", "start_info", "page tables", "boot stack", "initrd", "P2M table"} <= names
    fills = [e.get("fill") for e in root.iter(f"{tag}rect") if e.get("fill")]
    assert {"url(#dots)", "url(#stripes)"} <= set(fills)
    assert root.get("role") == "img"
    title = root.find(f"{tag}title")
    assert title is not None and title.text == "vmlinux: PV dom0, laid out by Xen"


def test_names_of_the_image_are_escaped_in_the_picture(tmp_path: Path) -> None:
    image = tmp_path / '<x>&".elf'
    image.write_bytes(bytes(good_both()))
    root = ET.fromstring(drawn(image, "xen-pv-dom0"))
    assert root.get("aria-label") == f"{image.name}: PV dom0, laid out by Xen"


@pytest.mark.build
def test_the_picture_of_the_readme_is_of_this_drawing(image: Path, tmp_path: Path) -> None:
    """The picture has the boxes that the command draws, whatever their sizes."""
    shown = (TOP / "docs/map.svg").read_text()
    assert "(docs/map.svg)" in (TOP / "README.md").read_text()
    found = measured(shown, tmp_path, DARK)
    names = [text["words"] for text in found["texts"]]
    for name in ("hole", "PT_LOAD 0 r-x", "start_info", "page tables", "boot stack", "P2M table"):
        assert name in names
    ours = drawn(image, "xen-pv-dom0")
    style = re.compile(r"<style>.*?</defs>", re.S)
    kept, now = style.search(shown), style.search(ours)
    assert kept and now and kept[0] == now[0]
