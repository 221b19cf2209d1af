# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Random Kconfig trees with random .config files, ours and C kconfig's answers side by side.

    python tests/config/differential.py [HOW MANY] [FIRST SEED]

prints each pair of files on which they differ, and how many did.  Meant differences, which the
trees do not hold, are listed in test_ckconfig.py.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[n] / m) for n, m in ((1, ""), (2, "site_scons"))]

from config.ckconfig import CKconfig, find_conf
from xen_tool.config import saved
from xen_tool.config.checks import unmet
from xen_tool.config.kconf import Kconfig, read_kconfig
from xen_tool.config.library import in_range
from xen_tool.config.merge import set_all
from xen_tool.config.texts import autoconf_text, config_text, defconfig_text
from xen_tool.errors import XenToolError

LOGICAL = ("bool", "tristate")
NUMBERS = {
    "int": ("0", "4", "-3", "77", "1000"),
    "hex": ("0x10", "ff", "0X2A", "0", "0x1000"),
    "string": ('""', '"text"', '"a \\"b\\" \\\\"', '"5"', '"n"'),
}


class Tree:
    """A random Kconfig; what a property refers to stands before it, what it selects, behind."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.types: dict[str, str] = {}
        self._later: list[str] = []
        self._choices: list[list[str]] = []
        self._constants: tuple[str, ...] = ("y", "m", "n", "UNKNOWN")
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
        if self._chance(0.3):
            again = self._random.choice([n for n in self.types if n != "MODULES"] or ["A"])
            yield from self._again(again)

    def _again(self, name: str) -> Iterator[str]:
        """A second definition of a symbol."""
        kind = self.types.get(name, "bool")
        yield f"config {name}"
        if self._chance(0.3):
            yield f"\t{self._random.choice((*LOGICAL, *NUMBERS))}"
        constants = ("y", "n", "m") if kind in LOGICAL else NUMBERS[kind]
        yield f"\tdefault {self._random.choice(constants)}"

    def _block(self, size: int, depth: int) -> Iterator[str]:
        for _ in range(size):
            kind = self._random.choices(
                ("config", "choice", "menu", "if", "comment"), (10, 2, 1, 1, 1 if depth else 2)
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
                    # C kconfig shows a menu that is visible if m even without modules.
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
        yield f"{self._random.choice(('config', 'config', 'menuconfig'))} {name}"
        condition = self._if(0.2)
        yield f'\t{kind} "{name.lower()}"{condition}' if self._chance(0.75) else f"\t{kind}"
        yield from self._depends()
        for _ in range(self._random.choice((0, 0, 1, 1, 2))):
            yield f"\tdefault {self._default(kind)}{self._if(0.5)}"
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
        for member, own in zip(members, types, strict=True):
            yield f"config {member}"
            yield f'\t{own} "{member}"{self._if(0.2)}'
            yield from self._depends(0.2)
        yield "endchoice"
        self.types.update(zip(members, types, strict=True))
        self._choices.append(members)

    def _depends(self, probability: float = 0.4) -> Iterator[str]:
        if self._chance(probability):
            yield f"\tdepends on {self._expression()}"

    def _if(self, probability: float) -> str:
        return f" if {self._expression()}" if self._chance(probability) else ""

    def _default(self, kind: str) -> str:
        if kind not in LOGICAL:
            same = [name for name, other in self.types.items() if other == kind]
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
        if comparing and names and self._chance(0.3):
            name = self._random.choice(names)
            kind = self.types[name]
            constants = ("y", "n", "m") if kind in LOGICAL else NUMBERS[kind]
            relation = self._random.choice(("=", "!=", "<", "<=", ">", ">="))
            return f"{name} {relation} {self._random.choice(constants)}"
        return self._random.choice((*logical, *logical, *self._constants))

    def config(self) -> str:
        """A random .config: some symbols, rarely twice, wrongly or unknown."""
        lines = []
        # C kconfig's savedefconfig forgets a choice of which the file has a part only.
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
        if self._chance(0.2):
            lines.insert(0, self._random.choice(("# CONFIG_S1=y", "# a comment", "CONFIG_GONE=y")))
        return "".join(f"{line}\n" for line in lines)

    def _line(self, name: str, wrong: float = 0.05) -> str:
        kind = self.types[name]
        if self._chance(wrong):
            return f"CONFIG_{name}={self._random.choice(('', 'x', '010', 'yes', '4 ', '+4', '0x'))}"
        if kind in LOGICAL:
            value = self._random.choice(("y", "n", "m" if kind == "tristate" else "y"))
            return f"# CONFIG_{name} is not set" if value == "n" else f"CONFIG_{name}={value}"
        return f"CONFIG_{name}={self._random.choice(NUMBERS[kind])}"


def differences(c: CKconfig, folder: Path, kconfig: str, config: str) -> list[str]:
    """Returns what is different of the two answers, in words; [] if nothing is."""
    (folder / "Kconfig").write_text(kconfig)
    answer = c.run("--olddefconfig", config=config)
    try:
        ours = read_kconfig(folder / "Kconfig", folder, {})
        (folder / "saved").write_text(config)
        assignments = saved.load(ours, folder / "saved").assignments
    except XenToolError as error:
        is_same = answer.status and "recursive" in answer.err and "loop" in str(error)
        return [] if is_same else [f"we refuse: {error}", answer.err]
    if answer.status:
        return [f"C kconfig refuses: {answer.err}"]
    beyond = [a.symbol.name for a in assignments if not in_range(a.symbol, a.value)]
    if beyond:
        # C kconfig leaves values as they are that it computed from a number out of range.
        lines = config.splitlines(keepends=True)
        dropped = tuple(f"CONFIG_{name}=" for name in beyond)
        config = "".join(line for line in lines if not line.startswith(dropped))
        answer = c.run("--olddefconfig", config=config)
    found = []

    def compare(what: str, right: object, got: object) -> None:
        if right != got:
            found.append(f"{what}:\n  C kconfig: {right!r}\n  xen_tool:  {got!r}")

    compare(".config", answer.config, config_text(ours))
    # A number without a value, which is nothing to C.
    empty = {line for line in answer.autoconf if line.endswith((" ", " 0x"))}
    compare("autoconf.h", answer.autoconf - empty, set(autoconf_text(ours).splitlines()))
    compare("lines of Kconfig warned of", set(answer.lines_warned_of("Kconfig")), _lines(ours))
    compare("unmet", answer.unmet, {line.split()[1] for line in unmet(ours)})
    c.run(f"--savedefconfig={folder / 'short'}", config=config)
    compare("savedefconfig", (folder / "short").read_text(), defconfig_text(ours))
    new = c.run("--listnewconfig", config=config).out.splitlines()
    new = [line for line in new if line.startswith("CONFIG_")]
    compare("listnewconfig", set(new), set(saved.new_symbols(ours)))
    for name, yes in (("allnoconfig", False), ("allyesconfig", True)):
        set_all(ours, yes=yes, top=folder)
        compare(name, c.run(f"--{name}").config, config_text(ours))
    return found


def _lines(kconf: Kconfig) -> set[int]:
    said_later = ("has no prompt", "help text")
    problems = [p for p in kconf.problems if not any(words in p for words in said_later)]
    return {int(problem.split(":")[1]) for problem in problems}


def walk(c: CKconfig, folder: Path, seeds: Iterable[int]) -> Iterator[str]:
    """The trees on which the answers differ, each with what is different."""
    for seed in seeds:
        tree = Tree(seed)
        config = tree.config()
        if found := differences(c, folder, tree.text, config):
            yield "\n".join((f"=== seed {seed}", tree.text, "--- .config", config, *found))


def main(many: int = 20_000, first: int = 0) -> int:
    """Tries so many trees."""
    conf = find_conf()
    if conf is None:
        print("linux-kbuild-6.1 is not installed; ./sconsw test says how to get it")
        return 2
    start, differing = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as name:
        for text in walk(CKconfig(conf, Path(name)), Path(name), range(first, first + many)):
            differing += 1
            print(text)
    print(f"{many} trees, {differing} differ, {time.monotonic() - start:.0f} s")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
