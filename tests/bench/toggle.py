# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Times toggling a symbol that 10 of 1,000 files use, against editing those 10 under GNU make.

    python tests/bench/toggle.py [--pairs 5] [--jobs 1] [--folder DIR]

Makes a tree of 1,000 C files and 200 symbols twice: one is built by SCons with
this tool, one by GNU make with a handwritten Makefile, both with the same
commands.  In turn SCons gets NAME=value, which toggles a symbol, and make gets
the same change as an edit of the 10 files.  Each time both must compile just
those 10 files, and come to the same new image.  What counts is the median of
the ratios of the pairs.  Status 1 if SCons takes more than twice make's time.
"""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "site_scons"))

from xen_tool import toolchain
from xen_tool.abi import X86_64

SITE = sys.path[0]
AT_MOST = 2
FILES = 1000
SYMBOLS = 200
HEADERS = 50
USERS = 10
"""Files that mention a symbol: 2 symbols are in each file."""

IMAGE = "build/image"
SOURCES = [f"src/d{n // 50:02}/f{n:03}.c" for n in range(FILES)]

SCONSTRUCT = f"""\
import os

DefaultEnvironment(tools=[])
env = Environment(
    tools=["xen_tool"],
    toolpath=[{SITE!r}],
    ENV={{"PATH": os.environ["PATH"]}},
    CPPPATH=["#include"],
)
env.XenConfigure("Kconfig", build="build", sconsign=True)
Default(env.XenImage("image", open("sources").read().split(), script="image.lds"))
"""
MAKEFILE = """\
MAKEFLAGS += -rR
SOURCES := $(shell cat sources)
OBJECTS := $(SOURCES:%.c=build/%.o)

build/image: image.lds $(OBJECTS)
	{ld} -T image.lds -o $@ $(OBJECTS)

$(OBJECTS): build/%.o: %.c
	@mkdir -p $(@D)
	{cc} -Iinclude -isystem include/generated -include autoconf.h -isystem {include} \\
	-MMD -MP -c -o $@ $<

-include $(OBJECTS:.o=.d)
"""
SCRIPT = """\
ENTRY(f000)
SECTIONS
{
	. = 0xffffffff81000000;
	.text : { *(.text .text.*) }
	.rodata : { *(.rodata .rodata.*) }
	.data : { *(.data .data.*) *(.bss .bss.* COMMON) }
	/DISCARD/ : { *(.note.* .comment .eh_frame) }
}
"""


def symbols_of(number: int) -> list[str]:
    """The symbols that a file mentions."""
    return [f"S{(number + offset) % SYMBOLS:03}" for offset in (0, 37)]


def users_of(symbol: str) -> list[str]:
    """The files that mention a symbol."""
    users = [path for n, path in enumerate(SOURCES) if symbol in symbols_of(n)]
    assert len(users) == USERS
    return users


def source(number: int) -> str:
    """A C file: two headers, two symbols, a handful of functions."""
    name = f"f{number:03}"
    lines = ['#include "common.h"', f'#include "h{number % HEADERS:02}.h"', ""]
    for symbol in symbols_of(number):
        lines += [
            f"#ifdef CONFIG_{symbol}",
            f"static int {name}_{symbol}(struct item *i) {{ return i->value * {number + 3}; }}",
            "#else",
            f"static int {name}_{symbol}(struct item *i) {{ return i->value + {number}; }}",
            "#endif",
            "",
        ]
    calls = " + ".join(f"{name}_{symbol}(i)" for symbol in symbols_of(number))
    lines += [
        f"int {name}(struct item *i)",
        "{",
        "\tint sum = 0;",
        "",
        "\tfor (; i; i = i->next)",
        f"\t\tsum += {calls} + h{number % HEADERS:02}(i);",
        "\treturn sum;",
        "}",
    ]
    return "\n".join(lines) + "\n"


def write_tree(top: Path) -> None:
    """All that SCons and make have in common."""
    files = {path: source(number) for number, path in enumerate(SOURCES)}
    files["include/common.h"] = "#pragma once\nstruct item { struct item *next; int value; };\n"
    for n in range(HEADERS):
        files[f"include/h{n:02}.h"] = (
            f'#ifndef H{n:02}_H\n#define H{n:02}_H\n#include "common.h"\n'
            f"static inline int h{n:02}(struct item *i) {{ return i->value ^ {n}; }}\n#endif\n"
        )
    files["image.lds"] = SCRIPT
    files["sources"] = "\n".join(SOURCES) + "\n"
    for path, text in files.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)


class Tree:
    """One of the two trees, and the command that builds it."""

    def __init__(self, top: Path, command: list[str]) -> None:
        self.top = top
        self._command = command
        # As for a user: Python's compiled modules are kept.
        self._environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(top.parent / "pycache")}
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def build(self, *arguments: str) -> float:
        """Runs the command; its time in seconds."""
        start = time.perf_counter()
        result = subprocess.run(
            [*self._command, *arguments],
            cwd=self.top,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - start
        if result.returncode:
            sys.exit(result.stdout + result.stderr)
        return seconds

    def image(self) -> bytes:
        return (self.top / IMAGE).read_bytes()

    def stamps(self) -> dict[str, tuple[int, int]]:
        """Of each object, what a compilation changes."""
        objects = {path: self.top / "build" / path.replace(".c", ".o") for path in SOURCES}
        status = {path: os.stat(file) for path, file in objects.items()}
        return {path: (s.st_ino, s.st_mtime_ns) for path, s in status.items()}


def scons_tree(top: Path, jobs: int) -> Tree:
    """The tree with a SConstruct and Kconfig."""
    write_tree(top)
    kconfig = (f'config S{n:03}\n\tbool "symbol {n}"\n' for n in range(SYMBOLS))
    (top / "Kconfig").write_text("\n".join(kconfig))
    (top / "SConstruct").write_text(SCONSTRUCT)
    return Tree(top, [sys.executable, "-m", "SCons", "-Q", f"-j{jobs}"])


def make_tree(top: Path, jobs: int) -> Tree:
    """The tree with a Makefile, and a configuration in which no symbol is set."""
    write_tree(top)
    tools = toolchain.find(os.environ["PATH"])
    (top / "include/generated").mkdir()
    (top / "include/generated/autoconf.h").touch()
    (top / "Makefile").write_text(
        MAKEFILE.format(
            cc=shlex.join([*tools.cc, *tools.cc_flags(X86_64)]),
            ld=shlex.join([*tools.ld, *tools.ld_flags(X86_64)]),
            include=tools.include,
        )
    )
    return Tree(top, ["make", "-s", f"-j{jobs}"])


def edit(tree: Tree, symbol: str) -> None:
    """Makes the sources say the opposite of a symbol."""
    swap = {"#ifdef": "#ifndef", "#ifndef": "#ifdef"}
    for path in users_of(symbol):
        file = tree.top / path
        lines = file.read_text().splitlines(keepends=True)
        for index, line in enumerate(lines):
            directive, _, name = line.partition(" ")
            if name.strip() == f"CONFIG_{symbol}":
                lines[index] = f"{swap[directive]} {name}"
        file.write_text("".join(lines))


def pair(scons: Tree, make: Tree, symbol: str, value: int) -> tuple[float, float]:
    """The seconds of both for one toggle; both are checked."""
    trees = (scons, make)
    before = [(tree.image(), tree.stamps()) for tree in trees]
    edit(make, symbol)
    seconds = (scons.build(f"{symbol}={value}"), make.build())
    for tree, (image, stamps) in zip(trees, before, strict=True):
        after = tree.stamps()
        compiled = [path for path in SOURCES if after[path] != stamps[path]]
        assert compiled == users_of(symbol), f"{tree.top.name}: {compiled}"
        assert tree.image() != image, f"{tree.top.name}: the image was not rewritten"
    assert scons.image() == make.image(), "the images differ"
    return seconds


def report(what: str, pairs: list[tuple[float, float]]) -> float:
    """Prints medians; the median ratio."""
    ours, makes = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{what:<24} scons {ours:7.3f} s   make {makes:7.3f} s   ratio {ratio:6.2f}", flush=True)
    return ratio


def main() -> int:
    """Prints medians and their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=5, help="measurements of each (%(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="-j of both (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where to make, and leave, the trees")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        scons = scons_tree(folder / "scons", options.jobs)
        make = make_tree(folder / "make", options.jobs)
        report("from nothing", [(scons.build(), make.build())])
        assert scons.image() == make.image(), "the images differ"
        report("nothing to do", [(scons.build(), make.build()) for _ in range(options.pairs)])
        toggles = [(f"S{n // 2:03}", 1 - n % 2) for n in range(options.pairs)]
        ratio = report(
            f"{USERS} of {FILES} files",
            [pair(scons, make, symbol, value) for symbol, value in toggles],
        )
    print(f"(medians of {options.pairs} pairs; for {USERS} files at most {AT_MOST})")
    return 0 if ratio <= AT_MOST else 1


if __name__ == "__main__":
    sys.exit(main())
