# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Random trees of Kconfig files, each with a random .config, for differential.py.

A Tree mixes types, choice, imply, select, range, menu, if and comment at random.  dressed()
writes the same tree in other ways: macros, functions, environment variables, a sourced file,
comments, continued lines, single quotes, help texts.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping

LOGICAL = ("bool", "tristate")
NUMBERS = {
    "int": ("0", "4", "-3", "77", "1000"),
    "hex": ("0x10", "ff", "0X2A", "0", "0x1000"),
    "string": ('""', '"text"', '"a \\"b\\" \\\\"', '"5"', '"n"'),
}


class Tree:
    """A random Kconfig tree.

    The symbols to which a property refers are defined before it, and those that it selects after
    it.  With of_today, a tree has the additions of Linux since v6.18.  It then has no choices, and
    compares strings only: choices and numbers without a value have another meaning since then, and
    conf of 7.2 keeps the result of a comparison from before the value of its symbol was known.
    """

    def __init__(self, seed: int, *, of_today: bool = False) -> None:
        self.of_today = of_today
        self._random = random.Random(seed)
        self.types: dict[str, str] = {}
        self._later: list[str] = []
        self._choices: list[list[str]] = []
        self._constants: tuple[str, ...] = ("y", "m", "n", "UNKNOWN")
        self.handed_on: dict[str, str] = {}
        self.modules = self._random.random() < 0.6
        self.text = "".join(f"{line}\n" for line in self._file())

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _file(self) -> Iterator[str]:
        if self.modules:
            yield from ("config MODULES", '\tbool "modules"', "\tdefault y", "\tmodules")
            self.types["MODULES"] = "bool"
        yield from self._block(self._random.randint(2, 6), 0)
        for name in self._later:
            if name not in self.types:
                yield from self._config(name, self._random.choice(LOGICAL))
        for name, kind in self.handed_on.items():
            yield from (f"config {name}", f"\t{kind}", "\ttransitional")
        if self._chance(0.3):
            again = self._random.choice([n for n in self.types if n != "MODULES"] or ["A"])
            yield from self._again(again)

    def _again(self, name: str) -> Iterator[str]:
        """Return a second definition of a symbol."""
        kind = self.types.get(name, "bool")
        yield f"config {name}"
        if self._chance(0.3):
            yield f"\t{self._random.choice((*LOGICAL, *NUMBERS))}"
        constants = ("y", "n", "m") if kind in LOGICAL else NUMBERS[kind]
        yield f"\tdefault {self._random.choice(constants)}"

    def _block(self, size: int, depth: int) -> Iterator[str]:
        for _ in range(size):
            choices = 0 if self.of_today else 2
            kind = self._random.choices(
                ("config", "choice", "menu", "if", "comment"),
                (10, choices, 1, 1, 1 if depth else 2),
            )[0]
            if kind == "config" or depth > 2:
                name = self._new()
                yield from self._config(name, self._random.choice((*LOGICAL, *LOGICAL, *NUMBERS)))
            elif kind == "choice":
                yield from self._choice()
            elif kind == "menu":
                yield f'menu "menu {len(self.types)}"'
                yield from self._depends()
                if self._chance(0.3):
                    # Meant to differ: see differential.py.
                    self._constants = ("y", "n", "UNKNOWN")
                    yield f"\tvisible if {self._expression()}"
                    self._constants = ("y", "m", "n", "UNKNOWN")
                yield from self._block(self._random.randint(1, 3), depth + 1)
                yield "endmenu"
            elif kind == "if":
                yield f"if {self._expression()}"
                yield from self._block(self._random.randint(1, 3), depth + 1)
                yield "endif"
            else:
                yield f'comment "comment {len(self.types)}"'
                yield from self._depends()

    def _new(self) -> str:
        if self._later and self._chance(0.5):
            name = self._later.pop(0)
            if name not in self.types:
                return name
        return f"S{len(self.types) + 50 * self._chance(0.5)}"

    def _config(self, name: str, kind: str) -> Iterator[str]:
        # In newer releases a menuconfig needs a prompt.
        words = ("config", "config", "config" if self.of_today else "menuconfig")
        yield f"{self._random.choice(words)} {name}"
        condition = self._if(0.2)
        yield f'\t{kind} "{name.lower()}"{condition}' if self._chance(0.75) else f"\t{kind}"
        yield from self._depends()
        for _ in range(self._random.choice((0, 0, 1, 1, 2))):
            yield f"\tdefault {self._default(kind)}{self._if(0.5)}"
        if self.of_today and kind in ("int", "hex"):
            yield f"\tdefault {self._random.choice(NUMBERS[kind])}"
        elif self.of_today and self._chance(0.3):
            self.handed_on[f"OLD_{name}"] = kind
            yield f"\tdefault OLD_{name}"
        if kind in ("int", "hex") and self._chance(0.5):
            low, high = sorted(
                self._random.sample(NUMBERS[kind], 2),
                key=lambda n: int(n, 0 if "x" in n.lower() else 16 if kind == "hex" else 10),
            )
            yield f"\trange {low} {high}{self._if(0.3)}"
        self.types.setdefault(name, kind)
        if kind in LOGICAL:
            for word in ("select", "imply"):
                if self._chance(0.25):
                    target = f"L{self._random.randint(0, 3)}"
                    if target not in self.types:
                        self._later.append(target)
                        yield f"\t{word} {target}{self._if(0.3)}"

    def _choice(self) -> Iterator[str]:
        kind = self._random.choice(LOGICAL)
        members = [f"C{len(self.types)}_{index}" for index in range(self._random.randint(1, 3))]
        yield "choice"
        yield f'\tprompt "pick"{self._if(0.2)}'
        if self._chance(0.5):
            yield f"\t{kind}"
        if self._chance(0.25):
            yield "\toptional"
        yield from self._depends()
        if self._chance(0.5):
            yield f"\tdefault {self._random.choice(members)}{self._if(0.3)}"
        types = [kind if self._chance(0.9) else "bool" for _ in members]
        for member, member_type in zip(members, types, strict=True):
            yield f"config {member}"
            yield f'\t{member_type} "{member}"{self._if(0.2)}'
            yield from self._depends(0.2)
        yield "endchoice"
        self.types.update(zip(members, types, strict=True))
        self._choices.append(members)

    def _depends(self, probability: float = 0.4) -> Iterator[str]:
        if self._chance(probability):
            condition = self._if(0.4) if self.of_today else ""
            yield f"\tdepends on {self._expression()}{condition}"

    def _if(self, probability: float) -> str:
        return f" if {self._expression()}" if self._chance(probability) else ""

    def _default(self, kind: str) -> str:
        if kind not in LOGICAL:
            of_names = kind == "string" or not self.of_today
            same = [name for name, other in self.types.items() if other == kind and of_names]
            return self._random.choice((*NUMBERS[kind], *same))
        return self._expression()

    def _expression(self, depth: int = 0) -> str:
        form = self._random.choices(("term", "not", "and", "or"), (6, 1, 1, 1))[0]
        if form == "term" or depth > 1:
            return self._term()
        if form == "not":
            return f"!{self._term(comparing=False)}"
        sides = self._expression(depth + 1), self._expression(depth + 1)
        return f"({sides[0]}) {'&&' if form == 'and' else '||'} {sides[1]}"

    def _term(self, *, comparing: bool = True) -> str:
        names = list(self.types)
        logical = [name for name in names if self.types[name] in LOGICAL]
        if self.of_today:
            comparable = [name for name in names if self.types[name] == "string"]
        else:
            comparable = names
        if comparing and comparable and self._chance(0.3):
            name = self._random.choice(comparable)
            kind = self.types[name]
            constants = ("y", "n", "m") if kind in LOGICAL else NUMBERS[kind]
            relation = self._random.choice(("=", "!=", "<", "<=", ">", ">="))
            return f"{name} {relation} {self._random.choice(constants)}"
        return self._random.choice((*logical, *logical, *self._constants))

    def config(self) -> str:
        """Return a random .config of some symbols; few are twice, unknown, or have wrong values."""
        lines = []
        # Meant to differ: see differential.py.
        whole = [members for members in self._choices if self._chance(0.65)]
        chosen = {name for members in whole for name in members}
        in_choice = {name for members in self._choices for name in members}
        for name in self._random.sample(list(self.types), len(self.types)):
            if name in chosen:
                lines.append(self._line(name, wrong=0))
            if name in in_choice or self._chance(0.35):
                continue
            for _ in range(self._random.choice((1,) * 15 + (2,))):
                lines.append(self._line(name))
        for name, kind in self.handed_on.items():
            if self._chance(0.5):
                lines.append(self._line(name, kind=kind))
        if self._chance(0.2):
            lines.insert(0, self._random.choice(("# CONFIG_S1=y", "# a comment", "CONFIG_GONE=y")))
        return "".join(f"{line}\n" for line in lines)

    def _line(self, name: str, *, wrong: float = 0.05, kind: str = "") -> str:
        kind = kind or self.types[name]
        if self._chance(wrong):
            return f"CONFIG_{name}={self._random.choice(('', 'x', '010', 'yes', '4 ', '+4', '0x'))}"
        if kind in LOGICAL:
            value = self._random.choice(("y", "n", "m" if kind == "tristate" else "y"))
            return f"# CONFIG_{name} is not set" if value == "n" else f"CONFIG_{name}={value}"
        return f"CONFIG_{name}={self._random.choice(NUMBERS[kind])}"


ENVIRONMENT = {"FROM_ENV": "y", "COUNT_FROM_ENV": "4"}
"""Variables that the files may name."""

_PLAIN = re.compile(r"(?<![\w\"$(])(y|n|m|-?\d+|0[xX][\da-fA-F]+|[A-Z]\w*)(?![\w\"])")
_PROPERTY = re.compile(r"\t(default|depends on|select|imply|range|visible if) ")
_DEFINITIONS = """\
id = $(1)
second = $(2)
if_y = $(shell,test $(1) = y && echo "$(2)" || echo "$(3)")
empty :=
plain := y
plain += n
later = $(number)
number := 1000
"""


def dressed(tree: Tree, seed: int) -> Mapping[str, str]:
    """Return the files of a tree, by name, with some of its text in other notations."""
    dice = random.Random(seed)
    if dice.random() < 0.3:
        return {"Kconfig": tree.text}
    numbers: dict[str, list[str]] = {"int": [], "hex": []}
    name = ""
    found: list[str] = []
    for line in tree.text.splitlines():
        word = line.split()[0]
        name = line.split()[1] if word in ("config", "menuconfig") else name
        kind = tree.types.get(name, "")
        if kind in numbers and word == "range" and not tree.of_today and dice.random() < 0.3:
            before = numbers[kind][:-1]
            line = re.sub(r"range \S+", f"range {dice.choice(before)}", line) if before else line
        if match := _PROPERTY.match(line):
            words = _PLAIN.sub(lambda m: _written(m[1], dice), line[match.end() :])
            line = f"{match[0]}{words}"
        if word in ("config", "menuconfig") and kind in numbers:
            numbers[kind].append(name)
        found += _laid_out(line, dice)
    files = {}
    top = [at for at, line in enumerate(found) if line.startswith("config") and at]
    if top and dice.random() < 0.5:
        # Lines after the last config belong to it, and close no block.
        at = top[-1]
        if not any(re.match(r"(end|choice|menu |if )", line) for line in found[at:]):
            files["Kconfig.more"] = "".join(f"{line}\n" for line in found[at:])
            found[at:] = ['source "Kconfig.$(second,less,more)"']
    text = "".join(f"{line}\n" for line in found)
    return {**files, "Kconfig": f"{_DEFINITIONS}{text}"}


def _written(word: str, dice: random.Random) -> str:
    """Return a constant or a name as it is, quoted, or as a macro that expands to it."""
    if dice.random() < 0.75 or word == "if":
        return word
    ways = [f"$(id,{word})", f"$(second,gone,{word})", f"{word}$(empty)$(undefined)"]
    ways += ["$(FROM_ENV)"] if word == "y" else []
    ways += ["$(COUNT_FROM_ENV)"] if word == "4" else []
    ways += ["$(later)"] if word == "1000" else []
    ways += [f"'{word}'"] if re.fullmatch("[a-z0-9]+", word) else []
    if dice.random() < 0.02:
        # Each starts a shell.
        ways = [f"$(if_y,y,{word},gone)", f"$(shell,echo {word})"]
    return dice.choice(ways)


def _laid_out(line: str, dice: random.Random) -> Iterator[str]:
    """Yield a line, at times with a comment, a blank line or a help text, or continued."""
    if dice.random() < 0.03:
        yield dice.choice(("", "# a comment", "\t# config GONE", "\t"))
    if dice.random() < 0.03 and " && " in line:
        yield from line.replace(" && ", " && \\\n\t\t", 1).split("\n")
    elif dice.random() < 0.03 and '"' not in line:
        yield f"{line} # behind"
    else:
        yield line
    if line.startswith(("\tbool ", "\ttristate ", "\tint ", "\thex ")) and dice.random() < 0.05:
        yield from ("\thelp", "\t  Says $(undefined) and", "", "\t    config GONE", "")
