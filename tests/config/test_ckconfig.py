# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Compare this tool with C kconfig on Kconfig and .config files: tables, and random trees.

A row of a table gives the reason of each intended difference.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from config.ckconfig import CONF, CKconfig
from config.differential import walk
from programs import installed
from xen_tool.config.configuration import Configuration, read
from xen_tool.config.language.kconf import read_kconfig
from xen_tool.config.saved import load
from xen_tool.config.texts import defconfig_text
from xen_tool.errors import XenToolError

pytestmark = pytest.mark.build


@pytest.fixture
def c(tmp_path: Path) -> CKconfig:
    """C kconfig in tmp_path."""
    return CKconfig(installed(CONF)[0], tmp_path)


def ours(folder: Path, kconfig: str, config: str | None = None) -> Configuration:
    (folder / "Kconfig").write_text(kconfig)
    if config is not None:
        (folder / "saved").write_bytes(config.encode())
    return read(folder / "Kconfig", srctree=folder, saved_config=folder / "saved")


def places(texts: Sequence[str], file: str) -> set[int]:
    """Return the numbers of a file's lines that messages name at their start or end."""
    found = [re.findall(rf"(?:^|in ){re.escape(file)}:(\d+)", text) for text in texts]
    return {int(numbers[-1]) for numbers in found if numbers}


@pytest.mark.parametrize("first", range(0, 1000, 250))
def test_random_trees(c: CKconfig, tmp_path: Path, first: int) -> None:
    assert not list(walk(c, tmp_path, range(first, first + 250)))


# A symbol of every type; C kconfig and this tool read the file alike.
TYPES = """
config B
	bool "b"
config T
	tristate "t"
config N
	int "n"
	default 1
	range -5 200
config H
	hex "h"
	default 0x5
config S
	string "s"
	default "d"
config PLAIN
	int "no default"
choice
	prompt "pick"
config C1
	bool "c1"
config C2
	bool "c2"
endchoice
"""

COMMENTS = """\
# CONFIG_B=y
# CONFIG_B=y was too slow
# CONFIG_X and CONFIG_B: see docs
#CONFIG_B=y
# disabled: CONFIG_B=y
#
# CONFIG_B
# CONFIG_
## CONFIG_B is not set
#  CONFIG_B is not set
# CONFIG_B  is not set
# CONFIG_B is not set, for now
# CONFIG_B is not sett
# CONFIG_B is set
# CONFIG_N is not set
# CONFIG_H is not set
# CONFIG_S is not set
"""
VALUES = {
    "N": ",0,-0,7,-5,007,010,08,00,+4,0x4,4.,1e2,1_0, 4,4 ,4\t,--4,-,201,-6,n,y,9999999999999",
    "H": ",0,0x,0x0,0X1f,ff,FF,00ff,0x00ff,xyz,-1,0xfg,1_0,0x10 ,n,0x123456789abcdef0",
    "PLAIN": ",5",
    "B": ',y,n,m,yes,no,Y,1,0,"y",y # really,y\r',
    "T": ",y,n,m,module,M,2",
    "S": r""""","a b","a \"b\" c","back\\","a\nb","'","#","=","open,"open\","a" b,"a"b","""
    '"ünïcode","tab\there"," ","$(X)",""""',
}
SEVERAL = [
    "CONFIG_B=y\nCONFIG_B=y",
    "CONFIG_B=y\n# CONFIG_B is not set",
    "CONFIG_N=5\nCONFIG_N=6",
    'CONFIG_S="a"\nCONFIG_S="b"',
    "CONFIG_N=5\nCONFIG_N=x",
    "CONFIG_N=x\nCONFIG_N=5",
    "CONFIG_C1=y",
    "CONFIG_C2=y",
    "CONFIG_C1=m",
    "CONFIG_C1=y\nCONFIG_C2=y",
    "CONFIG_C2=y\nCONFIG_C1=y",
    "CONFIG_C2=y\nCONFIG_C2=n",
    "# CONFIG_C1 is not set",
    "# CONFIG_C1 is not set\n# CONFIG_C2 is not set",
    "CONFIG_B=y\r\nCONFIG_N=7\r\n# CONFIG_C1 is not set\r",
]
LINES = [
    *COMMENTS.splitlines(),
    *(f"CONFIG_{name}={end}" for name, ends in VALUES.items() for end in ends.split(",")),
    *SEVERAL,
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_a_saved_configuration(c: CKconfig, tmp_path: Path, line: str) -> None:
    (tmp_path / "Kconfig").write_text(TYPES)
    right = c.run("--olddefconfig", config=f"{line}\n")
    got = ours(tmp_path, TYPES, f"{line}\n")
    assert got.dotconfig == right.config
    assert set(got.autoconf.splitlines()) == {
        define for define in right.autoconf if not define.endswith(" ")
    }
    # C kconfig does not report a saved value that a symbol cannot have.
    warned = [note for note in got.notes if "does not hold" not in note]
    assert places(warned, str(tmp_path / "saved")) == set(right.lines_warned_of(".config"))


def test_a_written_configuration_is_read_back_the_same(tmp_path: Path) -> None:
    first = ours(tmp_path, TYPES)
    assert "CONFIG_PLAIN=\n" in first.dotconfig
    assert "PLAIN" not in first.autoconf
    again = ours(tmp_path, TYPES, first.dotconfig)
    assert again.values == first.values


MEANT = [
    # C kconfig continues, perhaps with a warning, and the value is lost.
    ("<<<<<<< HEAD", "malformed line"),
    ("CONFIG_B", "malformed line"),
    ("CONFIG_B = y", "malformed line"),
    (" CONFIG_B=y", "malformed line"),
    ("CONFIG_=y", "malformed line"),
    ("CONFIG_B=y\0", "malformed line"),
    ('CONFIG_S="a\0b"', "malformed line"),
]


@pytest.mark.parametrize(("line", "words"), MEANT)
def test_a_line_that_says_nothing_is_an_error(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(XenToolError, match=words):
        ours(tmp_path, TYPES, f"{line}\n")


def test_a_text_without_quotes_has_a_warning(tmp_path: Path) -> None:
    # C kconfig drops it silently.
    (note,) = ours(tmp_path, TYPES, "CONFIG_S=bare\n").notes
    assert note.endswith(
        ":1: S=bare: the value of a string must be in double quotes; the line has no effect"
    )


REFUSED = {
    "modules twice": 'config A\n\tbool "a"\n\tmodules\nconfig B\n\tbool "b"\n\tmodules\n',
    "words behind help": 'config A\n\tbool "a"\n\thelp me\n',
    "a number with a point": 'config N\n\tint "n"\n\tdefault 1.5\n',
    "a path without quotes": 'config S\n\tstring "s"\n\tdefault a/b\n',
    "an if without its end": 'menu "m"\nif y\nendmenu\n',
    "a menu that ends in another file": 'menu "m"\nsource "end"\n',
    "select of a constant": 'config A\n\tbool "a"\n\tselect "B"\n',
    "depends without on": 'config A\n\tbool "a"\n\tdepends A\n',
    "a comment with a condition": 'comment "c" if y\n',
    "a file that is missing": 'source "none"\n',
    "a file that reads itself": 'source "Kconfig"\n',
    "a variable without a name": "= y\n",
    "a word": "word\n",
}  # fmt: skip


@pytest.mark.parametrize("kconfig", REFUSED.values(), ids=REFUSED)
def test_both_refuse(c: CKconfig, tmp_path: Path, kconfig: str) -> None:
    (tmp_path / "Kconfig").write_text(kconfig)
    (tmp_path / "end").write_text("endmenu\n")
    assert c.run("--olddefconfig").status
    with pytest.raises(XenToolError, match=r"^(Kconfig|end):\d: "):
        ours(tmp_path, kconfig)


_PICK = 'choice\n\tprompt "c"\nconfig A\n\tbool "a"\n{}endchoice\n'
ONLY_HERE = {
    "a choice in a choice": _PICK.format(_PICK.format("").replace("A", "B")),
    "a menu in a choice": _PICK.format('menu "m"\nconfig B\n\tbool "b"\nendmenu\n'),
    "option": 'config A\n\tbool "a"\n\toption modules\n',
    "boolean": "config A\n\tboolean\n",
    "---help---": 'config A\n\tbool "a"\n\t---help---\n\t  Text.\n',
    "def_string": "config A\n\tdef_string a\n",
    "def_int": "config A\n\tdef_int 1\n",
    "def_hex": "config A\n\tdef_hex 0x1\n",
    "a late mainmenu": 'config A\n\tbool "a"\nmainmenu "m"\n',
    "a prompt without quotes": "config A\n\tbool a\n",
    "source without quotes": "source more\n",
    "a pattern": 'source "mor*"\n',
    "rsource": 'rsource "more"\n',
    "osource": 'osource "none"\nconfig A\n\tbool\n',
    "a string of two lines": 'config A\n\tbool "a \\\nb"\n',
    "an assignment of two lines": "X = a \\\n\tb\nconfig A\n\tbool\n",
}  # fmt: skip


@pytest.mark.parametrize("kconfig", ONLY_HERE.values(), ids=ONLY_HERE)
def test_kconfig_files_that_only_this_tool_reads(c: CKconfig, tmp_path: Path, kconfig: str) -> None:
    (tmp_path / "Kconfig").write_text(kconfig)
    (tmp_path / "more").write_text("config A\n\tbool\n")
    assert c.run("--olddefconfig").status
    assert "A" in ours(tmp_path, kconfig).values


def test_kconfig_files_that_are_not_utf_8(tmp_path: Path) -> None:
    for line, words in {
        "default": "it is not UTF-8 text; convert the file",
        "prompt": None,
    }.items():
        (tmp_path / "Kconfig").write_bytes(
            f'config S\n\tstring\n\t{line} "\xef"\n'.encode("latin-1")
        )
        if words is None:
            assert read_kconfig(tmp_path / "Kconfig", tmp_path, {}).problems == []
            continue
        with pytest.raises(XenToolError, match=f"^Kconfig:3: .*{words}"):
            read_kconfig(tmp_path / "Kconfig", tmp_path, {})
    (tmp_path / "Kconfig").write_text('\ufeffconfig A\n\tbool\xa0"a"\n\tdefault y\n')
    assert read_kconfig(tmp_path / "Kconfig", tmp_path, {}).problems == [
        "Kconfig:1: the character '\\ufeff' is ignored",
        "Kconfig:2: the character '\\xa0' is ignored",
    ]


def test_a_long_output_of_a_shell_is_not_cut(c: CKconfig, tmp_path: Path) -> None:
    kconfig = 'config S\n\tstring\n\tdefault "$(shell,printf %05000d 7)"\n'
    (tmp_path / "Kconfig").write_text(kconfig)
    assert len(c.run("--olddefconfig").config) == len('CONFIG_S=""\n') + 4095
    assert ours(tmp_path, kconfig).values["S"] == f"{7:05000d}"


_TREES = (Path(__file__).parent / "kconfigs.txt").read_text().split("=== ")[1:]
KCONFIG = dict(tree.split("\n", 1) for tree in _TREES)
KCONFIG["no newline at the end"] = 'config A\n\tbool "a"'


@pytest.mark.parametrize("kconfig", KCONFIG.values(), ids=KCONFIG)
def test_values_and_warnings_are_those_of_c_kconfig(
    c: CKconfig, tmp_path: Path, kconfig: str
) -> None:
    (tmp_path / "Kconfig").write_text(kconfig)
    right = c.run("--olddefconfig")
    assert right.status == 0
    got = ours(tmp_path, kconfig)
    assert got.dotconfig == right.config
    assert set(got.autoconf.splitlines()) == {
        define for define in right.autoconf if not define.endswith((" ", " 0x"))
    }
    said_later = ("has no prompt", "help text", "selects it, although")
    warned = [text for text in got.warnings if not any(words in text for words in said_later)]
    assert places(warned, "Kconfig") == set(right.lines_warned_of("Kconfig"))
    # For these C kconfig names the line of the next statement, or none.
    later = right.err.count(": warning: ") + len(right.unmet)
    assert len(got.warnings) - len(warned) == later


def test_a_decimal_default_with_zeros_is_one_number_to_all(tmp_path: Path) -> None:
    # C kconfig computes with 10, and writes 010 for the compiler.
    kconfig = "config N\n\tint\n\tdefault 010\nconfig A\n\tdef_bool N = 10\n"
    got = ours(tmp_path, kconfig)
    assert got.warnings == (
        "Kconfig:3: the default of N is 010, which means octal in C, and is 10 here: write 10",
    )
    assert got.values == {"N": "10", "A": "y"}
    assert "#define CONFIG_N 10\n" in got.autoconf


def test_warnings_are_errors_if_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KCONFIG_WERROR", "1")
    for name in ("an undefined default", "an empty help", "unmet", "two types"):
        with pytest.raises(XenToolError, match=r"^Kconfig:\d+: .*\(KCONFIG_WERROR makes"):
            ours(tmp_path, KCONFIG[name])
    assert (
        ours(tmp_path, KCONFIG["blanks in prompts"].splitlines()[0] + "\n\tbool\n").warnings == ()
    )


def test_savedefconfig_keeps_a_choice_that_is_only_partly_in_the_file(
    c: CKconfig, tmp_path: Path
) -> None:
    kconfig = (
        'choice\n\tprompt "c"\n\toptional\nconfig A\n\tbool "a"\nconfig B\n\tbool "b"\nendchoice\n'
    )
    # C kconfig's savedefconfig omits it, so its file gives another configuration.
    (tmp_path / "Kconfig").write_text(kconfig)
    c.run(f"--savedefconfig={tmp_path / 'short'}", config="CONFIG_B=y\n")
    assert (tmp_path / "short").read_text() == ""
    kconf = read_kconfig(tmp_path / "Kconfig", tmp_path, {})
    (tmp_path / "saved").write_text("CONFIG_B=y\n")
    load(kconf, tmp_path / "saved")
    assert defconfig_text(kconf) == "CONFIG_B=y\n"


def test_a_choice_of_bools_of_which_one_is_a_tristate(c: CKconfig, tmp_path: Path) -> None:
    kconfig = 'config MODULES\n\tbool "m"\n\tdefault y\n\tmodules\n'
    kconfig += 'choice\n\tprompt "c"\n\toptional\nconfig A\n\tbool "a"\n'
    kconfig += 'config B\n\ttristate "b"\nendchoice\n'
    (tmp_path / "Kconfig").write_text(kconfig)
    for config in ("CONFIG_B=m\n", "# CONFIG_A is not set\nCONFIG_B=m\n", "CONFIG_B=y\n"):
        right = c.run("--olddefconfig", config=config)
        assert ours(tmp_path, kconfig, config).dotconfig == right.config


def test_a_text_of_64_kib(c: CKconfig, tmp_path: Path) -> None:
    text = 'x"\\ ' * (1 << 14)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    kconfig = f'config S\n\tstring "s"\nconfig D\n\tstring\n\tdefault "{escaped}"\n'
    (tmp_path / "Kconfig").write_text(kconfig)
    right = c.run("--olddefconfig", config=f'CONFIG_S="{escaped}"\n')
    got = ours(tmp_path, kconfig, f'CONFIG_S="{escaped}"\n')
    assert got.values == {"S": text, "D": text}
    # A message shortens it.
    (note,) = ours(tmp_path, kconfig, f'CONFIG_S="{escaped}\n').notes
    assert len(note) < 300
    assert got.dotconfig == right.config
    assert set(got.autoconf.splitlines()) == right.autoconf
