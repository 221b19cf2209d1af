# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""docs/reference.md, made of the code: `python tests/docs/reference.py` writes it."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
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
target and setting on the command line, the default flags, the exit statuses, and the documents that
`--json` prints. It is made from the code by `python tests/docs/reference.py`.
"""
_TARGETS_NOTE = """\
`env.XenKernel()` adds `check`, `boot` and `gdb`; so do `env.XenCheck()`, `env.XenBoot()`,
`env.XenGdb()` and `env.XenSbom()`, with the names that they are given. [build.md](build.md) says
more of these targets, and [configuration.md](configuration.md#targets) of the next ones.
"""
_STATUSES_NOTE = """\
`scons` ends with 0, or with 2 if anything fails. With `test` as its first argument `./sconsw` ends
with pytest's status. [boot.md](boot.md#how-a-boot-ends) has the results of boots. `xen-tool` ends
with:
"""
_JSON_NOTE = """\
These are the documents that `--json` prints. `"schema"` is raised when a field is removed or
changes its meaning, but not for a new field. `[LOADER]` is a list of any number of loaders.
Unprintable characters of images and names are replaced by `\\xNN`. The document of
`scons listconfig` is in [configuration.md](configuration.md#json).
"""
JSON = {
    "`check` of one image, `inspect`, `annotate`": "report.image_report",
    "`check` of several images, or of a folder": "report.many",
    "`map`": "report.map.document",
    "`size`": "report.size.sizes",
    "`diff`": "report.diff",
    "`test`, `test-boot`": "boot.suite.results",
    "`rebuild`": "sbom.reproduce",
    "`reproducible`": "scons.targets.reproducible",
    "`why`": "build.story",
}
"""The documents of --json: who prints each, and the module whose docstring describes it."""


def methods() -> dict[str, Callable[..., Any]]:
    """Return the methods that the tool adds to an environment, by name, in that order."""
    found: dict[str, Callable[..., Any]] = {}

    class Environment:
        def AddMethod(self, method: Callable[..., Any], name: str) -> None:  # noqa: N802
            found[name] = method

    generate(Environment())
    return found


def text() -> str:
    """The text of the file."""
    from xen_tool.cli import STATUSES
    from xen_tool.config.targets import CHANGING
    from xen_tool.scons import usage
    from xen_tool.scons.settings import RESERVED
    from xen_tool.scons.variables import SETS, USES

    parts = [_HEAD, "## Methods\n"]
    for name, method in methods().items():
        parts.append(f"### `env.{name}{_signature(method)}`\n\n{_description(method)}\n")
    parts.append("## Construction variables that XenConfigure sets\n")
    parts.append(_table("variable", SETS))
    parts.append("## Construction variables that count\n")
    parts.append(_table("variable", USES))
    parts.append(f"## Targets\n\n{_TARGETS_NOTE}")
    parts.append(_targets(usage.TARGETS))
    parts.append("Of the saved configuration:\n")
    parts.append(_targets(usage.CONFIG_TARGETS, CHANGING))
    parts.append("## Settings on the command line, NAME=value\n")
    parts.append("In brackets what holds without one. All other names are symbols of Kconfig.\n")
    parts.append(_table("setting", RESERVED))
    parts.append("## Default flags\n")
    parts.append("\n\n".join(_flags()) + "\n")
    parts.append(f"## Exit statuses\n\n{_STATUSES_NOTE}")
    parts.append(_table("status", {str(status): what for status, what in STATUSES.items()}))
    parts.append(f"## JSON documents\n\n{_JSON_NOTE}")
    parts.append("\n\n".join(f"### {what}\n\n{_schema(name)}" for what, name in JSON.items()))
    return "\n".join(parts).rstrip("\n") + "\n"


def _signature(method: Callable[..., Any]) -> str:
    parameters = list(inspect.signature(method).parameters.values())[1:]
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    return str(inspect.Signature(bare))


def _description(method: Callable[..., Any]) -> str:
    """Return the docstring of a method, without its name."""
    text = inspect.getdoc(method) or ""
    text = re.sub(r"^env\.\w+\([^)]*\)(?:, or \([^)]*\))?: *", "", text)
    return _escaped(text[:1].upper() + text[1:])


def _table(what: str, rows: dict[str, str]) -> str:
    lines = [f"| {what} | what it is |", "|---|---|"]
    lines += [
        f"| `{name}` | {_escaped(meaning).replace('|', chr(92) + '|')} |"
        for name, meaning in rows.items()
    ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Return text with <> that Markdown does not take for a tag."""
    return text.replace("<", "\\<").replace(">", "\\>")


def _targets(shown: str, more: Mapping[str, str] | None = None) -> str:
    """Return a table of targets: those of more, and those in a text of `scons -h`."""
    found = dict(re.findall(r"^  scons (\S.*?) {2,}(.*)$", shown, re.MULTILINE))
    rows = {**(more or {}), **found}
    return _table("target", {name: what.replace("{files}", "") for name, what in rows.items()})


def _schema(name: str) -> str:
    """Return the part of a module's docstring that has the schema of its --json document."""
    docstring = inspect.getdoc(importlib.import_module(f"xen_tool.{name}")) or ""
    return docstring[docstring.index("\n    {") + 1 :]


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
