# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A hook of mkdocs that makes a site of this repository's documents.

Those at the top and the READMEs of the examples stand outside of docs/.  Documents link to
each other by their paths in the repository, in which docs/ is a folder; in the site it is the top.
"""

from __future__ import annotations

import os.path
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_TOP = Path(__file__).resolve().parent.parent
_STYLE = ".wy-table-responsive table td, .wy-table-responsive table th { white-space: normal }\n"
"""Lets the text of tables wrap; the theme makes wide tables scroll."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents that stand outside of docs/."""
    for path in (*_TOP.glob("*.md"), *_TOP.glob("examples/**/README.md")):
        name = path.relative_to(_TOP).as_posix()
        files.append(File.generated(config, name, content=path.read_text()))
    files.append(File.generated(config, config.extra_css[0], content=_STYLE))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    r"""Return the page with its links as the site has them, without the licence above the title.

    mkdocs finds the title of a page only if that comes first.  It does not know the escape `\<` of
    other readers of Markdown.
    """
    place = page.file.src_uri
    folder = os.path.dirname(place if page.file.generated_by else f"docs/{place}")

    def in_site(match: re.Match[str]) -> str:
        target = os.path.normpath(os.path.join(folder, match[1])).removeprefix("docs/")
        return "](" + os.path.relpath(target, os.path.dirname(place) or ".")

    markdown = re.sub(r"\A<!--.*?-->\s*", "", markdown, flags=re.DOTALL).replace(r"\<", "&lt;")
    return re.sub(r"\]\(([^)#:]+)(?=[)#])", in_site, markdown)
