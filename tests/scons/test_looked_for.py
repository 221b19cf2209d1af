# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Negative dependencies: a new file where a name was searched for, with each option for folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from forked import TOOLPATH
from programs import program
from project import Project

_SCONSTRUCT = f"""
import os

DefaultEnvironment(tools=[])
env = Environment(
    tools=["xen_tool"],
    toolpath=[{TOOLPATH!r}],
    ENV={{"PATH": os.environ["PATH"]}},
)
env.XenConfigure("Kconfig")
"""
_FLAGS = {
    # Flags of a source that finds NAME.h in last/, and a path where no file is at first.
    "prefix": ("-iprefix fir -iwithprefixbefore st -Ilast", "first/prefix.h"),
    "after": ("-iprefix fir -iwithprefix st -idirafter last", "first/after.h"),
    "root": ("--sysroot=root -I=/first -Ilast", "root/first/root.h"),
    "own_root": ("-isysroot root -I=/first -Ilast", "root/first/own_root.h"),
    "long": ("--include-directory first -Ilast", "first/long.h"),
    "joined": ("-isystemfirst -isystemlast", "first/joined.h"),
    "handed": ("-Wp,-I,first -Ilast", "first/handed.h"),
    "forced": ("-include forced.h -Ilast", "forced.h"),
    "long_forced": ("--include=long_forced.h -Ilast", "long_forced.h"),
    "handed_forced": ("-Wp,-include,handed_forced.h -Ilast", "handed_forced.h"),
}
_ASKED = {
    # A source that includes NAME.h or tests for it.
    "asked": '#if defined(__has_include) && __has_include ( "asked.h" )\n#endif\n',
    "by_macro": '#define HAS(x) __has_include(x)\n#if HAS("by_macro.h")\n#endif\n',
    "renamed": '#define HAS __has_include\n#if HAS("renamed.h")\n#endif\n',
    "renamed_by_word": '#if HAS("renamed_by_word.h")\n#endif\n',
}


@pytest.mark.parametrize("name", ["gcc", "clang"])
def test_a_file_that_is_found_first(tmp_path: Path, name: str) -> None:
    program(name)
    tree = Project(tmp_path)
    tree.write("Kconfig", 'config A\n\tbool "a"\n')
    lines = []
    for unit, (words, _) in _FLAGS.items():
        tree.write(f"{unit}.c", "" if "forced" in unit else f"#include <{unit}.h>\n")
        tree.write(f"last/{unit}.h", "")
        lines.append(f"Default(env.XenObject('{unit}.c', CCFLAGS={words!r}))\n")
    for unit, text in _ASKED.items():
        tree.write(f"{unit}.c", text)
        word = "-DHAS=__has_include" if unit == "renamed_by_word" else ""
        lines.append(f"Default(env.XenObject('{unit}.c', CCFLAGS={word!r}))\n")
    tree.write("SConstruct", _SCONSTRUCT + "".join(lines))
    (tree.top / "first").mkdir()
    (tree.top / "root/first").mkdir(parents=True)

    def built() -> set[str]:
        return tree.scons(f"TOOLCHAIN={name}").names - {"CONFIG .config"}

    units = {f"CC {unit}.o" for unit in (*_FLAGS, *_ASKED)}
    assert built() == units
    # For a computed name every new file counts, and the first build makes some.
    assert built() <= {f"CC {unit}.o" for unit in _ASKED}
    assert built() == set()
    for _, shadow in _FLAGS.values():
        tree.write(shadow, "")
    assert built() >= {f"CC {unit}.o" for unit in _FLAGS}
    for unit in _ASKED:
        tree.write(f"{unit}.h", "")
    assert built() >= {f"CC {unit}.o" for unit in _ASKED}
