# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The page of a build, in a real browser: complete, alone, and to be read everywhere."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from browser import DARK, LIGHT, browse, console
from project import Project, reference_kernel
from xen_tool.report import page as sections
from xen_tool.report.size import history
from xen_tool.report.size.sizes import Sizes

MEASURE = """<pre id=found></pre><script>
const all = document.querySelectorAll.bind(document);
const style = e => getComputedStyle(e);
document.querySelector("#found").textContent = JSON.stringify({
  wide: document.documentElement.scrollWidth - innerWidth,
  ground: style(document.body).backgroundColor, ink: style(document.body).color,
  pictures: [...all("img")].map(e => e.complete && e.naturalWidth > 0 && e.alt.length > 0),
  links: [...all("nav a")].map(e => document.getElementById(e.hash.slice(1)) !== null),
  keyboard: [...all(".scroll, summary")].map(e => e.tabIndex >= 0),
  charts: [...all(".chart svg")].map(e => ({
    label: e.getAttribute("aria-label"), line: style(e.querySelector("polyline")).stroke,
    dots: [...e.querySelectorAll("circle")].map(c => c.getBoundingClientRect().y),
    inside: e.getBoundingClientRect().right <= innerWidth })),
  headings: [...all("h2")].map(e => e.textContent),
});
</script>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kernel: Project = reference_kernel(tmp_path_factory.mktemp("report"))
    kernel.write("build/x86_64/boot/vmlinux.xen-pv-dom0.log", "<b>hello</b>\nRESULT: PASS\n")
    before = {"time": 86400, "revision": "0123456789abcdef", "file": 9, "memory": 1_000_000}
    old = {**before, "sections": [{"name": ".text", "file": 9, "memory": 1_000_000}]}
    document = json.dumps({"schema": 1, "entries": [old]})
    kernel.write("build/x86_64/.sizes/vmlinux.history.json", document)
    kernel.scons("report", "ARCH=x86_64")
    return kernel.top / "build/x86_64/report.html"


def measured(page: Path, *options: str) -> dict[str, Any]:
    text = page.read_text()
    # The page itself lets no script run.
    text = re.sub(r"<meta http-equiv=.*?>", "", text).replace("</body>", f"{MEASURE}</body>")
    copy = page.with_name("measured.html")
    copy.write_text(text)
    found = re.search(r'<pre id="found">(.+?)</pre>', browse(copy, "--dump-dom", *options), re.S)
    assert found
    result: dict[str, Any] = json.loads(html.unescape(found[1]))
    return result


def test_it_has_all_sections(page: Path) -> None:
    text = page.read_text()
    found = measured(page)
    sections = ["Verdicts", "Memory", "Sizes", "Configuration", "Licences", "Boots"]
    assert found["headings"] == sections
    assert found["pictures"] == [True, True]
    assert re.search(r"xen-pv-dom0 +accepted", text)
    assert "<td>CONFIG_XEN_PV</td><td>y</td><td>in kconfig/configs/x86_64_defconfig" in text
    assert "GPL-2.0-only OR MIT: " in text
    assert "vmlinux.xen-pv-dom0: RESULT: PASS" in text
    assert "&lt;b&gt;hello&lt;/b&gt;" in text and "<b>" not in text


def test_it_shows_how_sizes_have_changed(page: Path) -> None:
    stored, loaded = measured(page, LIGHT, "--window-size=360,800")["charts"]
    assert stored["label"].startswith("bytes in the file, from 9 to 1")
    assert loaded["label"].endswith(" to 1,000,000")
    assert all(chart["inside"] and chart["line"] == "rgb(5, 80, 174)" for chart in (stored, loaded))
    # It rises, and falls.
    assert stored["dots"][0] > stored["dots"][1] and loaded["dots"][0] < loaded["dots"][1]
    text = page.read_text()
    assert "<summary>history (2)</summary>" in text
    assert re.search(r"<td>1970-01-02 00:00 UTC 0123456789</td>", text)
    assert re.search(r"<td>[^<]*\.text \+[0-9,]+, ", text)


def test_a_page_of_one_build_has_no_history(tmp_path: Path) -> None:
    sizes = Sizes("k", (1, 1), {(".text",): (1, 1)}, {}, {})
    entries = history.add(str(tmp_path / "history"), sizes, 0, "")
    assert "history" not in sections.sizes(sizes, None, entries)[1]


def test_the_page_loads_no_other_file(page: Path) -> None:
    text = page.read_text()
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text
    links = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)
    assert "<script" not in text
    assert console(page) == []
    # The console shows an error, if there is one.
    broken = page.with_name("broken.html")
    broken.write_text(text.replace("<main>", '<img src="http://127.0.0.1:1/x" alt="">'))
    assert console(broken)


def test_it_can_be_used_by_the_keyboard(page: Path) -> None:
    found = measured(page)
    assert len(found["keyboard"]) > 8
    assert all(found["keyboard"]) and all(found["links"])


@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits_the_screen(page: Path, width: int) -> None:
    assert measured(page, f"--window-size={width},800")["wide"] <= 0


def test_it_has_a_dark_mode(page: Path) -> None:
    light, dark = (measured(page, scheme) for scheme in (LIGHT, DARK))
    assert (light["ground"], light["ink"]) == ("rgb(255, 255, 255)", "rgb(31, 35, 40)")
    assert (dark["ground"], dark["ink"]) == ("rgb(13, 17, 23)", "rgb(230, 237, 243)")


def test_a_tree_without_an_image_has_no_report(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write_small('env.XenObject("a.c")\n')
    project.write("a.c", "int a;\n")
    run = project.run("report")
    assert run.status == 2
    assert "report: name one image that XenImage makes: scons report IMAGE" in run.err
