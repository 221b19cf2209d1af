# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""docs/reference.md is what the code is, and leaves nothing out."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

from project import TOP
from xen_tool.cli import parser
from xen_tool.scons.settings import JSON_TARGETS


def _reference() -> Any:
    spec = importlib.util.spec_from_file_location("reference", TOP / "tests/docs/reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_up_to_date() -> None:
    reference = _reference()
    assert reference.FILE.read_text(encoding="utf-8") == reference.text(), (
        "type: python tests/docs/reference.py"
    )


def test_every_document_of_json_is_described() -> None:
    described = set(re.findall(r"`([\w-]+)`", " ".join(_reference().JSON)))
    (commands,) = (a.choices for a in parser()._actions if isinstance(a.choices, dict))
    with_json = {name for name in commands if "--json" in commands[name].format_help()}
    assert described | {"listconfig"} == with_json | set(JSON_TARGETS)


def test_every_construction_variable_has_a_row() -> None:
    text = (TOP / "docs/reference.md").read_text()
    rows = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    code = "\n".join(p.read_text() for p in (TOP / "site_scons/xen_tool/scons").rglob("*.py"))
    used = set(re.findall(r'env\["(XEN[A-Z]\w*|[A-Z]+PATH|[A-Z]*FLAGS|LIBS|ENV)"\]', code))
    used |= set(re.findall(r'env\.get\("([A-Z]+)"', code))
    used |= set(re.findall(r'"((?:C|CXX|AS|ASPP|CC|CPP|LINK)FLAGS)"', code))
    assert used - rows == set()
    assert {"CFLAGS", "LIBS", "CPPPATH", "XENCC"} <= used
