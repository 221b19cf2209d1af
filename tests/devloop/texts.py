# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Random contents of a tree's files, valid for real gcc and ld and for the stand-ins.

Every file has a number of six digits, so that edited() can change its meaning and keep its size.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

SYMBOLS = ("F0", "F1", "F2", "F3", "F4", "F5")
"""Kconfig's symbols of type bool, besides XEN; COUNT is an int."""
MAYBE = ("maybe0.h", "maybe1.h", "maybe2.h")
"""Headers that sources ask for by __has_include; they need not exist."""
GENERATED = "version.h"
_NUMBER = re.compile(r"(?<![\w/.-])\d{6}(?!\w)")
"""A number that is no part of a name or path."""


def number(rng: random.Random) -> str:
    """Return a random number of six digits, the first of which is not 0."""
    return str(rng.randrange(100000, 1000000))


def edited(text: str, rng: random.Random) -> str:
    """Return the text with one number replaced, which changes its meaning but not its size."""
    places = [match.start() for match in _NUMBER.finditer(text)]
    assert places, text
    # The first number is often in a comment, which no compiler reads.
    place = places[-1 if rng.random() < 0.7 else int(rng.random() * len(places))]
    new = number(rng)
    while new == text[place : place + 6]:
        new = number(rng)
    return text[:place] + new + text[place + 6 :]


@dataclass(frozen=True)
class Names:
    """The names that a source may use: of headers, as #include takes them, and of data."""

    headers: Sequence[str]
    data: Sequence[str]
    is_made: bool
    """Whether the stand-ins compile the tree, of which the compiler has the header own.h."""


def source(path: str, names: Names, rng: random.Random) -> str:
    """A .c or .S file."""
    if path.endswith(".S"):
        lines = ['#include "layout.h"', f".long {number(rng)}", '.include "lib/part.inc"']
        return "\n".join([*lines, f'.incbin "{rng.choice(names.data)}"', ""])
    lines = [f"/* {path} {number(rng)} */"]
    for _ in range(rng.randint(2, 5)):
        lines += _statement(path, names, rng)
    return "\n".join([*lines, f"const int {_word(path)} = {number(rng)};", ""])


def header(path: str, names: Names, rng: random.Random) -> str:
    """A header with a guard; layout.h is for linker scripts and assembler sources, too."""
    guard = f"{_word(path).upper()}_H"
    lines = [f"/* {path} {number(rng)} */", f"#ifndef {guard}", f"#define {guard}"]
    if path.endswith("layout.h"):
        lines.append(f"u_layout = {number(rng)};")
    else:
        for _ in range(rng.choice([0, 0, 1, 1, 2])):
            lines += _statement(path, names, rng)
        lines.append(f"static const int {_word(path)} {_USED} = {number(rng)};")
    return "\n".join([*lines, "#endif", ""])


_USED = "__attribute__((used))"


def _word(path: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in path)


def _constant(path: str, rng: random.Random, value: str) -> str:
    return f"static const int {_word(path)}_{number(rng)} {_USED} = {value};"


def _statement(path: str, names: Names, rng: random.Random) -> list[str]:
    """Return a few lines whose meaning depends on a header, a symbol, a flag or data."""
    name = rng.choice(names.headers)
    symbol = f"CONFIG_{rng.choice(SYMBOLS)}"
    maybe = rng.choice(MAYBE)
    has_maybe = f"#if {rng.choice(['', '!'])}__has_include({rng.choice([_quoted, _angled])(maybe)})"
    choices = [
        (5, [f"#include {_quoted(name)}"]),
        (3, [f"#include {_angled(name)}"]),
        (1, [f"#define WHICH_{_word(name)} {_quoted(name)}", f"#include WHICH_{_word(name)}"]),
        (1, [f"#include {_quoted(GENERATED)}"]),
        (2, [f"#ifdef {symbol}", _constant(path, rng, "1"), "#endif"]),
        (1, [f"#ifdef {symbol}", f"#include {_quoted(name)}", "#else", "#endif"]),
        (1, [_constant(path, rng, "CONFIG_COUNT")]),
        (1, ["#define SETTING(x) CONFIG_##x", _constant(path, rng, "SETTING(COUNT)")]),
        (1, [has_maybe, _constant(path, rng, "2"), "#endif"]),
        (1, [f"#if __has_include({_quoted(maybe)})", f"#include {_quoted(maybe)}", "#endif"]),
        (1, ["#ifdef U_HEADER", "#include U_HEADER", "#endif"]),
        (1, ["#ifdef U_TOP", _constant(path, rng, "U_TOP"), "#endif"]),
        (2, [f'asm(".incbin \\"{rng.choice(names.data)}\\"");']),
    ]
    if names.is_made:
        choices.append((1, ["#include <own.h>"]))
    weights = [weight for weight, _ in choices]
    return rng.choices([lines for _, lines in choices], weights)[0]


def _quoted(name: str) -> str:
    return f'"{name}"'


def _angled(name: str) -> str:
    return f"<{name}>"


KCONFIG_BOOL = 'config {name}\n\tbool "{name}"\n\tdefault {value}\n\n'
KCONFIG_COUNT = 'config COUNT\n\tint "count"\n\tdefault {value}\n'

SCRIPT = """\
/* {number} */
#include "layout.h"
ENTRY(u_entry)
SECTIONS
{{
	. = 0x1000000;
	u_entry = .;
	.text : {{ *(.text .text.*) }}
	.rodata : {{ *(.rodata .rodata.*) }}
	.data : {{ *(.data .data.* .bss .bss.* COMMON) }}
#ifdef CONFIG_F0
	u_f0 = 1;
#endif
	u_script = {number};
	INCLUDE part.lds
	/DISCARD/ : {{ *(.note.* .comment .eh_frame) }}
}}
"""
PART = "u_part = {number};\n"

SCONSTRUCT = """\
import os
import sys

DefaultEnvironment(tools=[])
lines = open("flags").read().splitlines()
ccflags, linkflags, folders, libraries = (line.partition(":")[2].split() for line in lines)
env = Environment(
    tools=["xen_tool"],
    toolpath=[{tool!r}],
    ENV={{"PATH": os.environ["PATH"]}},
    CCFLAGS=ccflags,
    LINKFLAGS=linkflags,
    CPPPATH=["#" + folder for folder in folders],
    LIBPATH=["#" + folder for folder in libraries],
    CPPDEFINES={{"U_TOP": "{number}"}},
)
env.XenConfigure("Kconfig", sconsign=True)
env.Command("gen/version.h", "version.in", {generator})
objects = env.XenHead("head.o")
for name in open("sources").read().split():
    # A name with a plus is given as the node of an object.
    objects += [env.XenObject(name[1:])] if name.startswith("+") else [name]
objects += sorted(map(str, Glob("drv/*.c")))
Default(env.XenImage("kernel", objects, script="lds/kernel.lds.S", loaders=[]))
"""
GENERATORS = (
    'Copy("$TARGET", "$SOURCE")',
    '[[sys.executable, "-IS", "generate.py", "$SOURCE", "$TARGET"]]',
)
VERSION = """\
#ifndef VERSION_H
#define VERSION_H
enum {{ version = {number} }};
#endif
"""
GENERATE = """\
import sys

with open(sys.argv[1]) as source, open(sys.argv[2], "w") as target:
    target.write("/* generated */\\n" + source.read())
"""
FLAGS = """\
CCFLAGS: -O2 -DU_A={number} @cc.rsp
LINKFLAGS: --defsym=u_flag={number} @link.rsp
CPPPATH: include/first include/second include/third gen
LIBPATH: lds/first lds/second
"""
