# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The subject of each test in Linux's scripts/kconfig/tests, on trees written here.

A function has the name of Linux's test; docs/design-kconfig.md lists them, with the releases of
Linux that have them, and where a different answer is intended.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.ckconfig import CONF, CKconfig
from programs import installed
from project import TOP
from xen_tool.config import saved
from xen_tool.config.language.kconf import Kconfig, read_kconfig
from xen_tool.config.merge import ALL, randomize, set_all
from xen_tool.config.texts import config_text
from xen_tool.errors import XenToolError

_PROGRAM = "xen_tool.config.frontends.run"
MODULES = 'config MODULES\n\tbool "modules"\n\tdefault y\n\tmodules\n'


def tree(top: Path, text: str, config: str | None = None) -> Kconfig:
    """Read a Kconfig file and a saved configuration."""
    (top / "Kconfig").write_text(text)
    kconf = read_kconfig(top / "Kconfig", top, {})
    if config is not None:
        (top / ".config").write_text(config)
        saved.load(kconf, top / ".config")
    return kconf


def pick(*names: str, kind: str = "bool", rest: str = "") -> str:
    """Return the Kconfig text of a choice among these symbols."""
    members = "".join(f'config {name}\n\t{kind} "{name.lower()}"\n' for name in names)
    return f'choice\n\tprompt "pick"\n{rest}{members}endchoice\n'


def dialog(top: Path, text: str, config: str, answers: str) -> str:
    """Return the questions of oldconfig; the answers are its input."""
    (top / "Kconfig").write_text(text)
    (top / ".config").write_text(config)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "xen_tool.config.frontends.run",
            "oldconfig",
            str(top),
            "Kconfig",
        ],
        env={**os.environ, "PYTHONPATH": str(TOP / "site_scons"), "KCONFIG_CONFIG": ".config"},
        input=answers,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_auto_submenu(tmp_path: Path) -> None:
    def below(node: Any) -> Iterator[Any]:
        node = node.list
        while node:
            yield (getattr(node.item, "name", None) or "choice", list(below(node)))
            node = node.next

    depends = "\tdepends on {}\n"
    text = "".join(
        f'config {name}\n\tbool "{name}"\n{depends.format(on) if on else ""}'
        for name, on in [("A", ""), ("IN_A", "A"), ("IN_IN_A", "IN_A"), ("ALSO_IN_A", "A")]
    )
    text += pick("X", "Y", rest="\tdepends on ALSO_IN_A\n")
    text += 'config B\n\tbool "b"\nconfig LATE\n\tbool "late"\n\tdepends on A\n'
    in_a = [
        ("IN_A", [("IN_IN_A", [])]),
        ("ALSO_IN_A", [("choice", [("X", []), ("Y", [])])]),
    ]
    kconf = tree(tmp_path, text)
    assert list(below(kconf.top_node)) == [("A", in_a), ("B", []), ("LATE", [])]


@pytest.mark.parametrize("target", ALL)
def test_choice(tmp_path: Path, target: str) -> None:
    conf, _ = installed(CONF)
    text = MODULES
    for kind in ("bool", "tristate"):
        for optional in ("", "\toptional\n"):
            names = [f"{kind}{'_optional' * bool(optional)}_{n}".upper() for n in (0, 1)]
            text += pick(*names, kind=kind, rest=f"{optional}\tdefault {names[1]}\n")
    kconf = tree(tmp_path, text)
    set_all(kconf, target, top=tmp_path)
    assert config_text(kconf) == CKconfig(conf, tmp_path).run(f"--{target}").config


def test_choice_value_with_m_dep(tmp_path: Path) -> None:
    text = f"{MODULES}config DEP\n\tdef_tristate m\n"
    text += pick("ONE", "TWO", kind="tristate").replace("endchoice", "\tdepends on DEP\nendchoice")
    kconf = tree(tmp_path, text, "CONFIG_ONE=m\nCONFIG_TWO=m\n")
    assert "CONFIG_ONE=m\nCONFIG_TWO=m\n" in config_text(kconf)
    kconf.syms["ONE"].choice.set_value("y")
    assert config_text(kconf) == "CONFIG_MODULES=y\nCONFIG_DEP=m\nCONFIG_ONE=y\n"


def test_inter_choice(tmp_path: Path) -> None:
    text = MODULES + pick("ONE", "TWO", kind="tristate") + pick("ON", rest="\tdepends on ONE\n")
    kconf = tree(tmp_path, text, "CONFIG_ONE=y\n")
    assert config_text(kconf).endswith("CONFIG_ONE=y\n# CONFIG_TWO is not set\nCONFIG_ON=y\n")


def test_new_choice_with_dep(tmp_path: Path) -> None:
    text = 'config A\n\tbool "a"\n' + pick("B", "C", rest="\tdepends on A\n")
    text += pick("D", "E", "F").replace("endchoice", "\tdepends on A\nendchoice")
    out = dialog(tmp_path, text, "CONFIG_B=y\n# CONFIG_D is not set\nCONFIG_E=y\n", "y\n\n\n")
    # Each choice has a new symbol, and the chosen one does not change.
    assert re.search(r"> 1\. b .*\n  2\. c .*\nchoice\[1-2\]", out)
    assert re.search(r"  1\. d .*\n> 2\. e .*\n  3\. f .*\nchoice\[1-3\]", out)
    assert "CONFIG_B=y\n" in (tmp_path / ".config").read_text()


def test_no_write_if_dep_unmet(tmp_path: Path) -> None:
    text = 'config A\n\tbool "a"\n' + pick("B", "C", rest="\tdepends on A\n")
    out = dialog(tmp_path, text, "CONFIG_A=y\n# CONFIG_A is not set\n", "")
    assert "written" in out
    assert (tmp_path / ".config").read_text() == "# CONFIG_A is not set\n"


def patterns(top: Path, text: str) -> set[str]:
    """Return the set of configurations that randconfig makes of a tree."""
    kconf = tree(top, text)
    found = set()
    for seed in range(60):
        kconf.unset_values()
        randomize(kconf, seed)
        found.add(" ".join(re.findall(r"^CONFIG_(\w+)=y", config_text(kconf), re.MULTILINE)))
    return found


def test_choice_randomize(tmp_path: Path) -> None:
    text = pick("A", "B") + pick("X", "Y", rest="\tdepends on B\n")
    assert patterns(tmp_path, text) == {"A", "B X", "B Y"}


def test_choice_randomize2(tmp_path: Path) -> None:
    text = pick("NEVER", rest="\tdepends on n\n") + pick("A", "B")
    text += 'config FOO\n\tbool "foo"\n\tdepends on A\n' + pick("X", rest="\tdepends on FOO\n")
    assert patterns(tmp_path, text) == {"A FOO X", "A", "B"}


def test_rand_nested_choice(tmp_path: Path) -> None:
    innermost = f"if D\n{pick('E')}endif\nendchoice"
    inner = f"if B\n{pick('C', 'D').replace('endchoice', innermost)}endif\nendchoice"
    text = pick("A", "B").replace("endchoice", inner)
    assert patterns(tmp_path, text) == {"A", "B C", "B D E"}


LOOPS = {
    "itself": 'config A\n\tbool "a"\n\tdepends on A\n',
    "selects itself": "config A\n\tbool\n\tselect A\n",
    "each other": 'config A\n\tbool "a"\n\tdepends on B\nconfig B\n\tbool "b"\n\tdepends on A\n',
    "selects what it needs": 'config A\n\tbool "a"\n\tdepends on B\n\tselect B\nconfig B\n\tbool\n',
    "implies what it needs": (
        'config A\n\tbool "a"\n\tdepends on B\n\timply B\nconfig B\n\tbool "b"\n'
    ),
    "a default": (
        'config A\n\tbool "a"\n\tdefault B\nconfig B\n\tbool "b"\n\tdepends on A\n'
    ),
    "a menu": 'menu "m"\n\tdepends on A\nconfig A\n\tbool "a"\nendmenu\n',
}  # fmt: skip


@pytest.mark.parametrize("text", LOOPS.values(), ids=LOOPS)
def test_err_recursive_dep(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        XenToolError, match=r"^Kconfig:\d: recursive dependency: ([AB]) \(Kconfig:\d\) .* \1$"
    ):
        tree(tmp_path, text)


def test_err_recursive_inc(tmp_path: Path) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        (tmp_path / name).write_text(f'# {name}\nsource "{other}"\n')
    with pytest.raises(XenToolError) as caught:
        tree(tmp_path, 'source "one"\n')
    assert str(caught.value) == "two:2: recursive 'source' of 'one' by Kconfig:1, one:2, two:2"


def test_err_repeated_inc(tmp_path: Path) -> None:
    # An intended difference: an error in 7.2, and none in 6.1.
    (tmp_path / "more").write_text("config A\n\tdef_bool y\n")
    kconf = tree(tmp_path, 'source "more"\nsource "more"\n')
    assert config_text(kconf) == "CONFIG_A=y\n"


@pytest.mark.parametrize(
    "line",
    ["default y", 'prompt "bad"', "select B", "imply B", "depends on B", "range 1 2"],
)
def test_err_transitional(tmp_path: Path, line: str) -> None:
    text = f"config OLD\n\tbool\n\ttransitional\n\t{line}\n\thelp\n\t  Was.\nconfig B\n\tbool\n"
    with pytest.raises(XenToolError, match=r"^Kconfig:1: OLD is transitional, so it"):
        tree(tmp_path, text)


def test_transitional(tmp_path: Path) -> None:
    kinds = {"bool": ("y", "n"), "tristate": ("m", "y"), "int": ("42", "7"), "hex": ("0x4", "0x7")}
    text = MODULES + 'config DEP\n\tbool "dep"\n'
    handed = []
    for kind, (old, new) in kinds.items():
        for name, is_new in ((f"N_{kind}", False), (f"P_{kind}", True)):
            text += f'config {name}\n\t{kind} "new"\n\tdefault O{name}\n'
            text += f"config O{name}\n\t{kind}\n\ttransitional\n\thelp\n\t  Was.\n"
            handed += [f"CONFIG_O{name}={old}\n"] + [f"CONFIG_{name}={new}\n"] * is_new
    text += (
        'config LATER\n\tbool "later"\n\tdefault OLD if DEP\nconfig OLD\n\tbool\n\ttransitional\n'
    )
    kconf = tree(tmp_path, text, "".join(handed) + "CONFIG_OLD=y\n")
    expected = "".join(
        f"CONFIG_N_{kind}={old}\nCONFIG_P_{kind}={new}\n" for kind, (old, new) in kinds.items()
    )
    expected = expected.replace("CONFIG_P_bool=n", "# CONFIG_P_bool is not set")
    end = "# CONFIG_LATER is not set\n"
    head = "CONFIG_MODULES=y\n# CONFIG_DEP is not set\n"
    assert config_text(kconf) == head + expected + end


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            "CONFIG_FOO=y\nCONFIG_BAR=y\nCONFIG_BAZ=m\nCONFIG_MAY=y\n",
            "FOO=y BAR=y ONE=y TWO=y BAZ=m MAY=m",
        ),
        ("# CONFIG_FOO is not set\nCONFIG_BAR=y\nCONFIG_BAZ=y\n", "BAR=y BAZ=y MAY=y"),
        ("# CONFIG_FOO is not set\n# CONFIG_BAR is not set\n", "ONE=y TWO=y MAY=y"),
    ],
)
def test_conditional_dep(tmp_path: Path, config: str, expected: str) -> None:
    text = MODULES + 'config FOO\n\tbool "foo"\nconfig BAR\n\tbool "bar"\n'
    for name, condition in (("ONE", "FOO if BAR"), ("TWO", "(FOO && BAR) if (FOO || BAR)")):
        text += f'config {name}\n\tbool "x"\n\tdepends on {condition}\n\tdefault y\n'
    text += 'config BAZ\n\ttristate "baz"\n'
    text += 'config MAY\n\ttristate "may"\n\tdepends on BAZ if BAZ\n\tdefault y\n'
    written = re.findall(r"^CONFIG_(\w+=.*)", config_text(tree(tmp_path, text, config)), re.M)
    assert " ".join(written[1:]) == expected


def test_warn_changed_input(tmp_path: Path) -> None:
    # An intended difference: this tool always warns, and a number out of range has no effect, as
    # in 6.1.  7.2 takes the nearest number in the range, and warns only if
    # KCONFIG_WARN_CHANGED_INPUT is set.
    from xen_tool.config.overrides import overruled

    text = 'config DEP\n\tbool "dep"\nconfig A\n\tbool "a"\n\tdepends on DEP\n'
    text += 'config NUM\n\tint "num"\n\trange 10 20\n'
    kconf = tree(tmp_path, text)
    (tmp_path / ".config").write_text("CONFIG_A=y\nCONFIG_NUM=30\n")
    loaded = saved.load(kconf, tmp_path / ".config")
    notes = [note.split(".config")[1] for note in overruled(loaded.assignments, [])]
    assert notes == [
        ":1 does not hold: it needs DEP (=n, default)",
        ":2 does not hold: its range is 10 to 20",
    ]
    assert config_text(kconf) == "# CONFIG_DEP is not set\nCONFIG_NUM=10\n"


def warnings(kconf: Kconfig) -> list[str]:
    """Return the warnings about a tree, without their places."""
    return [problem.split(": ", 1)[1] for problem in kconf.problems]


WARN = "warn = $(warning-if,y,$(1))\n"


def test_preprocess_builtin_func(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kconf = tree(
        tmp_path,
        "$(info,told)\n$(error-if,n,never)\n$(warning-if,n,never)\n$(warning-if,y,first)\n" + WARN +
        "$(warn,$(shell,echo second))\n$(warn,$(shell,printf 'a\\nb\\n\\nc\\n\\n\\n'))\n"
        "$(warn,$(filename) $(lineno))\n",
    )  # fmt: skip
    # C kconfig prints this to stdout; this tool to stderr, as programs may read its stdout.
    assert capsys.readouterr().err == "told\n"
    assert kconf.problems == [
        "Kconfig:4: first", "Kconfig:6: second", "Kconfig:7: a b  c", "Kconfig:8: Kconfig 8",
    ]  # fmt: skip


def test_preprocess_circular_expansion(tmp_path: Path) -> None:
    with pytest.raises(XenToolError, match=r"^Kconfig:3: .*recursive"):
        tree(tmp_path, "X = $(Y)\nY = $(X)\n$(info,$(X))\n")


def test_preprocess_escape(tmp_path: Path) -> None:
    lines = {
        "$(warn,a$(comma) b)": "a, b",
        """$(warn,  ' " '"   ' ''' "'")""": """  ' " '"   ' ''' "'\"""",
        "$(warn,$)": "$",
        "$(warn,$$)": "$$",
        "$(warn,$(dollar)(X))": "$(X)",
        "$(warn,$(open))": "(",
        "$(warn,$(simple))": "$(X)",
        "$(warn,$(later))": "$(X)",
        "$(warn,$(half))": "$(",
    }
    named = "comma := ,\ndollar := $\nopen := (\nsimple := $(dollar)(X)\nlater = $(dollar)(X)\n"
    kconf = tree(tmp_path, f"{WARN}{named}half := $(dollar)(\n" + "\n".join(lines) + "\n")
    assert warnings(kconf) == list(lines.values())


def test_preprocess_variable(tmp_path: Path) -> None:
    text = """
X := 1
SIMPLE := $(X)
LATER = $(X)
X := 2
$(warn,$(SIMPLE) $(LATER))
SIMPLE += $(X)
LATER += $(X)
NEW += $(X)
X := 3
$(warn,$(SIMPLE) $(LATER) $(NEW))
A := C
B := D
$(A)$(B) := 5
$(warn,$(CD))
greet = $(1) is $(2).
$(warn,$(greet,he,John))
$(warn,$(greet,he))
$(warn,$(greet,he,John,ignored))
"""
    assert warnings(tree(tmp_path, WARN + text)) == [
        "1 2", "1 2 3 3 3", "5", "he is John.", "he is .", "he is John.",
    ]  # fmt: skip


def test_the_table_lists_each() -> None:
    table = (TOP / "docs/design-kconfig.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \|.*\| (?:yes|no|in part) \|", table, re.MULTILINE)
    here = re.findall(r"^def test_(\w+)\(", Path(__file__).read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(set(here) - {"the_table_lists_each"})
