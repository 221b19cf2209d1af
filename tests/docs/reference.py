# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""docs/reference.md, made of the code: `python tests/docs/reference.py` writes it."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "site_scons"))

from xen_tool import generate  # noqa: E402
from xen_tool.abi import ARCHES  # noqa: E402
from xen_tool.toolchain import flags  # noqa: E402
from xen_tool.toolchain.programs import NAMES  # noqa: E402

FILE = TOP / "docs/reference.md"
_HEAD = """\
<!-- SPDX-License-Identifier: GPL-2.0-only OR MIT -->
# Reference

Every method that the tool `xen_tool` adds to an environment, every construction variable, every
setting on the command line, and the default flags. Made of the code, by
`python tests/docs/reference.py`; a test holds it.
"""


def methods() -> dict[str, Callable[..., Any]]:
    """The methods by their names, in the order in which the tool adds them."""
    found: dict[str, Callable[..., Any]] = {}

    class Environment:
        def AddMethod(self, method: Callable[..., Any], name: str) -> None:  # noqa: N802
            found[name] = method

    generate(Environment())
    return found


def text() -> str:
    """The text of the file."""
    from xen_tool.scons.settings import RESERVED
    from xen_tool.scons.variables import SETS, USES

    parts = [_HEAD, "## Methods\n"]
    for name, method in methods().items():
        parts.append(f"### `env.{name}{_signature(method)}`\n\n{_said(method)}\n")
    parts.append("## Construction variables that XenConfigure sets\n")
    parts.append(_table("variable", SETS))
    parts.append("## Construction variables that count\n")
    parts.append(_table("variable", USES))
    parts.append("## Settings on the command line, NAME=value\n")
    parts.append("In brackets what holds without one. All other names are symbols of Kconfig.\n")
    parts.append(_table("setting", RESERVED))
    parts.append("## Default flags\n")
    parts.append("\n\n".join(_flags()) + "\n")
    return "\n".join(parts)


def _signature(method: Callable[..., Any]) -> str:
    parameters = list(inspect.signature(method).parameters.values())[1:]
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    return str(inspect.Signature(bare))


def _said(method: Callable[..., Any]) -> str:
    """Return the docstring of a method, without its name."""
    said = inspect.getdoc(method) or ""
    said = re.sub(r"^env\.\w+\([^)]*\)(?:, or \([^)]*\))?: *", "", said)
    return said[:1].upper() + said[1:]


def _table(what: str, rows: dict[str, str]) -> str:
    lines = [f"| {what} | what it is |", "|---|---|"]
    lines += [
        f"| `{name}` | {meaning.replace('|', chr(92) + '|')} |" for name, meaning in rows.items()
    ]
    return "\n".join(lines) + "\n"


def _flags() -> Iterator[str]:
    for name in NAMES:
        for arch in ARCHES.values():
            words = " ".join(flags.cc_flags(name, arch))
            wrapped = textwrap.wrap(words, 90, break_on_hyphens=False, break_long_words=False)
            yield f"{name}, {arch.name}:\n\n" + textwrap.indent("\n".join(wrapped), "    ")
    for arch in ARCHES.values():
        yield f"Linker, {arch.name}:\n\n    {' '.join(flags.ld_flags(arch))}"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
