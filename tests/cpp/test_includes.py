# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Which files a translation unit reads: the scanner, gcc -M and the reader of a test agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpp.authority import MAIN, found, gcc_reads, write

# Of each case: the text of main.c, and what it reads; then the compiler's
# arguments.  Every name in _HEADERS is there.
_CASES: dict[str, tuple[str, str] | tuple[str, str, str]] = {
    "quoted": ('#include "a.h"', "a.h"),
    "angled name is not sought beside its includer": ("#include <a.h>", "inc/a.h", "-Iinc"),
    "beside its includer comes first": ('#include "inc/same.h"', "inc/same.h inc/a.h", "-I."),
    "then -iquote": ('#include "q.h"', "two/q.h", "-Ione -iquote two"),
    "-iquote is not for angled names": ("#include <q.h>", "one/q.h", "-iquote two -I one"),
    "-I before -isystem": ("#include <q.h>", "two/q.h", "-isystem one -Itwo"),
    "-isystem before -idirafter": ("#include <q.h>", "two/q.h", "-idirafter one -isystem two"),
    "-I that -isystem repeats": ("#include <q.h>", "two/q.h", "-I one -I two -isystem one"),
    "-iquote that -isystem repeats": ('#include "q.h"', "two/q.h", "-iquote one -Itwo -isystemone"),
    "in the order of -I": ("#include <q.h>", "one/q.h", "-Ione -Itwo"),
    "include_next": ("#include <next.h>", "one/next.h two/next.h", "-Ione -Itwo"),
    "include_next from beside the includer": (
        '#include "one/next.h"',
        "one/next.h two/next.h",
        "-Itwo",
    ),
    "include_next of what -iquote found": (
        '#include "next.h"',
        "one/next.h two/next.h",
        "-iquote one -iquote two",
    ),
    "include_next in the source is include": ('#include_next "a.h"', "a.h"),
    "include_next stays in a folder that was given twice": (
        "#include <next.h>",
        "one/next.h two/next.h",
        "-Ione -Ione -Itwo",
    ),
    "-include": ("", "a.h", "-include a.h"),
    "-include sets macros": ("#if A_H\n#include <b.h>\n#endif", "a.h b.h", "-I. -include a.h"),
    "-imacros comes before -include": (
        "",
        "a.h use_a.h b.h",
        "-include use_a.h -imacros a.h",
    ),
    "-D": ("#include H", "a.h", '-DH="a.h"'),
    "-D alone is 1": ("#if D == 1\n#include H\n#endif", "a.h", '-D D -DH="a.h"'),
    "-D of a function": ("#include H(a)", "inc/a.h", "-Iinc -DH(x)=<x.h>"),
    "-U after -D": ("#ifndef D\n#include <a.h>\n#endif", "a.h", "-I. -DD -UD"),
    "-D after -U": ("#ifdef D\n#include <a.h>\n#endif", "a.h", "-I. -UD -D D=0"),
    "-Wp": ("#ifdef D\n#include <a.h>\n#endif", "a.h", "-Wp,-DD,-I."),
    "reserved name of -D": ("#ifdef __D\n#include <a.h>\n#endif", "a.h", "-I. -D__D"),
    "reserved name of -U": ("#ifdef __D\n#include <a.h>\n#endif", "", "-I. -U__D"),
    "if 0": ('#if 0\n#include "a.h"\n#else\n#include "b.h"\n#endif', "b.h"),
    "nested in if 0": (
        '#if 0\n#if 1\n#include "a.h"\n#elif 1\n#endif\n#include "a.h"\n#endif\n#include "b.h"',
        "b.h",
    ),
    "elif": ('#if 0\n#elif 2 > 1\n#include "a.h"\n#elif 1\n#include "b.h"\n#endif', "a.h"),
    "elifdef and elifndef": (
        '#if 0\n#elifdef X\n#include "a.h"\n#elifndef X\n#include "b.h"\n#endif',
        "b.h",
    ),
    "a skipped #elif is not looked at": ('#if 1\n#include "a.h"\n#elif )(\n#endif', "a.h"),
    "garbage after names": (
        '#define X\n#ifdef X junk\n#include "a.h" junk\n#endif junk\n#undef X;\n'
        '#ifdef X\n#include "b.h"\n#endif',
        "a.h",
    ),
    "undef between includes": (
        '#define A\n#include "if_a.h"\n#undef A\n#include "b.h"',
        "if_a.h a.h b.h",
    ),
    "the same header for several macros": (
        '#define X "a.h"\n#include "x.h"\n#undef X\n#define X "b.h"\n#include "x.h"',
        "x.h a.h b.h",
    ),
    "macro of another header": ('#include "names.h"\n#include NAME', "names.h b.h"),
    "stringified": ('#include "names.h"\n#include XSTR(DIR/a.h)', "names.h inc/a.h"),
    "not expanded by #": ('#include "names.h"\n#define a.h b.h\n#include STR(a.h)', "names.h a.h"),
    "pasted": ('#include "names.h"\n#define HDR_2 "b.h"\n#include XCAT(HDR_, TWO)', "names.h b.h"),
    "not expanded by ##": (
        '#include "names.h"\n#define HDR_TWO "b.h"\n#include CAT(HDR_, TWO)',
        "names.h b.h",
    ),
    "pasted with nothing": (
        '#include "names.h"\n#define HDR_ "b.h"\n#include CAT(HDR_,)',
        "names.h b.h",
    ),
    "angled by macro": ("#define H <DIR/a.h>\n#define DIR inc\n#include H", "inc/a.h", "-I."),
    "call that ends outside of a body": (
        "#define F(x) #x\n#define G F\n#include G(a.h)",
        "a.h",
    ),
    "macro that names itself": ("#define a a\n#define H <a.h>\n#include H", "a.h", "-I."),
    "variable arguments": (
        "#define LAST(a, ...) __VA_ARGS__\n#include LAST(1, <a.h>)",
        "a.h",
        "-I.",
    ),
    "named variable arguments": (
        "#define LAST(a, b...) <b>\n#include LAST(1,a.h)",
        "a.h",
        "-I.",
    ),
    "the comma goes with the arguments": (
        "#define N(...) THIRD(0, ## __VA_ARGS__, 1, 0)\n#define THIRD(a, b, c, ...) c\n"
        '#if !N() && N(5)\n#include "a.h"\n#endif',
        "a.h",
    ),
    "__VA_OPT__": (
        "#define N(...) 0 __VA_OPT__(+ (1))\n"
        '#if N(x)\n#include "a.h"\n#endif\n#if N()\n#include "b.h"\n#endif',
        "a.h",
    ),
    "defined by a macro": (
        '#define X\n#define HAS_X defined(X)\n#if HAS_X\n#include "a.h"\n#endif',
        "a.h",
    ),
    "IS_ENABLED": (
        "#define P_1 0,\n#define SECOND(a, b, ...) b\n#define E(x) E1(x)\n#define E1(x) E2(P_##x)\n"
        "#define E2(x) SECOND(x 1, 0)\n#define CONFIG_Y 1\n"
        '#if E(CONFIG_Y)\n#include "a.h"\n#endif\n#if E(CONFIG_N)\n#include "b.h"\n#endif',
        "a.h",
    ),
    "__FILE__": ('#include "self.h"', "self.h a.h", "-I."),
    "guard": ('#include "guard.h"\n#include "guard.h"', "guard.h a.h"),
    "guards in a circle": ('#include "circle_1.h"', "circle_1.h circle_2.h a.h"),
    "pragma once": ('#include "once.h"\n#include "once.h"', "once.h a.h"),
    "pragma once that is skipped": (
        '#define NOT_ONCE\n#include "once.h"\n#include "once.h"',
        "once.h a.h b.h",
    ),
    "counts itself": ('#include "count.h"', "count.h a.h"),
    "comments around": ('/* x */ # /* y */ include /* z */ "a.h" // w', "a.h"),
    "comment of several lines": ('/*\n#include "b.h"\n*/ #include "a.h"', "a.h"),
    "not at the start of a line": ('int x; /*\n*/ #include "b.h"\n#include "a.h"', "a.h"),
    "comment in a string": ('char *s = "/*";\n#include "a.h"\nchar *t = "*/";', "a.h"),
    "string in a comment": ('/* " */\n#include "a.h"\n/* " */', "a.h"),
    "quote without a partner": ('#if 0\nit\'s /* no comment\n#endif\n#include "a.h"', "a.h"),
    "slashes in a header's name": ("#include <inc//a.h>\n#include <b.h>", "inc/a.h b.h", "-I."),
    "raw string": ('char *s = R"x(\n#define A\n"/*)x";\n#ifndef A\n#include "a.h"\n#endif', "a.h"),
    "continued lines": ('#inc\\\nlude \\ \n "a\\\n.h"\n// \\\n#include "b.h"', "a.h"),
    "CRLF": ('#if 1 \\\r\n && 1\r\n#include "a.h"\r\n#endif\r\n', "a.h"),
    "form feed and vertical tab": ('\f#\vinclude "a.h"', "a.h"),
    "byte order mark": ('\ufeff#include "a.h"', "a.h"),
    "no blank": ('#include"a.h"\n#if(1)\n#include<b.h>\n#endif', "a.h b.h", "-I."),
    "parent folder": ('#include "inc/../a.h"', "a.h"),
    "names that are no words": ('#define é "a.h"\n#define $x é\n#include $x', "a.h"),
}
_HEADERS = {
    "a.h": "#define A_H 1\n",
    "b.h": "",
    "inc/a.h": "",
    "inc/same.h": '#include "a.h"\n',
    "one/q.h": "",
    "two/q.h": "",
    "one/next.h": "#include_next <next.h>\n",
    "two/next.h": "",
    "use_a.h": '#if A_H\n#include "b.h"\n#endif\n',
    "if_a.h": '#ifdef A\n#include "a.h"\n#else\n#include "inc/a.h"\n#endif\n',
    "x.h": "#include X\n",
    "names.h": '#define NAME "b.h"\n#define DIR inc\n#define TWO 2\n#define CAT(a, b) a ## b\n'
    "#define XCAT(a, b) CAT(a, b)\n#define STR(x) #x\n#define XSTR(x) STR(x)\n",
    "self.h": '#ifdef AGAIN\n#include "a.h"\n#else\n#define AGAIN\n#include __FILE__\n#endif\n',
    "guard.h": '#if !defined(_GUARD_H)\n#define _GUARD_H\n#include "a.h"\n#else\n#endif\n',
    "circle_1.h": '#ifndef C1\n#define C1\n#include "circle_2.h"\n#include "a.h"\n#endif\n',
    "circle_2.h": '#ifndef C2\n#define C2\n#include "circle_1.h"\n#endif\n',
    "once.h": "#ifndef NOT_ONCE\n#pragma once\n#endif\n"
    '#ifdef SEEN\n#include "b.h"\n#endif\n#define SEEN\n#include "a.h"\n',
    "count.h": "#ifndef N\n#define N 0\n#elif N == 0\n#undef N\n#define N 1\n#else\n#undef N\n"
    '#define N 2\n#endif\n#if N < 2\n#include "count.h"\n#else\n#include "a.h"\n#endif\n',
}


@pytest.mark.parametrize("name", _CASES)
def test_reads(gcc: str, tmp_path: Path, name: str) -> None:
    text, expected, *rest = _CASES[name]
    arguments = rest[0].split() if rest else []
    files = {MAIN: text + "\n", **_HEADERS}
    write(tmp_path, files)
    assert gcc_reads(gcc, tmp_path, arguments) == set(expected.split())
    assert found(files, arguments) == set(expected.split())
