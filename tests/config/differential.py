# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compare this tool with C kconfig on random Kconfig trees with random .config files.

    python tests/config/differential.py [HOW MANY] [FIRST SEED] [--release 7.2]

prints each pair of files on which they differ, and the number of these.  random_trees.py makes
the files; for --release 7.2 they have `transitional` and `depends on A if B`, and conf is that of
Debian's package.  The comparison, or the trees, leave out the intended differences:

- A line of .config that neither assigns nor is a comment is an error (test_ckconfig.py, MEANT):
  C kconfig goes on with a warning, and a merge conflict costs settings.
- A number without a value is left out of autoconf.h: C's `#define CONFIG_N ` is no value to a
  compiler, and `0x` an error.
- A decimal number with leading zeros that a Kconfig file gives is written without them: C counts
  10 for 010, and the compiler 8.
- The shortest file keeps a choice of which .config has only a part: C's savedefconfig forgets it,
  so that its file means another configuration.
- A number out of its range in .config has no effect on other symbols: C does not correct those
  that it computed before it applied the range.
- The heading of a menu that is `visible if m` is not written without modules: C writes the
  heading, and nothing below it.
- listnewconfig lists a visible symbol below one that is not: C does not visit it.
- A loop of ranges, or of symbols that take no value from one another, is an error: C computes
  what its order of evaluation gives.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[n] / m) for n, m in ((1, ""), (2, "site_scons"))]

from config.ckconfig import CONF, CKconfig
from config.linux import SUITES, fetched
from config.random_trees import ENVIRONMENT, Tree, dressed
from xen_tool.config import saved
from xen_tool.config.language.kconf import Kconfig, read_kconfig
from xen_tool.config.language.problems import unmet
from xen_tool.config.language.symbol_values import in_range
from xen_tool.config.merge import ALL, set_all
from xen_tool.config.texts import autoconf_text, config_text, defconfig_text
from xen_tool.debian.hypervisor import default_roots
from xen_tool.errors import XenToolError


def differences(c: CKconfig, folder: Path, files: Mapping[str, str], config: str) -> list[str]:
    """Configure some files and a .config by both; return the differences as texts, or []."""
    for name, text in files.items():
        (folder / name).write_text(text)
    answer = c.run("--olddefconfig", config=config, **ENVIRONMENT)
    try:
        ours = read_kconfig(folder / "Kconfig", folder, ENVIRONMENT)
        (folder / "saved").write_text(config)
        assignments = saved.load(ours, folder / "saved").assignments
    except XenToolError as error:
        is_same = answer.status and "recursive" in answer.err and "loop" in str(error)
        return [] if is_same else [f"we refuse: {error}", answer.err]
    if answer.status:
        return [f"C kconfig refuses: {answer.err}"]
    beyond = [a.symbol.name for a in assignments if not in_range(a.symbol, a.value)]
    if beyond:
        lines = config.splitlines(keepends=True)
        dropped = tuple(f"CONFIG_{name}=" for name in beyond)
        config = "".join(line for line in lines if not line.startswith(dropped))
        answer = c.run("--olddefconfig", config=config, **ENVIRONMENT)
    found = []

    def compare(what: str, right: object, got: object) -> None:
        if right != got:
            found.append(f"{what}:\n  C kconfig: {right!r}\n  xen_tool:  {got!r}")

    compare(".config", answer.config, config_text(ours))
    empty = {line for line in answer.autoconf if line.endswith((" ", " 0x"))}
    compare("autoconf.h", answer.autoconf - empty, set(autoconf_text(ours).splitlines()))
    warned = {number for file in files for number in answer.lines_warned_of(file)}
    compare("lines warned of", warned, _lines(ours))
    compare("unmet", answer.unmet, {line.split()[1] for line in unmet(ours)})
    c.run(f"--savedefconfig={folder / 'short'}", config=config, **ENVIRONMENT)
    compare("savedefconfig", (folder / "short").read_text(), defconfig_text(ours))
    new = c.run("--listnewconfig", config=config, **ENVIRONMENT).out.splitlines()
    new = [line for line in new if line.startswith("CONFIG_")]
    ours_new = set(saved.new_symbols(ours))
    compare("listnewconfig", set(new), ours_new - (_hidden(ours) - set(new)))
    for name in ALL:
        set_all(ours, name, top=folder)
        compare(name, c.run(f"--{name}", **ENVIRONMENT).config, config_text(ours))
    return found


def _hidden(kconf: Kconfig) -> set[str]:
    """Return the lines of new_symbols() for symbols that may be below an invisible one."""
    import kconfiglib

    names = set()
    for symbol in kconf.unique_defined_syms:
        nodes = [*symbol.nodes, *(symbol.choice.nodes if symbol.choice else ())]
        conditions = [node.prompt[1] for node in nodes if node.prompt]
        items = {item for each in conditions for item in kconfiglib.expr_items(each)}
        if any(item.nodes and not item.visibility for item in items):
            names.add(symbol.name)
    lines = saved.new_symbols(kconf)
    return {line for line in lines if re.split("[= ]", line.partition("CONFIG_")[2])[0] in names}


def _lines(kconf: Kconfig) -> set[int]:
    said_later = ("has no prompt", "help text")
    problems = [p for p in kconf.problems if not any(words in p for words in said_later)]
    return {int(problem.split(":")[1]) for problem in problems}


def walk(
    c: CKconfig, folder: Path, seeds: Iterable[int], *, of_today: bool = False
) -> Iterator[str]:
    """Yield a text for each seed whose tree makes a difference: the files, and the differences."""
    for seed in seeds:
        tree = Tree(seed, of_today=of_today)
        files, config = dressed(tree, seed), tree.config()
        if found := differences(c, folder, files, config):
            texts = (line for name, text in files.items() for line in (f"--- {name}", text))
            yield "\n".join((f"=== seed {seed}", *texts, "--- .config", config, *found))


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare a number of trees; return the exit status."""
    parser = argparse.ArgumentParser(description="Hold random trees against C kconfig.")
    parser.add_argument("many", nargs="?", type=int, default=20_000)
    parser.add_argument("first", nargs="?", type=int, default=0)
    parser.add_argument("--release", choices=SUITES, help="that of Linux, not the installed 6.1")
    options = parser.parse_args(arguments)
    found = (root / CONF for root in default_roots() if (root / CONF).is_file())
    conf = fetched(options.release).conf if options.release else next(found, None)
    if conf is None:
        print("linux-kbuild-6.1 is not installed; ./sconsw test says how to get it")
        return 2
    start, differing = time.monotonic(), 0
    seeds = range(options.first, options.first + options.many)
    of_today = options.release not in (None, "6.1", "6.12")
    with tempfile.TemporaryDirectory() as name:
        for text in walk(CKconfig(conf, Path(name)), Path(name), seeds, of_today=of_today):
            differing += 1
            print(text, flush=True)
    print(f"{options.many} trees, {differing} differ, {time.monotonic() - start:.0f} s")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
