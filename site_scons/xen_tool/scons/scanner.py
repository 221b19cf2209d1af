# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Tells SCons what an object and an image depend on.

An object depends on the files that its translation unit reads, and on the
values of the CONFIG_ symbols that those mention: on a node for each, not on
autoconf.h, which changes with every symbol.
An image depends on what its linker script INCLUDEs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from SCons.Errors import UserError
from SCons.Node.FS import Dir, File

from ..abi import Arch
from ..config.configuration import Configuration
from ..cpp.directives import Macro, parse
from ..cpp.scan import Options, Scanner, options

AUTOCONF = "autoconf.h"
_INCLUDE = re.compile(r'\bINCLUDE\s+"?([^\s";]+)')
_INPUT = re.compile(r"\b(?:INPUT|GROUP|STARTUP)\s*\(([^)]*)\)")


class Dependencies:
    """The scanner of one configured environment; reads each file once in a run."""

    def __init__(self, env: Any, configuration: Configuration, values: dict[str, Any]) -> None:
        self._fs = env.fs
        self._top = env.fs.Top.abspath
        self._scanner = Scanner(self._read, self._exists)
        self._known = _known_macros(configuration)
        self._values = values
        self._options: dict[tuple[str, ...], Options] = {}
        self._absent: dict[tuple[str, tuple[str, ...]], set[str] | None] = {}

    def of_source(self, node: Any, env: Any, arguments: tuple[str, ...]) -> list[Any]:
        """Nodes of headers, .incbin files and values; arguments are the compiler's."""
        path = str(node)
        assembly = os.path.splitext(path)[1] in (".S", ".sx")
        known = {**self._known, "__ASSEMBLER__": Macro(None, "1") if assembly else None}
        found = self._scanner.scan(path, self._parsed(arguments), known)
        self._absent[path, arguments] = found.absent
        nodes = [env.File(_from_top(name)) for name in found.files]
        names = self._values if found.pastes else (self._symbol(s) for s in found.symbols)
        return nodes + [self._values[name] for name in sorted(filter(None, names))]

    def absent(self, node: Any, arguments: tuple[str, ...]) -> list[str] | None:
        """Places where a header of a source was looked for in vain; None if not known."""
        absent = self._absent.get((str(node), arguments))
        return None if absent is None else sorted(absent)

    def of_script(self, node: Any, env: Any) -> list[Any]:
        """Nodes of the files that a linker script reads: from the top, or in LIBPATH.

        The script of a .lds.S may not be there yet: its source and the headers
        of that are looked at, whichever branches they take.
        """
        found: dict[Any, None] = {}
        todo = [node]
        if node.sources:
            todo = [child for child in node.children() if isinstance(child, File)]
        folders = [env.Dir("#"), *env.Dir(env.get("LIBPATH", []))]
        for script in todo:
            for name in self._named_by_script(str(script)):
                read = env.FindFile(name, folders)
                if read is not None and read not in found:
                    found[read] = None
                    todo.append(read)
        return list(found)

    def _named_by_script(self, path: str) -> list[str]:
        text = re.sub(r"/\*.*?\*/", " ", self._read(path) or "", flags=re.DOTALL)
        names = _INCLUDE.findall(text)
        for inputs in _INPUT.findall(text):
            names += re.split(r"[\s,]+", inputs.replace('"', "").strip())
        return [name for name in names if name and not name.startswith("-")]

    def _parsed(self, arguments: tuple[str, ...]) -> Options:
        if arguments not in self._options:
            parsed = options(arguments)
            forced = tuple(name for name in parsed.forced if name != AUTOCONF)
            self._options[arguments] = Options(parsed.quoted, parsed.angled, parsed.macros, forced)
        return self._options[arguments]

    def _symbol(self, name: str) -> str | None:
        if name in self._values:
            return name
        # A tristate that is m defines CONFIG_NAME_MODULE.
        name = name.removesuffix("_MODULE")
        return name if name in self._values else None

    def _read(self, path: str) -> str | None:
        try:
            with open(os.path.join(self._top, path), "rb") as file:
                return file.read().decode("utf-8", errors="surrogateescape")
        except OSError:
            return None

    def _exists(self, path: str) -> bool:
        if os.path.isfile(os.path.join(self._top, path)):
            return True
        try:
            node = self._fs.Entry(_from_top(path), None, False)
        except UserError:  # SCons has not heard of it.
            return False
        # A folder has a builder too: the one that makes it.  Of what a command makes, SCons
        # may not know yet that it is a file.
        return not isinstance(node, Dir) and bool(node.has_builder())


def _from_top(path: str) -> str:
    return path if os.path.isabs(path) else f"#{path}"


def _known_macros(configuration: Configuration) -> dict[str, Macro | None]:
    """What is surely defined, or not: by autoconf.h, and by the architecture."""
    known: dict[str, Macro | None] = {f"CONFIG_{name}": None for name in configuration.values}
    for directive in parse(configuration.autoconf).directives:
        known[directive.text] = directive.macro
    known["__STDC_HOSTED__"] = Macro(None, "0")
    return {**known, **dict(_of_arch(configuration.arch))}


def _of_arch(arch: Arch) -> Iterable[tuple[str, Macro | None]]:
    is_64 = arch.bits == 64
    for name in ("__x86_64__", "__x86_64", "__LP64__", "_LP64"):
        yield name, Macro(None, "1") if is_64 else None
    for name in ("__i386__", "__i386"):
        yield name, None if is_64 else Macro(None, "1")
