# SPDX-License-Identifier: GPL-2.0-only OR MIT
r"""Write asm-offsets.h: sizes and offsets that the compiler computes, for assembler sources.

They are defined in a C file, which is compiled but never assembled, as in Linux (kbuild.h):

    #define DEFINE(NAME, value) \
            asm volatile("\n.ascii \"->" #NAME " %0 " #value "\"" : : "i"(value))

In the assembler code, each definition is a line `.ascii "->NAME $8 the C text"`, from which
`#define NAME 8 /* the C text */` is written.  A line `->#TEXT` becomes a comment, and `->` a
blank line.
"""

from __future__ import annotations

import os
import re

from ..errors import XenToolError

_LINE = re.compile(r'\s*(?:\.ascii\s+")?->(.*?)"?\s*')
_DEFINITION = re.compile(r"(\w+)\s+[$#]*([^\s]+)\s*(.*)")
_NUMBER = re.compile(r"-?(0[xX][0-9a-fA-F]+|[0-9]+)")


def header(assembler: str, name: str) -> str:
    """Return the text of a header, from the assembler code that the compiler made.

    name: the path of the header, for its guard and for messages.
    Raises XenToolError if the code defines nothing, or a value that is no number.
    """
    lines = [found[1] for line in assembler.splitlines() if (found := _LINE.fullmatch(line))]
    if not lines:
        raise XenToolError(
            f'{name}: its source states no value; write asm("\\n.ascii \\"->NAME %0\\"" : : "i" '
            "(value)) in a function, as Linux's DEFINE() does"
        )
    guard = re.sub(r"\W", "_", os.path.basename(name)).upper()
    text = [
        f"#ifndef {guard}",
        f"#define {guard}",
        f"/* Made by xen_tool of {os.path.basename(name)}'s source; edits are lost. */",
        "",
    ]
    return "\n".join([*text, *map(_written, lines), "", "#endif", ""])


def _written(line: str) -> str:
    if not line or line.startswith("#"):
        return f"/* {_comment(line[1:])} */" if line else ""
    found = _DEFINITION.fullmatch(line)
    if not found:
        raise XenToolError(f"->{line}: write the name of a macro and a number after ->")
    name, value, note = found.groups()
    if not _NUMBER.fullmatch(value):
        raise XenToolError(
            f"{name} is {value}, not a number: the compiler must be able to compute it, like sizeof"
        )
    return f"#define {name} {value}" + (f" /* {_comment(note)} */" if note else "")


def _comment(text: str) -> str:
    return text.replace("*/", "* /").strip()
