# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What only the compiler knows: whatever it decides, the files that it reads are among the found.

Each case is held against gcc in several worlds: with the unknown macros
defined, and not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cpp.authority import MAIN, found, gcc_reads, write

_WORLDS: tuple[list[str], ...] = ([], ["-D__U"], ["-D__U=2"], ["-D__V=0"], ["-D__U", "-D__V"])
_IF_X = '#if X\n#include "a.h"\n#else\n#include "b.h"\n#endif'

# Of each case: the text of main.c, what is found, and what else there is.
_CASES: dict[str, tuple[str, str] | tuple[str, str, dict[str, str]]] = {
    "both branches": ('#ifdef __U\n#include "a.h"\n#else\n#include "b.h"\n#endif', "a.h b.h"),
    "if and elif": (
        '#if __U > 1\n#include "a.h"\n#elif __V\n#include "b.h"\n#elif 1\n#include "c.h"\n'
        '#else\n#include "d.h"\n#endif',
        "a.h b.h c.h",
    ),
    "decided whatever it is": (
        "#define Y 1\n#if defined(__U) && !Y\n"
        '#include "a.h"\n#elif __V || Y\n#include "b.h"\n#endif',
        "b.h",
    ),
    "a condition that any definition fulfills": (
        f"#define X 1\n#ifdef __U\n#define X 2\n#endif\n{_IF_X}",
        "a.h",
    ),
    "defined perhaps": (f"#ifdef __U\n#define X 1\n#endif\n{_IF_X}", "a.h b.h"),
    "undefined perhaps": (f"#define X 1\n#ifdef __U\n#undef X\n#endif\n{_IF_X}", "a.h b.h"),
    "a reserved name defined perhaps": (
        f"#ifdef __V\n#define __U 0\n#endif\n#define X __U\n{_IF_X}",
        "a.h b.h",
    ),
    "sure again": (f"#ifdef __U\n#define X 1\n#endif\n#undef X\n{_IF_X}", "b.h"),
    "a name of several": (
        '#define H "a.h"\n#ifdef __U\n#undef H\n#define H "b.h"\n#endif\n#include H',
        "a.h b.h",
    ),
    "one name of two macros": (
        "#define A a\n#define B .h\n#ifdef __U\n#undef A\n#define A b\n#undef B\n#define B c.h\n"
        "#endif\n#define S(x) #x\n#define T(x, y) U(x ## y)\n#define U(x) S(x)\n"
        "#define V(x, y) T(x, y)\n#include V(A, B)",
        "a.h b.h bc.h",
    ),
    "defined by a header that is read perhaps": (
        f'#ifdef __U\n#include "x.h"\n#endif\n{_IF_X}',
        "x.h a.h b.h",
        {"x.h": "#define X 1\n"},
    ),
    "a header that was perhaps read before": (
        f'#ifdef __U\n#include "x.h"\n#undef X\n#endif\n#include "x.h"\n{_IF_X}',
        "x.h a.h b.h",
        {"x.h": "#ifndef X_H\n#define X_H\n#define X 1\n#endif\n"},
    ),
    "the same with #pragma once": (
        f'#ifdef __U\n#include "x.h"\n#undef X\n#endif\n#include "x.h"\n{_IF_X}',
        "x.h a.h b.h",
        {"x.h": "#pragma once\n#define X 1\n"},
    ),
    "a header that was perhaps read before, and what it includes": (
        f'#ifdef __U\n#include "x.h"\n#endif\n#undef X\n#include "x.h"\n{_IF_X}',
        "x.h y.h a.h b.h",
        {"x.h": '#pragma once\n#include "y.h"\n', "y.h": "#define X 1\n"},
    ),
    "a guard that was undefined": (
        f'#ifdef __U\n#include "x.h"\n#undef X_H\n#undef X\n#endif\n#include "x.h"\n{_IF_X}',
        "x.h a.h b.h",
        {"x.h": "#ifndef X_H\n#define X_H\n#define X 1\n#endif\n"},
    ),
    "a guard that its header undefines": (
        '#ifdef __U\n#include "x.h"\n#endif\n#include "x.h"\n#define X\n#include "x.h"',
        "x.h y.h a.h",
        {
            "x.h": '#ifndef X_H\n#define X_H\n#ifdef X\n#include "a.h"\n#endif\n'
            '#include "y.h"\n#endif\n',
            "y.h": "#undef X_H\n",
        },
    ),
    "the guard of a header that is surely read in the end": (
        f'#ifdef __U\n#include "x.h"\n#endif\n#include "x.h"\n#define X X_H\n{_IF_X}',
        "x.h a.h",
        {"x.h": "#ifndef X_H\n#define X_H 1\n#endif\n"},
    ),
    "a circle": (
        '#ifdef __U\n#include "x.h"\n#endif\n',
        "x.h y.h a.h",
        {
            "x.h": '#ifdef X\n#include "a.h"\n#else\n#include "y.h"\n#endif\n',
            "y.h": '#define X\n#include "x.h"\n',
        },
    ),
    "a header that includes itself perhaps": (
        '#include "x.h"\n',
        "x.h a.h",
        {
            "x.h": '#ifndef X\n#define X\n#ifdef __U\n#include "x.h"\n#endif\n'
            '#else\n#include "a.h"\n#endif'
        },
    ),
    "a guard by a reserved name": (
        f'#include "x.h"\n#include "x.h"\n#define X _X_H\n{_IF_X}',
        "x.h a.h",
        {"x.h": "#ifndef _X_H\n#define _X_H 1\n#endif\n"},
    ),
    "a reserved name that a header sets by default is no guard": (
        '#ifndef __U\n#define __U 0\n#else\n#include "a.h"\n#endif\n#include "b.h"',
        "a.h b.h",
    ),
    "a default for a macro of the compiler's": (
        f'#include "x.h"\n#define X (__U == 2)\n{_IF_X}',
        "x.h a.h b.h",
        {"x.h": "#ifndef __U\n#define __U 8\n#endif\n"},
    ),
    "__has_include": (
        '#if __has_include("a.h")\n#include "a.h"\n#else\n#include "b.h"\n#endif',
        "a.h b.h",
    ),
    "linux is no reserved name": ('#ifdef linux\n#include "a.h"\n#endif', "a.h"),
    "push_macro": (
        f'#define X 1\n#pragma push_macro("X")\n#undef X\n#pragma pop_macro("X")\n{_IF_X}',
        "a.h b.h",
    ),
    "true is 1 in C23": ('#if true\n#include "a.h"\n#else\n#include "b.h"\n#endif', "a.h b.h"),
    "true by a macro": (
        '#define true 1\n#if true\n#include "a.h"\n#else\n#include "b.h"\n#endif',
        "a.h",
    ),
    "an #endif too few": ('#if 1\n#ifdef __U\n#include "a.h"\n#else\n#include "b.h"', "a.h b.h"),
    "an #endif too many": ('#endif\n#else\n#ifdef __U\n#include "a.h"\n#endif\n', "a.h"),
}


@pytest.mark.parametrize("name", _CASES)
def test_whatever_the_compiler_decides(gcc: str, tmp_path: Path, name: str) -> None:
    text, expected, *rest = _CASES[name]
    files = {MAIN: text + "\n", **{f"{c}.h": "" for c in "abcd"}, "bc.h": "", **dict(*rest)}
    write(tmp_path, files)
    files_found = found(files)
    for world in _WORLDS:
        assert (gcc_reads(gcc, tmp_path, world) or set()) <= files_found, world
    assert files_found == set(expected.split())
