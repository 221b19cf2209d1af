# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The documents: links lead to files and headings that exist, and targets and commands too."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from project import TOP

DOCUMENTS = sorted([*TOP.glob("*.md"), *TOP.glob("docs/*.md"), *TOP.glob("examples/**/*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(path: Path) -> set[str]:
    """Return the anchors that forges give to the headings of a document."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.replace(" ", "-") for title in kept}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_links_lead_somewhere(path: Path) -> None:
    for link in _LINK.findall(path.read_text()):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_no_text_is_taken_for_a_tag(path: Path) -> None:
    text = re.sub(
        r"^```.*?^```|^    .*?$|<!--.*?-->|`[^`]*`", "", path.read_text(), flags=re.M | re.S
    )
    assert re.findall(r"(?<!\\)<\w+", text) == []


def test_every_document_is_listed() -> None:
    text = (TOP / "README.md").read_text()
    for path in TOP.glob("docs/*.md"):
        assert f"(docs/{path.name})" in text, f"README.md has no link to {path.name}"


def test_the_steps_that_build_md_names_exist() -> None:
    text = (TOP / "docs/build.md").read_text()
    table = text[text.index("| step | makes |") :].partition("\n\n")[0]
    names = [
        name
        for row in table.splitlines()[2:]
        for name in re.findall(r"[A-Z]+", row[: row.index("|", 1)])
    ]
    code = "".join(path.read_text() for path in (TOP / "site_scons").rglob("*.py"))
    assert len(names) > 8
    assert [name for name in names if f'"{name}"' not in code] == []


def test_readme_names_every_command() -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "xen_tool.cli", "--help"],
        cwd=TOP / "site_scons",
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    commands = re.findall(r"^    (\w+)  ", help_text, re.MULTILINE)
    assert len(commands) > 10
    documents = "".join(path.read_text() for path in DOCUMENTS)
    for command in commands:
        assert f"xen-tool {command}" in documents or f", `{command} " in documents, command


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_the_modules_that_are_named_exist(path: Path) -> None:
    tool = TOP / "site_scons/xen_tool"
    for name in re.findall(r"`([\w/]+\.py)`", path.read_text()):
        if "/" in name:
            assert (TOP / name).exists() or (tool / name).exists(), name
        else:
            assert [*tool.rglob(name), *(TOP / "tests").rglob(name)], name
