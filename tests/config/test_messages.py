# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""All messages of the package config, collected in messages.txt.

    python tests/config/test_messages.py

writes the file.  A message in the code that no trigger here causes fails the test.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest import mock

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[n] / m) for n, m in ((1, ""), (2, "site_scons"))]

import pytest

from project import TOP
from xen_tool.config import targets
from xen_tool.config.configuration import read
from xen_tool.config.explain.smallest_settings import about, why
from xen_tool.config.language.declared import kconfig_text
from xen_tool.config.language.kconf import read_kconfig
from xen_tool.errors import XenToolError

FILE = Path(__file__).with_name("messages.txt")
CONFIG = TOP / "site_scons/xen_tool/config"

TREE = """\
config MODULES
	bool "modules"
	default y
	modules
config A
	bool "a"
config B
	bool "b"
	depends on A
config T
	tristate "t"
	depends on m
config M
	tristate "m" if m
config PLAIN
	tristate "plain"
config N
	int "n"
	range 1 9
	default 3
config H
	hex "h"
config S
	string "s"
config SELECTS
	bool "selects"
	select SELECTED
config SELECTED
	bool "selected"
config HIDDEN
	bool "hidden" if A
config FOLLOWS
	bool
	default A
config NEEDS_N
	bool "needs n"
	depends on N = 5
config NEEDS_GONE
	bool "needs gone"
	depends on GONE
config NEVER
	bool "never"
	depends on n
choice
	prompt "pick" if A
config ONE
	bool "one"
config TWO
	bool "two"
endchoice
config X86_64
	def_bool y
choice
	prompt "always"
config UP
	bool "up"
config DOWN
	bool "down"
endchoice
"""

SETTINGS = [
    "GOEN=1", "NN=1", "A=2", "T=x", "N=x", "N=010", "N=99", "H=xyz", "S=a\nb", "A=1 CONFIG_A=0",
    "B=1", "A=0 B=1", "T=y", "M=y", "SELECTS=1 SELECTED=0", "HIDDEN=1", "FOLLOWS=1", "NEEDS_N=1",
    "NEEDS_GONE=1", "NEVER=1", "ONE=1", "UP=0", "UP=1 DOWN=1", "X86_64=0", "MODULES=0 T=m",
    "MODULES=0 H=5 PLAIN=m",
]  # fmt: skip
SAVED: list[str | bytes] = [
    "<<<<<<< HEAD", "CONFIG_GONE=y", "CONFIG_A=yes\nCONFIG_A=x", "CONFIG_T=x", "CONFIG_N=",
    "CONFIG_N=010", "CONFIG_N=99", "CONFIG_H=xyz", "CONFIG_S=bare", "CONFIG_A=y\nCONFIG_A=n",
    "CONFIG_UP=y\nCONFIG_DOWN=y", "CONFIG_B=y", "CONFIG_SELECTS=y\n# CONFIG_SELECTED is not set",
    "# CONFIG_N is not set", "\ufeffCONFIG_A=y", b"CONFIG_S=\"\xff\"", "CONFIG_A=y\0",
    b"\0" * (17 << 20),
]  # fmt: skip
KCONFIG = [
    "config A\n\tbool\n\tgarbage\n", 'source "none"\n', "config A\n\tbool\n\tselect A\n",
    'config A\n\tbool "a"\n\tdepends on B\nconfig B\n\tbool "b"\n\tdepends on A\n',
    "$(error-if,y,no compiler)\n", "$(warning-if,y,old compiler)\n", "X = $(X)\n$(info,$(X))\n",
    "config A\n\tbool\n\ttransitional\n\tdefault y\n", "config A\n",
    "config N\n\tint\n\tdefault GONE\n", "config S\n\tstring\n\tdefault A && B\n",
    "config N\n\tint\n\tselect A\nconfig A\n\tbool\n",
    'config A\n\tbool "a"\n\tselect N\nconfig N\n\tint\n',
    'config A\n\tbool "a"\n\trange 1 2\n', 'config N\n\tint "n"\n\trange GONE 5\n',
    'choice\n\tprompt "c"\nendchoice\n', 'choice\nconfig A\n\tbool "a"\nendchoice\n',
    'choice\n\tprompt "c"\n\tdefault B\nconfig A\n\tbool "a"\nendchoice\nconfig B\n\tbool\n',
    'choice\n\tprompt "c"\nconfig A\n\tbool\nendchoice\n',
    'choice\n\tprompt "c"\nconfig A\n\tbool "a"\n\tdefault y\nendchoice\n',
    'choice\n\tprompt "c"\nconfig A\n\tbool "a"\nendchoice\nconfig A\n\tbool "again"\n',
    'config A\n\tbool " a"\n', 'config A\n\tbool "a"\n\tprompt "b"\n', "menuconfig A\n\tbool\n",
    'config A\n\tbool "a"\n\thelp\n\nconfig B\n\tbool\n',
    'config A\n\tbool "a"\n\thelp\n\t  One.\n\thelp\n\t  Two.\n', "config A\n\tbool\n\tint\n",
    'config A\n\tbool "a"\n\tdefault y ? n\n', 'config A\n\tbool "a\n',
    'config A\n\tbool "a";\n', "menu x\nendmenu\n", 'config A\n\tbool "a"\n\tvisible if y\n',
    'config A\n\tbool "a"\n\thelp me\n', 'config S\n\tstring\n\tdefault "na\udcefve"\n',
    'choice\n\tprompt "c"\n\tdefault A && y\nconfig A\n\tbool "a"\nendchoice\n',
    "config A\n\tdef_bool $(NONE)\n", 'config A\n\tbool "a"\n\tmodules 1\n',
    'config A\n\tbool "a"\n\tmodules\nconfig B\n\tbool "b"\n\tmodules\n',
    'config A\n\tbool\n\toption env="NONE"\n', 'menu "m"\nif y\nendmenu\n', 'menu "m"\nif y\n',
    'source "Kconfig"\n',
    'config A\n\tdef_bool y\n\tselect B\nconfig B\n\tbool "b"\n\tdepends on n\n',
]  # fmt: skip
QUESTIONS = ["A=y", "A=n", "B=y", "N=99", "NEEDS_GONE=y", "T", "SELECTED", "ONE", "A"]
DECLARED: list[dict[str, object]] = [{"a b": 1}, {"A": 1.5}]
TARGETS = [
    ("", ["setconfig"]), ("", ["x_defconfig"]), ("", ["defconfig"]), ("", ["any.config"]),
    ("configs/{arch}_defconfig", ["defconfig"]), ("configs/{arch}_defconfig", ["any.config"]),
    ("have/{arch}_defconfig", ["any.config"]),
    ("have/{arch}_defconfig", ["any_defconfig", "any_defconfig"]),
    ("have/{arch}_defconfig", ["i386_defconfig"]), ("have/{arch}_defconfig", ["alldefconfig"]),
    ("have/{arch}_defconfig", ["menuconfig"]), ("have/{arch}_defconfig", ["oldconfig"]),
    ("have/{arch}_defconfig", ["allnoconfig"]), ("", ["savedefconfig"]), ("", ["olddefconfig"]),
    ("", ["oldconfig"]), ("", ["menuconfig"]),
]  # fmt: skip


def messages(top: Path) -> Iterator[str]:
    """Yield each trigger, as `> ACTION`, and its messages."""
    kconfig, config = top / "Kconfig", top / ".config"

    def answer(what: str, **how: object) -> Iterator[str]:
        yield f"\n> {what}"
        try:
            found = read(kconfig, srctree=top, **how)  # type: ignore[arg-type]
        except XenToolError as error:
            yield f"error: {error}"
            return
        yield from (f"warning: {text}" for text in found.warnings)
        yield from (f"note: {text}" for text in found.notes)

    # The file begins with the same licence as this one.
    yield Path(__file__).read_text().splitlines()[0]
    yield "# What the configuration says; tests/config/test_messages.py writes this file."
    kconfig.write_text(TREE)
    for line in SETTINGS:
        settings = dict(word.split("=", 1) for word in line.split(" "))
        yield from answer(f"scons {line}".replace("\n", "\\n"), settings=settings)
    yield from answer("scons ARCH=arm", arch="arm")
    for text in SAVED:
        raw = text.encode() if isinstance(text, str) else text
        config.write_bytes(raw + b"\n")
        what = repr(text) if len(text) < 99 else "a file of 17 MiB"
        yield from answer(f".config: {what}", saved_config=config)
    config.unlink()
    config.mkdir()
    yield from answer(".config is a folder", saved_config=config)
    config.rmdir()
    os.mkfifo(config)
    yield from answer(".config is a pipe", saved_config=config)
    config.unlink()
    config.write_text("CONFIG_A=y\nCONFIG_B=y\n# CONFIG_SELECTED is not set\n")
    for settings in ({"A": "0"}, {"SELECTS": "1"}):
        yield from answer(f".config, and scons {settings}", saved_config=config, settings=settings)
    config.write_text("# CONFIG_A is not set\n")
    yield from answer(".config, and scons B=1", saved_config=config, settings={"B": "1"})
    config.unlink()
    kconfig.write_text('config T\n\ttristate "t"\n\tdepends on m\n')
    yield from answer("scons T=m, without `modules`", settings={"T": "m"})
    for text in KCONFIG:
        kconfig.write_text(text, errors="surrogateescape")
        yield from answer(f"Kconfig: {text!r}")
    kconfig.unlink()
    yield from answer("no Kconfig")
    kconfig.mkdir()
    yield from answer("Kconfig is a folder")
    kconfig.rmdir()
    kconfig.write_text("config A\n")
    with mock.patch.dict(os.environ, KCONFIG_WERROR="1"):
        yield from answer("KCONFIG_WERROR=1 scons, Kconfig: 'config A\\n'")
    kconfig.write_text(TREE)
    yield from _answers(top)


def _answers(top: Path) -> Iterator[str]:
    def load(arch: object) -> object:
        return read_kconfig(top / "Kconfig", top, {}), {}

    from xen_tool.abi import X86_64

    for question in QUESTIONS:
        yield f"\n> scons why {question}"
        name, _, value = question.partition("=")
        yield from why(load, X86_64, name, value) if value else about(load, X86_64, name)  # type: ignore[arg-type]
    for symbols in DECLARED:
        yield f"\n> env.XenConfigure(symbols={symbols})"
        try:
            kconfig_text(symbols)  # type: ignore[arg-type]
        except XenToolError as error:
            yield f"error: {error}"
    (top / "have").mkdir()
    (top / "have/any_defconfig").write_text("CONFIG_B=y\n")
    (top / "have/i386_defconfig").write_text("# ARCH=i386\n")
    for folder, names in TARGETS:
        yield f"\n> scons {' '.join(names)}, with defconfig={folder or None}"
        yield from _run(top, folder, names)
    (top / ".config").write_text("CONFIG_A=y\nCONFIG_N=5\nCONFIG_GONE=y\n")
    for names, variables in (
        (["allnoconfig"], {"KCONFIG_ALLCONFIG": "mine.config"}),
        (["allyesconfig"], {"KCONFIG_ALLCONFIG": "1"}),
        (["allnoconfig"], {}),
        (["allnoconfig"], {}),
    ):
        environment = "".join(f"{name}={value} " for name, value in variables.items())
        yield f"\n> {environment}scons {' '.join(names)}"
        with mock.patch.dict(os.environ, variables):
            yield from _run(top, "", names)
    yield "\n> scons savedefconfig ARCH=i386"
    yield from _run(top, "", ["savedefconfig"], "i386")


def _run(top: Path, folder: str, names: list[str], arch: str = "x86_64") -> Iterator[str]:
    config_targets = targets.ConfigTargets(
        kconfig=top / "Kconfig", text=None, srctree=top, variables={}, config=top / ".config",
        defconfig=folder or None, seed=None,
    )  # fmt: skip
    output = io.StringIO()
    try:
        with contextlib.redirect_stderr(output), contextlib.redirect_stdout(output):
            config_targets.run(names, arch, typed_arch=arch, settings={})
    except XenToolError as error:
        output.write(f"error: {error}\n")
    yield from output.getvalue().splitlines()


def written() -> str:
    """Return the text of messages.txt for the code as it is now."""
    with tempfile.TemporaryDirectory() as folder:
        text = "\n".join(messages(Path(folder)))
        return text.replace(f"{folder}/", "").replace(folder, ".") + "\n"


def test_the_file_is_up_to_date() -> None:
    assert written() == FILE.read_text()


# What needs a terminal, a display, a broken installation or a full disk; each has a test there.
ELSEWHERE: Mapping[str, list[str]] = {
    "conditions.py": ["scons/test_sources_by_symbol.py"],
    "language/library.py": ["config/test_kconfig_features.py", "config/test_ckconfig.py"],
    "frontends/run.py": ["scons/test_menuconfig.py", "scons/test_guiconfig.py"],
    "frontends/menu.py": ["scons/test_menuconfig.py"],
}
RARE = {
    # The end of this message is Python's, and differs among versions: test_kconfig_features.py.
    "kconfiglib cannot read it",
}


_SAYING = ("XenToolError", "Reason", "_problem", "_warn", "KconfigError")


def _sentences(path: Path) -> Iterator[str]:
    """Yield the longest constant part of each message in a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        name = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and name in _SAYING:
            parts = [part for argument in node.args[:1] for part in ast.walk(argument)]
        elif isinstance(node, ast.Yield) and path.name == "checks.py":
            parts = list(ast.walk(node))
        else:
            continue
        texts = [p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)]
        if texts and len(longest := max(texts, key=len)) > 8:
            yield longest


@pytest.mark.parametrize("path", sorted(CONFIG.rglob("*.py")), ids=lambda path: path.name)
def test_each_message_in_the_code_is_there(path: Path) -> None:
    others = ELSEWHERE.get(str(path.relative_to(CONFIG)))
    files = [FILE, *(TOP / "tests" / name for name in others or ())]
    known = " ".join(" ".join(file.read_text() for file in files).split())
    for text in _sentences(path):
        words = " ".join(text.split())
        # Tests in other files look for a part of the message.
        part = len(words) if not others else min(12, len(words))
        parts = (words[at : at + part] for at in range(len(words) - part + 1))
        if not any(rare in text for rare in RARE):
            assert any(each in known for each in parts), f"nothing causes the message: {text}"


if __name__ == "__main__":
    FILE.write_text(written())
