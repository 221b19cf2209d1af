# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Steps that change flags, search paths and the configuration."""

from __future__ import annotations

import re

from . import texts
from .kinds import Kind
from .texts import SYMBOLS, number
from .tree import Tree


def kinds(*, real: bool) -> list[Kind]:
    """Return all kinds of this module."""
    found = [
        Kind("flags: another -D or -O", 3, _change_flags),
        Kind("flags: a header named by -D", 2, _change_named_header),
        Kind("flags: another order of CPPPATH", 2, _change_include_order),
        Kind("flags: another order of LIBPATH", 1, _change_library_order),
        Kind("flags: another option of the linker", 2, _change_link_flags),
        Kind("configuration: NAME=value", 8, _set_symbol),
        Kind("configuration: write .config", 4, _save_configuration),
        Kind("configuration: remove .config", 1, _remove_configuration),
        Kind("configuration: a default in Kconfig", 2, _change_default),
    ]
    return found if real else [*found, Kind("flags: in CC=", 2, _change_compiler)]


def _flag(tree: Tree, row: int, prefix: str, words: list[str]) -> str:
    """Replace the words with a prefix in a row of flags."""
    lines = tree.read("flags").splitlines()
    title, *rest = lines[row].split()
    rest = [word for word in rest if not word.startswith(prefix)]
    lines[row] = " ".join([title, *rest, *words])
    tree.write("flags", "\n".join(lines) + "\n")
    return lines[row]


def _change_flags(tree: Tree) -> str:
    if tree.chance(0.3):
        return _flag(tree, 0, "-O", [tree.pick(["-O0", "-O1", "-O2", "-Os"])])
    words = [f"-DU_C={number(tree.random)}"] if tree.chance(0.7) else []
    return _flag(tree, 0, "-DU_C", words)


def _change_named_header(tree: Tree) -> str:
    name = tree.pick(tree.names().headers)
    # The file flags cannot pass a blank or a dollar to the compiler.
    if tree.chance(0.3) or not name.replace(".", "").isalnum():
        return _flag(tree, 0, "-DU_HEADER", [])
    return _flag(tree, 0, "-DU_HEADER", [f'-DU_HEADER="{name}"'])


def _rotate(tree: Tree, row: int) -> str:
    lines = tree.read("flags").splitlines()
    title, first, *rest = lines[row].split()
    lines[row] = " ".join([title, *rest, first])
    tree.write("flags", "\n".join(lines) + "\n")
    return lines[row]


def _change_include_order(tree: Tree) -> str:
    return _rotate(tree, 2)


def _change_library_order(tree: Tree) -> str:
    return _rotate(tree, 3)


def _change_link_flags(tree: Tree) -> str:
    words = [f"--defsym=u_c={number(tree.random)}"] if tree.chance(0.7) else []
    return _flag(tree, 1, "--defsym=u_c", words)


def _change_compiler(tree: Tree) -> str:
    tree.compiler_flags = "" if tree.compiler_flags else f"-DU_CC={number(tree.random)}"
    return f"CC= with {tree.compiler_flags or 'no flags'}"


def _set_symbol(tree: Tree) -> str:
    if tree.symbols and tree.chance(0.3):
        name, _ = tree.symbols.popitem()
        return f"no {name}= any more"
    name = tree.pick([*SYMBOLS, "COUNT"] if tree.real else [*SYMBOLS, "XEN", "COUNT"])
    value = number(tree.random) if name == "COUNT" else tree.pick(["0", "1"])
    tree.symbols.pop(name, None)
    tree.symbols[name] = value
    return f"{name}={value}"


def _save_configuration(tree: Tree) -> str:
    lines = [f"CONFIG_COUNT={number(tree.random)}"]
    for name in SYMBOLS:
        lines += [tree.pick([f"CONFIG_{name}=y", f"# CONFIG_{name} is not set", ""])]
    tree.write(".config", "\n".join(filter(None, lines)) + "\n")
    return "write .config"


def _remove_configuration(tree: Tree) -> str | None:
    if not tree.exists(".config"):
        return None
    (tree.top / ".config").unlink()
    return "remove .config"


def _change_default(tree: Tree) -> str:
    name, text = tree.pick(SYMBOLS), tree.read("Kconfig")
    old = re.search(rf"config {name}\n.*\n\tdefault (\w)", text)
    assert old is not None
    value = "n" if old[1] == "y" else "y"
    new = texts.KCONFIG_BOOL.format(name=name, value=value).rstrip()
    tree.write("Kconfig", text.replace(old[0], new))
    return f"default {value} for {name} in Kconfig"
