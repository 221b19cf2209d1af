# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The Python in the documents is valid, and calls methods of the tool with arguments they have."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.reference import FILE, methods
from docs.test_links import DOCUMENTS
from project import TOP
from xen_tool.boot.boot_settings import WORDS
from xen_tool.head.head_names import MEANINGS

pytestmark = pytest.mark.unit

_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(env\.Xen\w+\([^`]*\))`")
_IN_TABLES = re.compile(r"`(Xen\w+)\(([^`]*)\)`")
_OTHERS = {
    "XenBoot": WORDS,
    "XenGdb": WORDS,
    "XenHead": MEANINGS,
    "XenKernel": {**WORDS, "mode": ""},
}
"""Arguments that documents may use, of methods that take any."""
_DOCUMENTS = [path for path in DOCUMENTS if path != FILE]


def _calls(path: Path) -> Iterator[tuple[str, int, set[str]]]:
    """Yield each call of a method in a document: its name, and the arguments.

    The arguments are the number of positional ones, and the names of the others.
    """
    text = path.read_text()
    # `...`, which stands for further arguments, may follow keyword arguments, as in no Python.
    inline = (re.sub(r", \.\.\.\)$", ")", call) for call in _INLINE.findall(text))
    for code in (*_BLOCK.findall(text), *inline):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                names = {word.arg for word in node.keywords if word.arg}
                yield node.func.attr, len(node.args), names
    for method, arguments in _IN_TABLES.findall(text):
        yield method, 0, set(re.findall(r"\b(\w+)=(?=[,)]|$)", arguments))


@pytest.mark.parametrize("path", _DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_methods_have_the_arguments(path: Path) -> None:
    known = methods()
    for method, positions, names in _calls(path):
        if method.startswith("Xen"):
            signature = inspect.signature(known[method])
            signature.bind_partial("env", *range(positions), **dict.fromkeys(names))
            if method in _OTHERS:
                assert names <= {*signature.parameters, *_OTHERS[method]}, method


def test_the_documents_have_calls() -> None:
    assert sum(1 for path in _DOCUMENTS for _ in _calls(path)) > 60
