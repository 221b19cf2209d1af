# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Read from a linker's map (-Map=FILE) which object each byte of a linked file comes from.

GNU ld writes this, with a long name on a separate line:

    .text           0xffffffff81000000    0x12000 load address 0x1000000
     *(.text .text.*)
     .text          0xffffffff81000000     0x2000 build/xen-head.o
     *fill*         0xffffffff81002000       0x10

and lld this, with columns for the output section, the input section and symbols:

                 VMA              LMA     Size Align Out     In      Symbol
    ffffffff81000000          1000000    12000  4096 .text
    ffffffff81000000          1000000     2000  4096         build/xen-head.o:(.text)
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from ...errors import XenToolError
from ...files import open_regular
from .parts import Placed

_GNU_OUTPUT = re.compile(r"^(\S+) +0x([0-9a-f]+) +0x([0-9a-f]+)")
_GNU_INPUT = re.compile(r"^ (\S+) +0x([0-9a-f]+) +0x([0-9a-f]+) (.+)$")
_LLD = re.compile(r"^ *([0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+) +\d+ ( *)(.*)$")
_LLD_HEAD = re.compile(r"^ *VMA +LMA +Size +Align +Out +In +Symbol$")
_LLD_INPUT = re.compile(r"^(.+):\(.*\)$")
_LLD_ITSELF = "<internal>"
"""The name for what lld makes itself: merged strings, and the symbol table."""
_NAME_ALONE = re.compile(r"\n( ?\S+)\n +(?=0x)")
"""A name of GNU ld's that is alone on its line, up to the address on the next line."""
_START = "Linker script and memory map"
"""The line of GNU ld's map after which sections are listed."""


def read(path: str | os.PathLike[str]) -> dict[str, list[Placed]]:
    """Return what objects() finds in a map file.

    Raises XenToolError if the file cannot be opened, or is not a map of GNU ld or lld.
    """
    with os.fdopen(open_regular(path, "a map that a linker wrote"), "rb") as file:
        found = objects(file.read().decode("utf-8", "surrogateescape"))
    if not found:
        raise XenToolError(f"{path}: is no map of GNU ld or lld: link with -Map={path}")
    return found


def objects(text: str) -> dict[str, list[Placed]]:
    """Return which bytes each object has in a section, by the name of the output section."""
    found: dict[str, list[Placed]] = {}
    is_lld = _LLD_HEAD.match(text.partition("\n")[0])
    for section, placed in _lld(text) if is_lld else _gnu(text):
        if placed.size:
            found.setdefault(section, []).append(placed)
    return found


def _gnu(text: str) -> Iterator[tuple[str, Placed]]:
    section, start = "", 0
    for line in _NAME_ALONE.sub(r"\n\1 ", text.partition(_START)[2]).split("\n"):
        if match := _GNU_OUTPUT.match(line):
            section, start = match[1], int(match[2], 16)
        elif section and (match := _GNU_INPUT.match(line)) and not match[1].startswith("*"):
            yield section, Placed(int(match[2], 16) - start, int(match[3], 16), match[4])


def _lld(text: str) -> Iterator[tuple[str, Placed]]:
    section, start = "", 0
    for line in text.split("\n"):
        match = _LLD.match(line)
        if match is None:
            continue
        if not match[3]:
            section, start = match[4], int(match[1], 16)
        elif of_object := _LLD_INPUT.match(match[4]):
            name = of_object[1] if of_object[1] != _LLD_ITSELF else ""
            yield section, Placed(int(match[1], 16) - start, int(match[2], 16), name)
