# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Write one HTML page about a build, which needs no other file, no network and no script.

Each function returns one section; page() joins them.  Long lists are folded, and can be opened
by the keyboard.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise

from ..printable import printable
from . import chart
from .image_report import Report
from .map import map_text as map_text
from .map import svg
from .map.maps import Maps
from .report_text import verdict_lines
from .size.history import Entry
from .size.size_text import name as size_name
from .size.sizes import Sizes, rows

Section = tuple[str, str]
"""The title of a section, and the HTML below it."""

_TOP = 20
"""Largest number of rows of a table of sizes."""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Forbid the browser to load anything from elsewhere, and to run scripts."""
_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --faint: #59636e; --ground: #ffffff;
  --line: #d1d9e0; --link: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --faint: #a5adb6; --ground: #0d1117;
  --line: #3d444d; --link: #79b8ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; color: var(--ink);
  background: var(--ground); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
a { color: var(--link); } nav a { margin-right: 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { margin-top: 2.5rem; font-size: 1.2rem; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.scroll { overflow-x: auto; } img { max-width: 100%; height: auto; }
pre, td, th { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
table { border-collapse: collapse; }
caption { text-align: left; white-space: nowrap; color: var(--faint); }
td, th { padding: .15rem .9rem .15rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; white-space: nowrap; }
.chart { margin: 1rem 0; max-width: 30rem; } figcaption { color: var(--faint); }
.chart polyline { fill: none; stroke: var(--link); stroke-width: 2; }
.chart circle { fill: var(--link); }
summary { cursor: pointer; color: var(--link); }
"""


def page(title: str, about: str, sections: Sequence[Section]) -> str:
    """Return the page; about is a sentence below its title."""
    links = "\n".join(f'<a href="#{_id(name)}">{escape(name)}</a>' for name, _ in sections)
    body = "\n".join(
        f'<section id="{_id(name)}">\n<h2>{escape(name)}</h2>\n{text}\n</section>'
        for name, text in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{_text(title)}</h1>\n<p>{_text(about)}</p>\n</header>\n"
        f'<nav aria-label="Sections">{links}</nav>\n<main>\n{body}\n</main>\n</body>\n</html>\n'
    )


def _id(name: str) -> str:
    return name.lower().replace(" ", "-")


def _text(words: str) -> str:
    return escape(printable(words))


def verdicts(report: Report) -> Section:
    """Return the verdicts of the loaders that the image must satisfy."""
    if not report.asked:
        return "Verdicts", "<p>No loader is checked.</p>"
    return "Verdicts", _lines(verdict_lines(report, report.asked))


def maps(found: Maps) -> Section:
    """Return a picture of each loader's map, and the maps as text."""
    parts = []
    for each in found.maps:
        picture = base64.b64encode(svg.picture(found, each).encode()).decode()
        title = f"{each.loader}: {map_text.TITLES[each.loader]}"
        lines = _lines(map_text.lines(found._replace(maps=(each,), refused={})))
        parts.append(
            f'<p><img src="data:image/svg+xml;base64,{picture}" alt="{_text(title)}"></p>\n'
            f"{_folded(title + ', as text', lines)}"
        )
    return "Memory", "\n".join(parts) or "<p>No loader that is checked accepts the image.</p>"


def sizes(now: Sizes, before: Sizes | None, history: Sequence[Entry] = ()) -> Section:
    """Return tables of the sizes now, their changes since before, and a chart of their history.

    before: None if nothing is compared.  history: the oldest entry first, the current one last.
    """
    total = f"<p>{now.total[0]:,} bytes in the file, {now.total[1]:,} in memory</p>"
    tables = _history(history) if len(history) > 1 else []
    for kind in ("sections", "objects", "symbols"):
        found = sorted(rows(now, before, kind), key=lambda row: (-max(row.now), row.key))
        table = _table(
            ("file", "change", "memory", "change", kind),
            (
                (
                    f"{row.now[0]:,}",
                    f"{row.change[0]:+,}" if row.change and row.change[0] else "",
                    f"{row.now[1]:,}",
                    f"{row.change[1]:+,}" if row.change and row.change[1] else "",
                    size_name(row.key),
                )
                for row in found[:_TOP]
            ),
            numbers=4,
            caption=f"the largest {kind}; changes are since the last time",
        )
        tables.append(table if kind == "sections" else _folded(f"{kind} ({len(found)})", table))
    return "Sizes", "\n".join([total, *tables])


def _history(history: Sequence[Entry]) -> list[str]:
    lines = [
        (f"{now.total[0]:,}", f"{now.total[1]:,}", chart.when(now), chart.changes(before, now))
        for before, now in pairwise(history)
    ]
    first = history[0]
    lines.insert(0, (f"{first.total[0]:,}", f"{first.total[1]:,}", chart.when(first), ""))
    table = _table(("file", "memory", "time", "changes"), reversed(lines), numbers=2)
    return [*chart.charts(history), _folded(f"history ({len(history)})", table)]


def configuration(values: Mapping[str, str], origins: Mapping[str, str]) -> Section:
    """Return a table of the symbols, their values, and where each was set.

    values: by name without CONFIG_.  origins: the places, by the same names, that are known.
    """
    table = (
        (f"CONFIG_{name}", value, origins.get(name, "")) for name, value in sorted(values.items())
    )
    return "Configuration", _table(("symbol", "value", "set"), table)


def licences(found: Mapping[str, str], problems: Sequence[str]) -> Section:
    """Return the problems of licences, and the sources of each licence.

    found: licence expressions by the path of a source; "" if it states none.
    """
    files: dict[str, list[str]] = {}
    for path, expression in found.items():
        files.setdefault(expression or "(says none)", []).append(path)
    html = [
        _folded(f"{expression}: {len(paths)} files", _lines(paths))
        for expression, paths in sorted(files.items())
    ]
    wrong = "".join(f"<li>{_text(problem)}</li>" for problem in problems)
    return "Licences", (f"<ul>{wrong}</ul>\n" if wrong else "") + "\n".join(html)


def boots(logs: Mapping[str, str]) -> Section:
    """Return the result and the console of each boot; logs: the texts of consoles by name."""
    html = []
    for name, console in logs.items():
        results = [line for line in console.splitlines() if line.startswith("RESULT: ")]
        result = results[-1] if results else "no result"
        html.append(_folded(f"{name}: {result}", _lines(console.splitlines())))
    return "Boots", "\n".join(html) or "<p>It was not booted yet: type <code>scons boot</code>.</p>"


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{_text(title)}</summary>\n{text}\n</details>"


def _lines(lines: Iterable[str]) -> str:
    html = "\n".join(_text(line) for line in lines)
    # A scrollable element must be reachable by the keyboard.
    return f'<pre class="scroll" tabindex="0">{html}</pre>'


def _table(
    head: Sequence[str], lines: Iterable[Sequence[str]], numbers: int = 0, caption: str = ""
) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        kinds = [' class="number"' if n < numbers else "" for n in range(len(cells))]
        html = "".join(
            f"<{tag}{kind}>{_text(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True)
        )
        return f"<tr>{html}</tr>"

    caption = f"<caption>{_text(caption)}</caption>\n" if caption else ""
    body = "\n".join(row(cells, "td") for cells in lines)
    table = f"<table>\n{caption}<thead>{row(head, 'th')}</thead>\n<tbody>{body}</tbody>\n</table>"
    return f'<div class="scroll" tabindex="0" role="group" aria-label="table">{table}</div>'
