# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A kernel project for each build program that tests/bench/loop.py compares, and its changes.

A Project is N C files with headers and symbols, linked to an image that Xen accepts.  Its changes
say which files get which text, and which objects must be compiled for it.  A Tree is the project
in a folder, with what one build program needs; trees with the same text make the same image,
byte for byte, as all compile by the same commands, from relative paths.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xen_tool.abi import X86_64
from xen_tool.toolchain import flags
from xen_tool.toolchain.programs import Toolchain

SITE = Path(__file__).resolve().parents[2] / "site_scons"
AREAS = 10
"""The number of headers of which each is included by a tenth of the files."""
USERS = 10
"""The number of files that mention a symbol; each file mentions 2 symbols."""

IMAGE = "build/image"

SCRIPT = """\
ENTRY(f00000)
PHDRS { all PT_LOAD FLAGS(5); note PT_NOTE FLAGS(4); }
SECTIONS
{
	. = 0xffffffff81000000;
	.text : AT(ADDR(.text) - 0xffffffff80000000) { *(.text .text.*) } :all
	.notes : AT(ADDR(.notes) - 0xffffffff80000000) { KEEP(*(.note.Xen)) } :all :note
	.rodata : AT(ADDR(.rodata) - 0xffffffff80000000) { *(.rodata .rodata.*) } :all
	.data : AT(ADDR(.data) - 0xffffffff80000000) { *(.data .data.* .bss .bss.* COMMON) } :all
	/DISCARD/ : { *(.note.* .comment .eh_frame) }
}
"""
# XEN_VERSION, GUEST_OS, LOADER, VIRT_BASE, PADDR_OFFSET, ENTRY, SUPPORTED_FEATURES.
NOTES = (
    (5, r".asciz \"xen-3.0\""),
    (6, r".asciz \"bench\""),
    (8, r".asciz \"generic\""),
    (3, ".quad 0xffffffff80000000"),
    (4, ".quad 0"),
    (1, ".quad f00000"),
    (17, ".long 0x801"),
)
SCONSTRUCT = """\
import os

DefaultEnvironment(tools=[])
env = Environment(
    tools=["xen_tool"],
    toolpath=[{site!r}],
    ENV={{"PATH": os.environ["PATH"]}},
    CPPPATH=["#include"],
)
env.XenConfigure("Kconfig", build="build", sconsign=True)
sources = open("sources").read().split()
loaders = ["xen-pv-dom0", "xen-pv-domu"]
Default(env.XenImage("image", {objects}, script="image.lds", loaders=loaders))
"""
MAKEFILE = """\
MAKEFLAGS += -rR
SOURCES := $(shell cat sources)
OBJECTS := $(SOURCES:%.c=build/%.o)

build/image: image.lds $(OBJECTS)
	{ld} -T image.lds -o $@ $(OBJECTS)

$(OBJECTS): build/%.o: %.c | build/folders
	{cc} -MMD -MP -c -o $@ $<

build/folders:
	@mkdir -p $(sort $(dir $(OBJECTS)))
	@touch $@

-include $(OBJECTS:.o=.d)
"""
# The objects are too many for the one argument in which ninja gives a command to the shell.
NINJA = """\
builddir = build

rule cc
  command = {cc} -MMD -MF $out.d -c -o $out $in
  depfile = $out.d
  deps = gcc

rule ld
  command = {ld} -T image.lds -o $out @$out.rsp
  rspfile = $out.rsp
  rspfile_content = $in

"""


@dataclass(frozen=True)
class Change:
    """One change of a project: the edits or settings, and the sources that must be compiled."""

    edits: Mapping[str, str] = field(default_factory=dict)
    """Texts of files, by path."""
    settings: Sequence[str] = ()
    """Settings for this tool instead of the edits; () if none."""
    compiled: Sequence[str] = ()
    """Sources of the objects that are made again; the image is new if there are any."""


class Project:
    """The texts of the files; each change is made to the state after the changes before it."""

    def __init__(self, files: int) -> None:
        self.sources = [f"src/d{n // 50:03}/f{n:05}.c" for n in range(files)]
        self._symbols = files * 2 // USERS
        self._headers = max(AREAS, files // 20)
        self._values = list(range(files))
        self._areas = list(range(AREAS))

    def texts(self) -> dict[str, str]:
        """Return all files that the trees have in common, by path."""
        numbers = range(len(self.sources))
        texts = {self.sources[n]: self._source(n) for n in numbers}
        texts["include/common.h"] = "#pragma once\nstruct item { struct item *next; int value; };\n"
        for n in range(self._headers):
            texts[f"include/h{n:03}.h"] = _header(f"h{n:03}", n)
        for n in range(AREAS):
            texts[f"include/a{n}.h"] = _header(f"a{n}", self._areas[n])
        texts["image.lds"] = SCRIPT
        texts["sources"] = "\n".join(self.sources) + "\n"
        return texts

    def kconfig(self) -> str:
        """Return a Kconfig of all symbols, none of which is set."""
        names = (f"S{n:04}" for n in range(self._symbols))
        return "\n".join(f'config {name}\n\tbool "symbol {name}"\n' for name in names)

    def nothing(self, _turn: int) -> Change:
        """Return the change that changes nothing."""
        return Change()

    def file(self, turn: int) -> Change:
        """Return a change of a function in one file, a different file in each turn."""
        n = (len(self.sources) // 2 + turn) % len(self.sources)
        self._values[n] = len(self.sources) + turn
        return Change({self.sources[n]: self._source(n)}, compiled=[self.sources[n]])

    def header(self, turn: int) -> Change:
        """Return a change of a function in a header that a tenth of the files include."""
        area = turn % AREAS
        self._areas[area] = AREAS + turn
        edits = {f"include/a{area}.h": _header(f"a{area}", self._areas[area])}
        return Change(edits, compiled=self.sources[area::AREAS])

    def symbol(self, turn: int) -> Change:
        """Return the change that sets a symbol in even turns and unsets it in odd ones."""
        symbol, on = f"S{turn // 2 % self._symbols:04}", turn % 2 == 0
        users = [n for n in range(len(self.sources)) if symbol in self._symbols_of(n)]
        assert len(users) == USERS
        edits = {self.sources[n]: self._source(n, symbol if on else "") for n in users}
        return Change(edits, [f"{symbol}={on:d}"], [self.sources[n] for n in users])

    def _symbols_of(self, number: int) -> list[str]:
        return [f"S{(number + offset) % self._symbols:04}" for offset in (0, 37)]

    def _source(self, number: int, swapped: str = "") -> str:
        """Return a C file with three headers, two symbols and a few functions.

        swapped: a symbol whose condition is inverted.
        """
        name, header, area = f"f{number:05}", f"h{number % self._headers:03}", f"a{number % AREAS}"
        lines = [f'#include "{file}.h"' for file in ("common", header, area)]
        if number == 0:
            lines += _notes()
        for symbol in self._symbols_of(number):
            lines += [
                f"#{'ifndef' if symbol == swapped else 'ifdef'} CONFIG_{symbol}",
                f"static int {name}_{symbol}(struct item *i) {{ return i->value * {number + 3}; }}",
                "#else",
                f"static int {name}_{symbol}(struct item *i) {{ return i->value + {number}; }}",
                "#endif",
            ]
        calls = " + ".join(f"{name}_{symbol}(i)" for symbol in self._symbols_of(number))
        lines += [
            f"int {name}(struct item *i)",
            "{",
            f"\tint sum = {self._values[number]};",
            "",
            "\tfor (; i; i = i->next)",
            f"\t\tsum += {calls} + {header}(i) + {area}(i);",
            "\treturn sum;",
            "}",
        ]
        return "\n".join(lines) + "\n"


def _header(name: str, value: int) -> str:
    guard = name.upper() + "_H"
    return (
        f'#ifndef {guard}\n#define {guard}\n#include "common.h"\n'
        f"static inline int {name}(struct item *i) {{ return i->value ^ {value}; }}\n#endif\n"
    )


def _notes() -> list[str]:
    """Xen's notes, for the one file that has them."""
    lines = [r".pushsection .note.Xen, \"a\", @note"]
    for number, desc in NOTES:
        lines += [rf".long 4, 2f - 1f, {number}; .asciz \"Xen\"; 1: {desc}", "2: .balign 4"]
    return ["asm(", *(rf'"{line}\n"' for line in [*lines, ".popsection"]), ");"]


class Tree:
    """A project in a folder, and the command that builds it there."""

    def __init__(
        self, top: Path, project: Project, command: Sequence[str], *, has_settings: bool = False
    ) -> None:
        self.top = top
        self.has_settings = has_settings
        self._project = project
        self._command = command
        names = ("PYTHONDONTWRITEBYTECODE", "MAKEFLAGS", "SCONSFLAGS", "KCONFIG_CONFIG")
        self._environment = {name: os.environ[name] for name in os.environ if name not in names}
        # As for a user: Python's compiled modules are kept.
        self._environment["PYTHONPYCACHEPREFIX"] = str(top.parents[1] / "pycache")
        self.write(project.texts())

    def write(self, texts: Mapping[str, str]) -> None:
        """Write the files whose content differs."""
        for path, text in texts.items():
            file = self.top / path
            if not file.exists() or file.read_text() != text:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)

    def build(self, jobs: int, settings: Sequence[str] = ()) -> float:
        """Run the command; return its time in seconds."""
        start = time.perf_counter()
        result = subprocess.run(
            [*self._command, f"-j{jobs}", *settings],
            cwd=self.top,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - start
        if result.returncode:
            sys.exit(
                f"{self.top}: {shlex.join(self._command)} fails:\n{result.stdout}{result.stderr}"
            )
        return seconds

    def change(self, change: Change, jobs: int) -> float:
        """Make the change and build; return the build's time in seconds."""
        if self.has_settings and change.settings:
            return self.build(jobs, change.settings)
        self.write(change.edits)
        return self.build(jobs)

    def clean(self) -> None:
        """Remove all outputs."""
        shutil.rmtree(self.top / "build", ignore_errors=True)
        (self.top / ".sconsign.dblite").unlink(missing_ok=True)

    def image(self) -> bytes:
        """Return the image; b"" if there is none."""
        file = self.top / IMAGE
        return file.read_bytes() if file.exists() else b""

    def stamps(self) -> dict[str, tuple[int, int]]:
        """Return inode and time of the object of each source: a compilation changes them."""
        objects = {path: self.top / f"build/{path[:-2]}.o" for path in self._project.sources}
        status = {path: os.stat(file) for path, file in objects.items() if file.exists()}
        return {path: (s.st_ino, s.st_mtime_ns) for path, s in status.items()}


def make_tree(top: Path, project: Project, tools: Toolchain) -> Tree:
    """Return the tree with a Makefile."""
    tree = Tree(top, project, ["make", "-s"])
    tree.write(
        {
            "include/generated/autoconf.h": "",
            "Makefile": MAKEFILE.format(cc=_cc(tools), ld=_ld(tools)),
        }
    )
    return tree


def ninja_tree(top: Path, project: Project, tools: Toolchain) -> Tree:
    """Return the tree with a build.ninja."""
    tree = Tree(top, project, ["ninja"])
    objects = {path: f"build/{path[:-2]}.o" for path in project.sources}
    steps = [f"build {made}: cc {path}" for path, made in objects.items()]
    steps.append(f"build {IMAGE}: ld {' '.join(objects.values())} | image.lds")
    rules = NINJA.format(cc=_cc(tools), ld=_ld(tools))
    tree.write({"include/generated/autoconf.h": "", "build.ninja": rules + "\n".join(steps) + "\n"})
    return tree


def tool_tree(top: Path, project: Project, command: Sequence[str], *, nodes: bool = False) -> Tree:
    """Return the tree with a SConstruct and a Kconfig; nodes: pass env.XenObject(source)."""
    tree = Tree(top, project, command, has_settings=True)
    objects = "[env.XenObject(source) for source in sources]" if nodes else "sources"
    text = SCONSTRUCT.format(site=str(SITE), objects=objects)
    tree.write({"Kconfig": project.kconfig(), "SConstruct": text})
    return tree


def _cc(tools: Toolchain) -> str:
    """Return the flags that the tool's command has, too; no symbol is set."""
    folders = ["-Iinclude", "-isystem", "include/generated", "-include", "autoconf.h"]
    words = [*tools.cc, *flags.cc_flags(tools.name, X86_64), *folders, "-isystem", tools.include]
    return shlex.join(words).replace("$", "$$")


def _ld(tools: Toolchain) -> str:
    return shlex.join([*tools.ld, *flags.ld_flags(X86_64)]).replace("$", "$$")
