# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Parse depfiles: make rules in which compilers, assemblers and linkers list what they read.

The programs differ in which characters they escape.  Used by commands and reports.
"""

from __future__ import annotations

import os

# Blanks, with or without a line that goes on, or (group 1) a word in which they are escaped.
_WORD = r"(?:[ \t]\\\n|[ \t\n])+|((?:\\[ \t]|\$\$|\\|[^\\$ \t\n]|\$(?!\$))+)"


def compiler(text: str) -> list[str]:
    """Return the prerequisites in a depfile of gcc or clang, each once, in order.

    A blank is escaped by a backslash, and so is each backslash before it; # is escaped by a
    backslash, $ by a second $ (gcc's mkdeps.cc, munge()).
    """
    return [name.replace("\\#", "#") for name in assembler(text)]


def assembler(text: str) -> list[str]:
    """Return the prerequisites in a depfile of GNU as, which does not escape # (gas/depend.c)."""
    import re

    found: dict[str, None] = {}
    for rule in re.split(r"(?<![ \t:]\\)\n", text):
        _, colon, prerequisites = rule.partition(": ")
        if not colon:
            # A rule without prerequisites, or one whose prerequisites begin on the next line.
            _, colon, prerequisites = rule.partition(":\\\n")
        for match in re.finditer(_WORD, f" {prerequisites}"):
            if word := match[1]:
                found[_unescape(word)] = None
    return list(found)


def linker(text: str) -> list[str]:
    """Return the files in a dependency file of GNU ld or lld, each once, in order.

    The names are taken from the lines `NAME:` after the rule: GNU ld escapes nothing, so a
    blank within the rule would be ambiguous.  lld escapes as compilers do.
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
