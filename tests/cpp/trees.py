# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Small random source trees for the scanner's differential test, all the same for one seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

NAMES = ("a.h", "b.h", "c.h", "d.h", "sub/e.h", "sub/f.h")
"""In order: a header without a guard includes only those after it."""
FOLDERS = ("inc", "inc/sub", "quo", "sys", "src")
LAST = "last"
"""The last folder of the search path has every name, so that every include finds a file."""
UNKNOWN = ("__unknown_0", "__unknown_1", "__unknown_2")
"""Reserved names, which the compiler could define."""
VALUES = {"CONFIG_A": "1", "CONFIG_B": "3", "CONFIG_C": None, "CONFIG_WORD": '"b.h"'}
MAIN = "src/main.c"

_TOOLS = """\
#define CAT(a, b) a ## b
#define XCAT(a, b) CAT(a, b)
#define STR(x) #x
#define XSTR(x...) STR(x)
#define ANGLED(x) <x>
#define QUOTED(folder, name) XSTR(folder/name.h)
#define PLUS(x) ((x) + 1)
#define EITHER(a, b) ((a) || (b))
#define NOTHING
#define ARG_1_PLACE 0,
#define SECOND(ignored, value, ...) value
#define IS_SET(x) IS_SET_1(x)
#define IS_SET_1(x) IS_SET_2(ARG_ ## x ## _PLACE)
#define IS_SET_2(junk) SECOND(junk 1, 0)
#define FOURTH(a, b, c, d, ...) d
#define COUNT(...) FOURTH(0, ## __VA_ARGS__, 2, 1, 0)
#define CALLS_LATER PLUS
#define HAS(x) defined(x)
"""


@dataclass
class Tree:
    """Files, and how a compiler is called for MAIN."""

    files: dict[str, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    decidable: bool = True


class Generator:
    """Makes one tree."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)
        self._tree = Tree(decidable=self._chance(0.6))
        self._lines: list[str] = []
        self._rank = -1
        self._unguarded_depth = 0

    def tree(self) -> Tree:
        """The tree of this seed."""
        for folder in FOLDERS:
            for rank, name in enumerate(NAMES):
                if self._chance(0.35):
                    self._header(f"{folder}/{name}", rank)
            # For "sub/../a.h".
            self._file(f"{folder}/sub/none.h", [])
        for name in (*NAMES, "sub/last.h", "last/a.h"):
            self._file(f"{LAST}/{name}", [])
        self._file("sub/none.h", [])
        self._file("tools.h", _TOOLS.splitlines())
        self._main()
        self._options()
        return self._tree

    def _options(self) -> None:
        choices = [["-Iinc"], ["-I", "src"], ["-iquote", "quo"], ["-isystem", "sys"]]
        choices += [["-iquoteinc"], ["-idirafter", "inc/sub"], ["-Isys"], ["-isystem", "inc"]]
        flags = [c for c in choices if self._chance(0.5)]
        self._random.shuffle(flags)
        self._tree.arguments += [word for flag in flags for word in flag]
        self._tree.arguments += ["-I.", "-idirafter", LAST, "-include", "tools.h"]
        if self._chance(0.3):
            self._tree.arguments += ["-DM0=2", "-D", "M1", "-DH0=<c.h>", "-UM1"]
        if self._chance(0.2):
            self._tree.arguments += ["-include", "inc/a.h" if "inc/a.h" in self._files else "a.h"]
        if self._chance(0.2):
            self._tree.arguments += ["-Wp,-DM3=CONFIG_B,-UM2"]

    @property
    def _files(self) -> dict[str, str]:
        return self._tree.files

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _file(self, path: str, lines: list[str]) -> None:
        newline = "\r\n" if self._chance(0.1) else "\n"
        end = newline if self._chance(0.9) else ""
        self._files[path] = newline.join([f"/* {path} */", *lines]) + end

    def _main(self) -> None:
        self._rank = -1
        self._lines = []
        for _ in range(self._random.randint(4, 12)):
            self._statement(2)
        self._file(MAIN, self._lines)

    def _header(self, path: str, rank: int) -> None:
        guard = "".join(c if c.isalnum() else "_" for c in path).upper()
        style = self._random.choice(["reserved", "plain", "if", "value", "once", "none", "none"])
        self._rank = rank if style in ("none", "once") else -1
        self._lines = []
        for _ in range(self._random.randint(1, 6)):
            self._statement(2)
        lines = self._lines
        if style == "once":
            lines = ["#pragma once", *lines]
        elif style != "none":
            guard = f"_{guard}" if style == "reserved" else guard
            opening = f"#if !defined({guard})" if style == "if" else f"#ifndef {guard}"
            lines = [opening, f"#define {guard}{' 1' * (style == 'value')}", *lines, "#endif"]
        self._file(path, lines)

    def _statement(self, depth: int) -> None:
        makers: list[tuple[int, Callable[[], None]]] = [
            (6, self._include),
            (3, self._define_number),
            (3, self._define_header),
            (3, self._include_computed),
            (2, self._undefine),
            (2, self._noise),
            (1, self._select),
            (1, self._disabled),
        ]
        if depth:
            makers.append((7, lambda: self._conditional(depth - 1)))
        weights = [weight for weight, _ in makers]
        self._random.choices([maker for _, maker in makers], weights)[0]()

    def _directive(self, name: str, rest: str) -> None:
        """Writes a directive in one of the many ways."""
        blank = self._random.choice([" ", " ", " ", "\t", "  ", " /* c */ ", "/**/"])
        start = self._random.choice(["", "", "", " ", "/* c */", "\t"])
        line = f"{start}#{self._random.choice(['', '', ' ', '/* x */'])}{name}{blank}{rest}"
        line += self._random.choice(["", "", "", "", " // c", " /* c */", " /* c\n c */"])
        if self._chance(0.1):
            place = self._random.randrange(len(line) + 1)
            line = line[:place] + self._random.choice(["\\\n", "\\ \n"]) + line[place:]
        self._lines.append(line)

    def _name(self) -> str:
        """A header that may be included here."""
        return self._random.choice(NAMES[self._rank + 1 :] or ("last/a.h", "sub/last.h"))

    def _quoted(self) -> str:
        name = self._name()
        form = self._random.choice(['"{}"', '"{}"', "<{}>", '"./{}"', '"sub/../{}"'])
        return form.format(name)

    def _include(self) -> None:
        if self._chance(0.12) and self._rank >= 0:
            # The same name again, further down the search path.
            name = NAMES[self._rank]
            self._directive("include_next", self._random.choice([f'"{name}"', f"<{name}>"]))
        else:
            self._directive("include", self._quoted())

    def _include_computed(self) -> None:
        name = self._name()
        stem = name.removesuffix(".h")
        form = self._random.randrange(7)
        if form == 0:
            self._directive("include", f"XSTR({stem}.h)")
        elif form == 1:
            self._directive("include", f"ANGLED({stem}.h)")
        elif form == 2:
            self._directive("include", f"QUOTED(last, {self._random.choice('abcd')})")
        elif form == 3:
            self._directive("include", f"NOTHING <{stem}.h>")
        else:
            # Not further than the header macros were made for.
            macro = self._random.choice(["H0", "H1", "H2", "H3"])
            self._lines += [f"#ifdef {macro}"]
            use = [macro, f"XCAT(H, {macro[1]})", f"CAT(H,{macro[1]})", f"NOTHING {macro}"]
            self._directive("include", self._random.choice(use))
            self._lines += ["#endif"]

    def _define_header(self) -> None:
        macro = self._random.choice(["H0", "H1", "H2"])
        self._lines += [f"#undef {macro}"] * self._chance(0.7)
        # Of the last folder, so that header macros make no circles.
        stem = self._random.choice("abcd")
        bodies = [f'"last/{stem}.h"', f"<last/{stem}.h>", f"XSTR(last/{stem}.h)", "CONFIG_WORD"]
        bodies += [f"QUOTED(last, {stem})", f"ANGLED(last/{stem}.h)", f"XSTR(last/XCAT({stem},).h)"]
        bodies[3] = f"XSTR(last/{stem}.h)" if self._rank >= 1 else bodies[3]
        self._directive("define", f"{macro} {self._random.choice(bodies)}")

    def _number_macro(self) -> str:
        return self._random.choice(["M0", "M1", "M2", "M3"])

    def _define_number(self) -> None:
        self._directive("define", f"{self._number_macro()} {self._expression(1)}")

    def _undefine(self) -> None:
        self._directive("undef", self._random.choice(["M0", "M1", "M2", "M3", "H0", "H1"]))

    def _noise(self) -> None:
        self._lines.append(
            self._random.choice(
                [
                    'char *u = "http://x /* no comment";',
                    '/* a comment\n#include "missing.h"\n */',
                    '// a comment \\\n#include "missing.h"',
                    "char c = '\"'; /* '\"' */",
                    "char d = '\\''; // '",
                    '#define TEXT "/*" \'"\' "//"',
                    "  #   // the null directive",
                    '"\\\\" /* " */ ; int y; /* \'\n#define M0 7 */',
                    'R"x(\n#undef M0\n#include "missing.h"\n)x"',
                ]
            )
        )

    def _select(self) -> None:
        """The same header, for different macros."""
        name = self._name()
        for value in range(self._random.randint(1, 3)):
            self._lines += [f"#undef M0\n#define M0 {value}", f'#include "{name}"']

    def _disabled(self) -> None:
        self._lines += [
            "#if 0",
            self._random.choice(
                [
                    "don't",
                    '#include "missing.h"',
                    "#if )(\n#endif",
                    "#garbage 'x",
                    "#if 1\n#else\n#endif",
                ]
            ),
            "#endif",
        ]

    def _conditional(self, depth: int) -> None:
        self._test(("if", "ifdef", "ifndef"))
        self._block(depth)
        for _ in range(self._random.choice([0, 0, 1, 2])):
            self._test(("elif", "elif", "elifdef", "elifndef"))
            self._block(depth)
        if self._chance(0.5):
            self._lines.append("#else")
            self._block(depth)
        self._lines.append("#endif")

    def _block(self, depth: int) -> None:
        for _ in range(self._random.randint(0, 3)):
            self._statement(depth)

    def _test(self, forms: tuple[str, ...]) -> None:
        form = self._random.choice(forms)
        if form.endswith("if"):
            self._directive(form, self._expression(2))
        else:
            self._directive(form, self._any_name())

    def _any_name(self) -> str:
        names = [*VALUES, "M0", "M1", "M2", "M3", "H0", "H1", "H2"]
        if not self._tree.decidable:
            names += UNKNOWN * 2
        return self._random.choice(names)

    def _expression(self, depth: int) -> str:
        if depth == 0 or self._chance(0.3):
            return self._atom()
        a, b, c = (self._expression(depth - 1) for _ in range(3))
        binary = ["&&", "||", "==", "!=", "<", ">", "<=", ">=", "+", "-", "*", "&", "|", "^"]
        forms = [f"{a} {self._random.choice(binary)} {b}"] * 6
        forms += [f"!{a}", f"({a})", f"-{a}", f"~{a}", f"({a} ? {b} : {c})", f"PLUS({a})"]
        forms += [f"EITHER({a}, {b})", f"({a} << 2)", f"({a} >> 1)", f"{a} / 2", f"{a} % 3"]
        forms += [
            f"CALLS_LATER({a})",
            f"COUNT({a}, {b})",
            f"PLUS(PLUS({a}))",
            f"({a}) / ({b} | 1)",
            f"(0 && {a} / 0)",
        ]
        return self._random.choice(forms)

    def _atom(self) -> str:
        numbers = ["0", "1", "2", "3", "0x10", "010", "2u", "-1", "-7", "'a'", "0xffffffffffffffff"]
        names = [self._number_macro(), self._number_macro(), "CONFIG_A", "CONFIG_B", "CONFIG_C"]
        names += ["never_defined", "IS_SET(CONFIG_A)", "IS_SET(CONFIG_C)", "CAT(M, 1)"]
        names += ["XCAT(CONFIG_, A)", "COUNT()", "HAS(never_defined)"]
        tested = self._any_name()
        forms = [f"defined({tested})", f"defined {tested}", f"!defined({tested})"]
        pool = [self._random.choice(numbers), self._random.choice(names)]
        pool.append(self._random.choice(forms))
        if not self._tree.decidable and self._chance(0.3):
            pool.append(self._random.choice(UNKNOWN))
        return self._random.choice(pool)
