# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Readers of the files in which compilers, assemblers and linkers say what they read.

All write rules for make; they differ in what they escape.
"""

from __future__ import annotations

import os

_WORD = r"(?:[ \t]\\\n|[ \t\n])+|((?:\\[ \t]|\$\$|\\|[^\\$ \t\n]|\$(?!\$))+)"


def compiler(text: str) -> list[str]:
    """The prerequisites of the rules that gcc or clang write, each once, in order.

    Blanks are escaped by a backslash (and backslashes before them by another each), # by
    one, $ by a second (gcc's mkdeps.cc, munge()).
    """
    return [name.replace("\\#", "#") for name in assembler(text)]


def assembler(text: str) -> list[str]:
    """The same of GNU as, which does not escape # (gas/depend.c)."""
    import re

    found: dict[str, None] = {}
    for rule in re.split(r"(?<![ \t:]\\)\n", text):
        _, colon, prerequisites = rule.partition(": ")
        if not colon:
            # A rule without prerequisites, or one whose first is on the next line.
            _, colon, prerequisites = rule.partition(":\\\n")
        for match in re.finditer(_WORD, f" {prerequisites}"):
            if word := match[1]:
                found[_unescape(word)] = None
    return list(found)


def linker(text: str) -> list[str]:
    """The files that GNU ld or lld read, each once, in order.

    Of the lines behind the rule, `NAME:` each: GNU ld escapes nothing, and within the
    rule a blank is then ambiguous.  lld escapes as compilers do.
    """
    _, _, rest = text.partition("\n\n")
    lines = (line for line in rest.split("\n") if line.endswith(":"))
    names = dict.fromkeys(line.removesuffix(":") for line in lines)
    return [
        name
        if ("\\" not in name and "$" not in name) or os.path.lexists(name)
        else _unescape(name).replace("\\#", "#")
        for name in names
    ]


def _unescape(word: str) -> str:
    if "\\" in word:
        import re

        word = re.sub(r"(\\+)([ \t])", lambda m: "\\" * (len(m[1]) // 2) + m[2], word)
    return word.replace("$$", "$")
