# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The features of the Kconfig language, each by the values that it gives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from xen_tool.config.configuration import Configuration, read
from xen_tool.config.language.kconf import read_kconfig
from xen_tool.config.merge import ALL, set_all
from xen_tool.config.saved import load
from xen_tool.errors import XenToolError

SITE = Path(__file__).resolve().parent.parent.parent / "site_scons"

Tree = Callable[..., Configuration]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A function that reads a Kconfig text with settings: tree(text, X="1").

    Files that the text names are in tmp_path.
    """

    def configure(text: str, **settings: str) -> Configuration:
        (tmp_path / "Kconfig").write_text(text)
        arch = settings.pop("ARCH", None)
        return read(tmp_path / "Kconfig", srctree=tmp_path, arch=arch, settings=settings)

    return configure


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_source_takes_globs(tree: Tree, tmp_path: Path) -> None:
    for name in ("A", "B"):
        write(tmp_path / f"sub/{name}.kconfig", f"config {name}\n\tdef_bool y\n")
    config = tree('source "sub/*.kconfig"\nosource "none/*.kconfig"\n')
    assert config.values == {"A": "y", "B": "y"}


def test_source_without_a_file_is_an_error_with_the_line(tree: Tree) -> None:
    with pytest.raises(XenToolError, match=r"Kconfig:2: .*'none/\*\.kconfig'"):
        tree('\nsource "none/*.kconfig"\n')


def test_rsource_is_relative_to_its_file_and_source_to_the_top(tree: Tree, tmp_path: Path) -> None:
    write(tmp_path / "sub/Kconfig", 'rsource "deep/Kconfig"\norsource "none"\nsource "top"\n')
    write(tmp_path / "sub/deep/Kconfig", "config DEEP\n\tdef_bool y\n")
    write(tmp_path / "top", "config TOP\n\tdef_bool y\n")
    write(tmp_path / "sub/top", "config WRONG\n\tdef_bool y\n")
    assert tree('source "sub/Kconfig"\n').values == {"DEEP": "y", "TOP": "y"}


CHOICE = """
choice {name}
	prompt "pick"
	{type}
	default TWO
	{optional}
config ONE
	{type} "one"
config TWO
	{type} "two"
endchoice
"""


def choice(name: str = "", kind: str = "bool", optional: str = "") -> str:
    return CHOICE.format(name=name, type=kind, optional=optional)


def test_a_choice_has_one_value(tree: Tree) -> None:
    assert tree(choice()).values == {"ONE": "n", "TWO": "y"}
    assert tree(choice(), ONE="1").values == {"ONE": "y", "TWO": "n"}
    with pytest.raises(XenToolError, match=r"ONE=1 cannot hold: TWO \(=y, set on the command"):
        tree(choice(), ONE="1", TWO="1")
    with pytest.raises(XenToolError, match=r"TWO=0 cannot hold: one of the choice must be chosen"):
        tree(choice(), TWO="0")


def test_an_error_gives_the_reason_that_decides(tree: Tree) -> None:
    text = f"""{MODULES}
config A
	tristate "a"
	select B if C
config C
	tristate "c"
	default y
config B
	tristate "b"
config OFF
	tristate "off"
	select B
config N
	int "n" if A = y
	range 1 9
config T
	tristate "t" if A
"""
    with pytest.raises(XenToolError, match=r"^B=0 cannot hold: A \(=m\) selects it; type A=0"):
        tree(text, A="m", B="0")
    assert tree(text, A="y").origins["B"] == "selected by A"
    with pytest.raises(
        XenToolError, match=r"^N=5 cannot hold: it is not visible: it needs A = y, "
    ):
        tree(text, N="5")
    with pytest.raises(XenToolError, match=r"^T=y cannot hold: it can be m at most, as the cond"):
        tree(text, A="m", T="y")


def test_a_symbol_of_an_invisible_choice(tree: Tree) -> None:
    text = 'config FOO\n\tbool "foo"\n' + choice().replace('bool "one"', 'bool "one" if FOO')
    with pytest.raises(
        XenToolError, match=r"^ONE=1 cannot hold: it is not visible: it needs FOO \(=n, default\)$"
    ):
        tree(text, ONE="1")


def test_an_optional_choice_may_have_none(tree: Tree) -> None:
    assert tree(choice(optional="optional")).values == {"ONE": "n", "TWO": "n"}
    assert tree(choice(optional="optional"), ONE="1").values == {"ONE": "y", "TWO": "n"}


def test_a_named_choice_may_be_continued_elsewhere(tree: Tree) -> None:
    more = '\nchoice PICK\nconfig THREE\n\tbool "three"\nendchoice\n'
    config = tree(choice("PICK") + more, THREE="1")
    assert config.values == {"ONE": "n", "TWO": "n", "THREE": "y"}


MODULES = "config MODULES\n\tdef_bool y\n\toption modules\n"


def test_a_tristate_choice_in_mode_m_has_many(tree: Tree) -> None:
    text = MODULES + choice(kind="tristate", optional="optional")
    config = tree(text, ONE="m", TWO="m")
    assert (config.values["ONE"], config.values["TWO"]) == ("m", "m")
    config = tree(text, ONE="y")
    assert (config.values["ONE"], config.values["TWO"]) == ("y", "n")


def test_a_tristate_m_is_a_module_in_autoconf_h(tree: Tree) -> None:
    text = f'{MODULES}config X\n\ttristate "x"\nconfig Y\n\ttristate "y"\n\tdepends on X\n'
    config = tree(text, X="m", Y="m")
    assert "#define CONFIG_X_MODULE 1\n" in config.autoconf
    assert "#define CONFIG_X 1" not in config.autoconf
    assert "CONFIG_X=m\n" in config.dotconfig
    assert not config.enabled("X")
    assert "#define CONFIG_X 1\n" in tree(text, X="y").autoconf
    with pytest.raises(XenToolError, match=r"^Y=y cannot hold: .*X \(=m"):
        tree(text, X="m", Y="y")


def test_without_modules_a_tristate_is_a_bool(tree: Tree) -> None:
    with pytest.raises(
        XenToolError, match=r"^X=m cannot hold: modules are off, so m means y; it is y$"
    ):
        tree('config X\n\ttristate "x"\n', X="m")
    assert tree('config X\n\ttristate "x"\n', X="y").values == {"X": "y"}


@pytest.mark.parametrize(
    ("text", "setting", "words"),
    [
        ("depends on m", "y", "T=y cannot hold: it can be m at most, as it depends on m"),
        ("depends on A && m", "y", "T=y cannot hold: it can be m at most, as it depends on m"),
        (
            "depends on m && GONE",
            "y",
            "T=y cannot hold: it can be m at most, as it depends on m; "
            "it needs GONE, which Kconfig does not define",
        ),
        ("depends on GONE", "m", "T=m cannot hold: it needs GONE, which Kconfig does not define"),
        ("depends on n", "y", "T=y cannot hold: it needs n, which never holds"),
        ("depends on B", "y", "T=y cannot hold: it needs B (=n, default)"),
        ("depends on m && OFF", "m", "T=m cannot hold: it needs OFF (=n, default)"),
        ("depends on S = m", "y", "T=y cannot hold: it needs S = m, with S (not set, default)"),
    ],
)
def test_errors_say_why_a_tristate_cannot_have_a_value(
    tree: Tree, text: str, setting: str, words: str
) -> None:
    symbols = "config A\n\tdef_bool y\nconfig B\n\tbool\nconfig OFF\n\tbool\nconfig S\n\tstring\n"
    with pytest.raises(XenToolError) as caught:
        tree(f'{MODULES}{symbols}config T\n\ttristate "t"\n\t{text}\n', T=setting)
    assert str(caught.value) == words


def test_a_prompt_that_is_visible_for_m_only(tree: Tree) -> None:
    text = f'{MODULES}config T\n\ttristate "t" if m\n'
    assert tree(text, T="m").values["T"] == "m"
    with pytest.raises(XenToolError) as caught:
        tree(text, T="y")
    assert (
        str(caught.value)
        == "T=y cannot hold: it can be m at most, as the condition of its prompt is m"
    )


def test_m_without_modules(tree: Tree) -> None:
    with pytest.raises(
        XenToolError,
        match=r"m at most, as .*; it needs modules, but no symbol has the line `modules`$",
    ):
        tree('config T\n\ttristate "t"\n\tdepends on m\n', T="y")


def test_modules_without_the_line_modules(tree: Tree) -> None:
    text = 'config MODULES\n\tdef_bool y\nconfig T\n\ttristate "t"\n\tdepends on m\n'
    with pytest.raises(
        XenToolError, match=r"it needs modules, but no symbol has the line `modules`$"
    ):
        tree(text, T="m")


def test_a_help_text_in_another_encoding(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b'config A\n\tbool "a"\n\thelp\n\t  na\xefve\n')
    config = tree('source "old"\n')
    assert (config.values, config.warnings) == ({"A": "n"}, ())


def test_a_source_may_name_a_variable_as_before_linux_4_18(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRCARCH", "x86")
    write(tmp_path / "arch/x86/Kconfig", "config A\n\tdef_bool y\n")
    assert tree('source "arch/$SRCARCH/Kconfig"\n').values == {"A": "y"}


@pytest.mark.parametrize(
    "text",
    [
        # C kconfig accepts these; kconfiglib detects loops in more places.
        'config N\n\tint "n"\n\trange 1 M\nconfig M\n\tint "m"\n\tdefault N\n',
        'config A\n\tbool "a"\n\tdepends on A || !A\n',
        # C kconfig refuses this one, too.
        'config A\n\tbool "a"\n\tselect A\n',
    ],
)
def test_a_loop_is_an_error(tree: Tree, text: str) -> None:
    with pytest.raises(XenToolError, match=r"^Kconfig:1: recursive dependency: [AN] "):
        tree(text)


@pytest.mark.parametrize(
    "line", ["modules", "transitional", 'menu "m"\n\tmodules', "option modules"]
)
def test_a_property_outside_of_a_symbol_is_an_error(tree: Tree, line: str) -> None:
    with pytest.raises(XenToolError, match=r"^Kconfig:\d: couldn't parse"):
        tree(f"{line}\n")


@pytest.mark.parametrize("line", ["modules x", "option modules 1"])
def test_words_after_modules_are_an_error(tree: Tree, line: str) -> None:
    with pytest.raises(XenToolError, match=r"^Kconfig:3: couldn't parse '.*': nothing may follow"):
        tree(f'config A\n\tbool "a"\n\t{line}\n')


def test_the_only_symbol_of_a_choice_cannot_be_n(tree: Tree) -> None:
    text = 'choice\n\tprompt "c"\nconfig A\n\tbool "a"\nendchoice\n'
    with pytest.raises(XenToolError, match=r"^A=0 cannot hold: one of the choice must be chosen$"):
        tree(text, A="0")


def test_the_line_modules_is_linuxs_of_today(tree: Tree) -> None:
    text = 'config MODULES\n\tbool "modules"\n\tmodules\nconfig X\n\ttristate "x"\n'
    assert tree(text, MODULES="1", X="m").values == {"MODULES": "y", "X": "m"}
    assert tree(text, MODULES="0", X="y").values == {"MODULES": "n", "X": "y"}


def test_ranges(tree: Tree) -> None:
    text = """
config BIG
	bool "big"
config CPUS
	int "CPUs"
	range 2 8 if !BIG
	range 2 512
	default 4
config BASE
	hex "base"
	range 0x1000 0xffff
	default 0x10
"""
    assert tree(text).values == {"BIG": "n", "CPUS": "4", "BASE": "0x1000"}
    assert tree(text, BIG="1", CPUS="64", BASE="0x2000").values["CPUS"] == "64"
    with pytest.raises(XenToolError, match="CPUS=64 cannot hold: its range is 2 to 8"):
        tree(text, CPUS="64")
    with pytest.raises(XenToolError, match="BASE=0x10 cannot hold: its range is 0x1000 to 0xffff"):
        tree(text, BASE="0x10")


def test_select_forces_and_imply_asks(tree: Tree) -> None:
    text = """
config A
	bool "a"
	select FORCED
	imply ASKED
config FORCED
	bool "forced"
config ASKED
	bool "asked"
"""
    assert tree(text, A="1").values == {"A": "y", "FORCED": "y", "ASKED": "y"}
    assert tree(text, A="1").origins["FORCED"] == "selected by A"
    assert tree(text, A="1").origins["ASKED"] == "implied by A"
    assert tree(text, A="1", ASKED="0").values["ASKED"] == "n"
    with pytest.raises(XenToolError, match=r"FORCED=0 cannot hold: A .*selects it"):
        tree(text, A="1", FORCED="0")


def test_a_menu_that_is_not_visible_keeps_its_defaults(tree: Tree) -> None:
    text = """
config EXPERT
	bool "expert"
menu "tuning"
	visible if EXPERT
config TUNED
	bool "tuned"
	default y
endmenu
"""
    config = tree(text)
    assert config.values["TUNED"] == "y"
    assert list(config.prompts) == ["EXPERT"]
    assert tree(text, EXPERT="1", TUNED="0").values["TUNED"] == "n"
    with pytest.raises(XenToolError, match="TUNED=0 cannot hold: it is not visible"):
        tree(text, TUNED="0")


def test_values_that_are_text_and_numbers(tree: Tree) -> None:
    text = """
config NAME
	string "name"
	default "a \\"quoted\\" \\\\ name"
config COUNT
	int "count"
	default -3
config ADDRESS
	hex "address"
	default 0xC0000000
"""
    config = tree(text)
    assert config.autoconf == (
        '#define CONFIG_NAME "a \\"quoted\\" \\\\ name"\n'
        "#define CONFIG_COUNT -3\n"
        "#define CONFIG_ADDRESS 0xC0000000\n"
    )
    assert config.values["NAME"] == 'a "quoted" \\ name'
    assert tree(text, NAME="x y", ADDRESS="ff").values == {
        "NAME": "x y", "COUNT": "-3", "ADDRESS": "ff",
    }  # fmt: skip
    assert "#define CONFIG_ADDRESS 0xff\n" in tree(text, ADDRESS="ff").autoconf
    with pytest.raises(XenToolError, match="COUNT=x: COUNT is of type int; its value is a number"):
        tree(text, COUNT="x")


def test_comments_are_in_the_saved_file(tree: Tree) -> None:
    config = tree('comment "here be dragons"\ncomment "never"\n\tdepends on n\n')
    assert "#\n# here be dragons\n#\n" in config.dotconfig
    assert "never" not in config.dotconfig


def test_macros_see_the_shell_the_tree_and_the_architecture(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "answer").write_text("42\n")
    text = """
where := $(shell,cat $(srctree)/answer)
later = $(word)
word := late
both = $(1)-$(2)
config ANSWER
	int
	default $(where)
config ARCHITECTURE
	string
	default "$(ARCH) $(shell,echo $ARCH)"
config LATER
	string
	default "$(later) $(both,a,b)"
"""
    assert tree(text).values == {
        "ANSWER": "42", "ARCHITECTURE": "x86_64 x86_64", "LATER": "late a-b",
    }  # fmt: skip
    assert tree(text, ARCH="i386").values["ARCHITECTURE"] == "i386 i386"


def test_macros_can_fail_with_a_sentence(tree: Tree) -> None:
    with pytest.raises(XenToolError, match=r"Kconfig:1: no compiler"):
        tree("$(error-if,y,no compiler)\n")


def test_blocks_of_if(tree: Tree) -> None:
    text = """
config NET
	bool "net"
if NET
config DRIVER
	bool "driver"
if DRIVER = y && NET != n
config FAST
	def_bool y
endif
endif
"""
    assert tree(text).values == {"NET": "n", "DRIVER": "n", "FAST": "n"}
    assert tree(text, NET="1", DRIVER="1").values["FAST"] == "y"
    # A symbol also depends on its block.
    config = tree(text, DRIVER="1")
    assert config.values["NET"] == "y"
    assert config.notes == ("DRIVER=1 on the command line switches on NET, which it needs",)


@pytest.mark.parametrize(
    ("line", "settings", "visible"),
    [
        ("A if B", {}, True),
        ("A if B", {"B": "1"}, False),
        ("A if B", {"A": "1", "B": "1"}, True),
        ("(A && B) if (A || B)", {}, True),
        ("(A && B) if (A || B)", {"A": "1"}, False),
        ("(A && B) if (A || B)", {"A": "1", "B": "1"}, True),
        ("A if !B", {}, False),
        ("A if !B", {"B": "1"}, True),
        ("A if N > 3", {}, True),
        ("A if N > 3", {"N": "4"}, False),
        ("A if B && N > 3", {"N": "4"}, True),
        ("A if m", {}, False),
    ],
)
def test_a_dependency_on_a_condition_is_linuxs_of_today(
    tree: Tree, line: str, settings: dict[str, str], visible: bool
) -> None:
    text = 'config A\n\tbool "a"\nconfig B\n\tbool "b"\nconfig N\n\tint "n"\n\tdefault 1\n'
    config = tree(f'{text}config X\n\tbool "x"\n\tdepends on {line}\n', **settings)
    assert ("X" in config.prompts) == visible


def test_an_optional_dependency(tree: Tree) -> None:
    text = f'{MODULES}config A\n\ttristate "a"\nconfig X\n\ttristate "x"\n\tdepends on A if A\n'
    assert tree(text, X="y").values["X"] == "y"
    assert tree(text, X="y", A="y").values["X"] == "y"
    assert tree(text, X="m", A="m").values["X"] == "m"
    with pytest.raises(XenToolError, match="X=y cannot hold"):
        tree(text, X="y", A="m")


def test_transitional_symbols_pass_on_their_saved_values(tmp_path: Path) -> None:
    kinds = {"bool": "y", "tristate": "m", "int": "42", "hex": "0x42", "string": '"old"'}
    text = MODULES + "".join(
        f'config NEW_{kind}\n\t{kind} "new"\n\tdefault OLD_{kind}\n'
        f"config OLD_{kind}\n\t{kind}\n\ttransitional # since\n"
        for kind in kinds
    )
    write(tmp_path / "Kconfig", text)
    saved = tmp_path / ".config"
    saved.write_text("".join(f"CONFIG_OLD_{kind}={value}\n" for kind, value in kinds.items()))
    config = read(tmp_path / "Kconfig", srctree=tmp_path, saved_config=saved)
    assert config.notes == ()
    assert config.dotconfig == "CONFIG_MODULES=y\n" + "".join(
        f"CONFIG_NEW_{kind}={value}\n" for kind, value in kinds.items()
    )
    assert "OLD" not in config.autoconf
    # A value that is set by the new name wins.
    saved.write_text("CONFIG_OLD_int=42\nCONFIG_NEW_int=7\n# CONFIG_OLD_bool is not set\n")
    config = read(tmp_path / "Kconfig", srctree=tmp_path, saved_config=saved)
    assert (config.values["NEW_int"], config.values["NEW_bool"]) == ("7", "n")
    assert "CONFIG_NEW_string" in config.dotconfig


def test_menuconfig_is_a_symbol_with_a_menu(tree: Tree) -> None:
    text = 'menuconfig NET\n\tbool "net"\nconfig TCP\n\tbool "tcp"\n\tdepends on NET\n\tdefault y\n'
    assert tree(text).values == {"NET": "n", "TCP": "n"}
    assert tree(text, NET="1").values == {"NET": "y", "TCP": "y"}


def test_def_bool_and_def_tristate(tree: Tree) -> None:
    text = f"{MODULES}config B\n\tdef_bool !C\nconfig C\n\tbool\nconfig T\n\tdef_tristate m\n"
    values = tree(text).values
    assert (values["B"], values["C"], values["T"]) == ("y", "n", "m")


def test_a_symbol_is_defined_in_several_places(tree: Tree) -> None:
    text = """
config A
	bool "a"
config BASE
	hex
	default 0x1000 if A
config BASE
	default 0x2000
"""
    assert tree(text).values["BASE"] == "0x2000"
    assert tree(text, A="1").values["BASE"] == "0x1000"


def test_dependencies_may_compare(tree: Tree) -> None:
    text = """
config CPUS
	int "CPUs"
	default 1
config SMP
	bool "SMP"
	depends on CPUS > 1 && CPUS <= 64
config ONE
	def_bool CPUS = 1
"""
    assert tree(text, CPUS="10", SMP="1").values == {"CPUS": "10", "SMP": "y", "ONE": "n"}
    with pytest.raises(XenToolError, match=r"SMP=1 cannot hold: it needs CPUS > 1, with CPUS"):
        tree(text, SMP="1")


def test_blocks_without_their_end_are_named(tree: Tree, tmp_path: Path) -> None:
    write(tmp_path / "more", "config A\n\tbool\n")
    for text, words in {
        'menu "m"\n\ndepends on y\nconfig A\n\tbool\n': "Kconfig:1: this menu has no endmenu",
        'menu "m"\n\tif y\n': "Kconfig:2: this if has no endif",
        'menu "m"\n\tif y\nendmenu\n': "Kconfig:2: this if has no endif",
        "config A\n\tbool\nchoice\n\thelp\n\t  Text.": "Kconfig:3: this choice has no endchoice",
        'if y\nsource "more"\nendif\nmenu "m"\n': "Kconfig:4: this menu has no endmenu",
    }.items():
        with pytest.raises(XenToolError) as caught:
            tree(text)
        assert str(caught.value) == words


def test_nesting_too_deep_for_python_is_one_sentence(tree: Tree) -> None:
    with pytest.raises(XenToolError, match=r"^Kconfig:\d+: kconfiglib cannot read it: Recursion"):
        tree("if y\n" * 2000 + "endif\n" * 2000)


# The message of a Python with these folders first on its path.
PROGRAM = """
import sys
from xen_tool.config.language import library
from xen_tool.errors import XenToolError
try:
    print(library.import_kconfiglib(sys.argv[1]).__name__)
except XenToolError as error:
    print(f"error: {error}")
"""


def imported(name: str, folder: Path) -> str:
    program = f"import sys; sys.path[:0] = {[str(folder), str(SITE)]}{PROGRAM}"
    return subprocess.check_output([sys.executable, "-c", program, name], text=True)


@pytest.mark.parametrize("name", ["kconfiglib", "menuconfig", "guiconfig"])
def test_a_package_that_hides_kconfiglib_is_named(tmp_path: Path, name: str) -> None:
    write(tmp_path / f"{name}/__init__.py", "class Kconfig: pass\n")
    out = imported(name, tmp_path)
    assert out.startswith(f"error: {tmp_path}/{name}/__init__.py hides kconfiglib's module {name}")
    assert "pip uninstall esp-idf-kconfig" in out


def test_another_version_of_kconfiglib_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "kconfiglib.py", "VERSION = (12, 0)\n")
    out = imported("kconfiglib", tmp_path)
    assert out.startswith(f"error: {tmp_path}/kconfiglib.py is not kconfiglib 14.1")


def test_a_folder_of_that_name_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "kconfiglib").mkdir()
    assert imported("kconfiglib", tmp_path) == "kconfiglib\n"


def test_a_missing_kconfiglib_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "kconfiglib.py", "raise ImportError('broken')\n")
    assert imported("kconfiglib", tmp_path) == (
        "error: kconfiglib cannot be imported: broken; type `pip install kconfiglib==14.1.0`\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        'config A\n\tbool "a"\n\tvisible if y\n',
        'menu "m"\n\tbool "a"\nendmenu\n',
        'menu "m"\n\tdefault y\nendmenu\n',
        'comment "c"\n\thelp\n\t  Text.\n',
        'choice\n\tprompt "c"\n\toption env="A"\nconfig A\n\tbool "a"\nendchoice\n',
        'choice\n\tprompt "c"\n\tdefault A && y\nconfig A\n\tbool "a"\nendchoice\n',
    ],
)
def test_a_property_of_another_entry_is_an_error(tmp_path: Path, text: str) -> None:
    write(tmp_path / "Kconfig", text)
    with pytest.raises(XenToolError, match=r"^Kconfig:\d: .*(cannot be here|must be one symbol)"):
        read_kconfig(tmp_path / "Kconfig", tmp_path, {})


def test_a_variable_is_set_by_its_value_in_the_environment(tmp_path: Path) -> None:
    text = 'X := $(X)z\nY = $(X)\nY := $(Y)y\nconfig S\n\tstring "s"\n\tdefault "$(Y)"\n'
    write(tmp_path / "Kconfig", text)
    kconf = read_kconfig(tmp_path / "Kconfig", tmp_path, {"X": "a"})
    assert kconf.syms["S"].str_value == "azy"


def test_comments_of_a_saved_file_may_have_another_encoding(tmp_path: Path) -> None:
    write(tmp_path / "Kconfig", 'config A\n\tbool "a"\n')
    kconf = read_kconfig(tmp_path / "Kconfig", tmp_path, {})
    (tmp_path / "saved").write_bytes(b"# caf\xe9\nCONFIG_A=y\n")
    load(kconf, tmp_path / "saved")
    assert kconf.syms["A"].str_value == "y"


@pytest.mark.parametrize("target", ALL)
def test_targets_leave_transitional_symbols_as_they_are(tmp_path: Path, target: str) -> None:
    file = tmp_path / "Kconfig"
    file.write_text(
        'config ANY\n\tbool "any"\nconfig NEW\n\tbool\n\tdefault OLD\n'
        "config OLD\n\tbool\n\ttransitional\n"
    )
    kconf = read_kconfig(file, tmp_path, {})
    set_all(kconf, target, top=tmp_path)
    assert kconf.syms["ANY"].str_value == {"allyesconfig": "y", "allmodconfig": "y"}.get(
        target, "n"
    )
    assert kconf.syms["NEW"].str_value == "n"
