# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compute the image that a clean build of a tree gives with the stand-ins, without a build.

Reads the sources only, never what was built, so that it does not depend on the
outputs.  walk.py compares it with a real clean build now and then.
"""

from __future__ import annotations

import os
import re

from xen_tool.abi import ARCHES
from xen_tool.head.config import HeadConfig
from xen_tool.head.emit import emit

from .programs import Failed, Files, Preprocessor, Words, assemble, link, object_text, version_of
from .standin import StandIn
from .tree import BUILD, SCRIPT, Tree

_ARCH = "x86_64"


def image(tree: Tree) -> bytes:
    """Return the right image for the tree as it is now.

    Raises Failed if the tree cannot be built.
    """
    return _Oracle(tree).image()


class _Oracle:
    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._programs: StandIn = tree.standin
        self._made = {"gen/version.h": tree.read("version.in")}
        self._made[str(self._programs.header)] = self._programs.header.read_text()
        self._files = Files(str(tree.top), self._made)
        self._values = _values(tree)
        flags = [line.partition(":")[2].split() for line in tree.read("flags").splitlines()]
        self._ccflags, self._linkflags, folders, self._libraries = flags
        top = re.search(r'"U_TOP": "(\d+)"', tree.read("SConstruct"))
        assert top is not None
        self._ccflags = [*tree.compiler_flags.split(), *self._ccflags, f"-DU_TOP={top[1]}"]
        for folder in folders:
            self._ccflags += ["-I", folder]
        self._ccflags += ["-isystem", str(self._programs.header.parent)]

    def image(self) -> bytes:
        made = self._made
        made[f"{BUILD}/kernel.lds"] = "\n".join(self._preprocessed(SCRIPT)) + "\n"
        objects = []
        if self._values["XEN"] == "y":
            objects.append("head.o")
            config = HeadConfig.from_symbols(ARCHES[_ARCH], self._values)
            assert config is not None
            made["head.o"] = emit(config).decode("latin-1")
        for source in self._tree.sources():
            objects.append(f"{os.path.splitext(source)[0]}.o")
            made[objects[-1]] = self._compiled(source)
        argv = [*self._linkflags, *(f"-L{folder}" for folder in self._libraries)]
        files = Files(str(self._tree.top), made)
        words = Words([*argv, "-T", f"{BUILD}/kernel.lds", "-o", "kernel", *objects], files)
        return link(words, files, self._version("fake-ld"))[0].encode("latin-1")

    def _version(self, program: str) -> str:
        return version_of(str(self._programs.folder / program))

    def _preprocessed(self, source: str) -> list[str]:
        macros = {
            f"CONFIG_{n}": "1" if v == "y" else v for n, v in self._values.items() if v != "n"
        }
        preprocessor = Preprocessor(self._files, self._words(source), macros)
        preprocessor.run(source)
        if preprocessor.error:
            raise preprocessor.error
        return preprocessor.lines

    def _words(self, source: str) -> Words:
        return Words([*self._ccflags, "-c", source], self._files)

    def _compiled(self, source: str) -> str:
        lines = self._preprocessed(source)
        words = self._words(source)
        assemble(lines, self._files, words.options["-I"], source)
        return object_text(words, lines, [self._version("cc1"), self._version("as")])


def _values(tree: Tree) -> dict[str, str]:
    """Return each symbol's value: from the command line, else the saved one, else the default."""
    kconfig = re.findall(r"^config (\w+)\n.*\n\tdefault (\w+)$", tree.read("Kconfig"), re.MULTILINE)
    values = {"XEN": "n", **dict(kconfig)}
    if tree.exists(".config"):
        saved = tree.read(".config")
        values |= dict(re.findall(r"^CONFIG_(\w+)=(\w+)$", saved, re.MULTILINE))
        values |= dict.fromkeys(
            re.findall(r"^# CONFIG_(\w+) is not set$", saved, re.MULTILINE), "n"
        )
    spelled = {"0": "n", "1": "y"}
    return values | {name: spelled.get(text, text) for name, text in tree.symbols.items()}


__all__ = ["Failed", "image"]
