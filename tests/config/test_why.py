# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Whether a symbol can have a value, and the smallest set of settings that makes it so."""

from __future__ import annotations

from pathlib import Path

import pytest

from project import TOP
from xen_tool.abi import I386, X86_64, Arch
from xen_tool.config import saved
from xen_tool.config.assignments import Origins, origins
from xen_tool.config.explain.smallest_settings import about, why
from xen_tool.config.language.kconf import Kconfig, read_kconfig
from xen_tool.errors import XenToolError


def ask(question: str, *, config: Path, top: Path = TOP, arch: Arch = X86_64) -> list[str]:
    kconfig = top / "kconfig/Kconfig" if top == TOP else top / "Kconfig"

    def load(arch: Arch) -> tuple[Kconfig, Origins]:
        kconf = read_kconfig(kconfig, top, {"ARCH": arch.name})
        assignments, _notes = saved.load(kconf, config)
        return kconf, origins(assignments)

    return why(load, arch, *question.split("="))


@pytest.fixture
def without_xen(tmp_path: Path) -> Path:
    config = tmp_path / ".config"
    config.write_text("# CONFIG_XEN is not set\n")
    return config


@pytest.mark.parametrize(
    ("question", "last"),
    [
        ("XEN=n", "XEN=n holds: XEN is n (in {config}:1)"),
        ("KASAN=y", "type KASAN=y"),
        ("XEN_PV=y", "the smallest settings that give it, tried: XEN=y XEN_PV=y"),
        ("VMSPLIT_2G=y", "the smallest settings that give it, tried: ARCH=i386 VMSPLIT_2G=y"),
        ("X86_64=n", "the smallest settings that give it, tried: ARCH=i386"),
        (
            "PAGE_OFFSET=0x40000000",
            "the smallest settings that give it, tried: ARCH=i386 VMSPLIT_1G=y",
        ),
        (
            "PAGE_OFFSET=0x1000",
            "no settings give it: all sets of up to 4 settings were tried (16)",
        ),
    ],
)
def test_the_last_line_says_what_to_type(without_xen: Path, question: str, last: str) -> None:
    assert ask(question, config=without_xen)[-1] == last.format(config=without_xen)


def test_the_first_line_says_why_the_value_cannot_be(without_xen: Path) -> None:
    assert ask("XEN_PV=1", config=without_xen)[0] == (
        f"XEN_PV is n (default), and cannot be y: it needs XEN (=n, set in {without_xen}:1)"
    )
    assert ask("KASAN=1", config=without_xen, arch=I386)[0] == (
        "KASAN is n (default), and cannot be y: it needs X86_64 (=n, ARCH)"
    )


KCONFIG = """
config COUNT
	int "count"
	default 1

config A
	bool "a"

config B
	bool "b"
	depends on !A

config SELECTED
	bool "selected"

config SELECTING
	bool "selecting"
	default y
	select SELECTED

config DEEP
	bool "deep"
	depends on (A || B) && COUNT = 7
"""


@pytest.mark.parametrize(
    ("question", "last"),
    [
        ("DEEP=y", "the smallest settings that give it, tried: COUNT=7 A=y DEEP=y"),
        ("SELECTED=n", "the smallest settings that give it, tried: SELECTING=n SELECTED=n"),
        ("B=y", "the smallest settings that give it, tried: A=n B=y"),
    ],
)
def test_settings_through_expressions(tmp_path: Path, question: str, last: str) -> None:
    (tmp_path / "Kconfig").write_text(KCONFIG)
    config = tmp_path / ".config"
    config.write_text("CONFIG_A=y\n" if question.startswith("B") else "")
    assert ask(question, config=config, top=tmp_path)[-1] == last


TRISTATES = """
config MODULES
	bool "modules"
	modules
config COUNT
	int "count"
	default 1
config WORDS
	string "words"
config T
	tristate "t"
	depends on m
config U
	tristate "u"
	depends on COUNT = x || WORDS = 7 || T = y || MODULES = m
config V
	bool "v"
	depends on COUNT = 5 && T
config X
	tristate "x"
	depends on !U
"""


@pytest.mark.parametrize(
    ("question", "lines"),
    [
        (
            "T=y",
            [
                "T is n (default), and cannot be y: it can be m at most, as it depends on m; "
                "it needs MODULES (=n, default)",
                "no settings give it: all sets of up to 4 settings were tried (4)",
            ],
        ),
        (
            "T=m",
            [
                "T is n (default), and cannot be m: it needs MODULES (=n, default)",
                "the smallest settings that give it, tried: MODULES=y T=m",
            ],
        ),
        (
            "U=y",
            [
                "U is n (default), and cannot be y: it needs COUNT = x || WORDS = 7 || T = y || "
                "MODULES = m, with COUNT (=1, default), MODULES (=n, default), T (=n, default), "
                "WORDS (not set, default)",
                "the smallest settings that give it, tried: WORDS=7 U=y",
            ],
        ),
        (
            "V=y",
            [
                "V is n (default), and cannot be y: it needs COUNT = 5, with COUNT (=1, default) "
                "and T (=n, default)",
                "the smallest settings that give it, tried: COUNT=5 T=m MODULES=y V=y",
            ],
        ),
    ],
)
def test_values_stay_inside_their_types(tmp_path: Path, question: str, lines: list[str]) -> None:
    (tmp_path / "Kconfig").write_text(TRISTATES)
    config = tmp_path / ".config"
    config.write_text("# CONFIG_MODULES is not set\n")
    found = ask(question, config=config, top=tmp_path)
    assert [line.replace(f"set in {config}:1", "default") for line in found] == lines


@pytest.mark.parametrize(
    ("condition", "way"),
    [
        ("COUNT > 7", "COUNT=8"),
        ("COUNT >= 7", "COUNT=7"),
        ("COUNT < 0", "COUNT=-1"),
        ("BASE > 0xff", "BASE=0x100"),
        ("COUNT != 1", "COUNT=2"),
    ],
)
def test_settings_through_relations(tmp_path: Path, condition: str, way: str) -> None:
    numbers = 'config COUNT\n\tint "c"\n\tdefault 1\nconfig BASE\n\thex "b"\n\tdefault 0x5\n'
    text = f'{numbers}config A\n\tbool "a"\n\tdepends on {condition}\n'
    (tmp_path / "Kconfig").write_text(text)
    config = tmp_path / ".config"
    config.write_text("")
    last = ask("A=y", config=config, top=tmp_path)[-1]
    assert last == f"the smallest settings that give it, tried: {way} A=y"


def test_settings_through_a_range(tmp_path: Path) -> None:
    (tmp_path / "Kconfig").write_text(
        'config BIG\n\tbool "big"\nconfig MOST\n\tint\n\tdefault 512 if BIG\n\tdefault 8\n'
        'config CPUS\n\tint "cpus"\n\trange 1 MOST\n\tdefault 4\n'
    )
    config = tmp_path / ".config"
    config.write_text("")
    assert ask("CPUS=64", config=config, top=tmp_path) == [
        "CPUS is 4 (default), and cannot be 64: its range is 1 to 8",
        "the smallest settings that give it, tried: BIG=y CPUS=64",
    ]


MORE = """
config MOST
	int "most"
	default 8
config N
	int "n"
	range 1 MOST
config GIVEN
	string "given"
config TAKEN
	string
	default GIVEN
config TEXT
	bool "not empty"
	depends on GIVEN != ""
config SAME
	bool "same"
	depends on MOST = N
config HERE
	bool "as many on the other architecture"
	depends on SMALL || "$(ARCH)" = "i386"
config SMALL
	bool "small"
config THERE
	bool "fewer on the other architecture"
	depends on SMALL && B || "$(ARCH)" = "i386"
config FOUR
	def_bool SMALL && B && C && D
config B
	bool "b"
config C
	bool "c"
config D
	bool "d"
"""


@pytest.mark.parametrize(
    ("question", "settings"),
    [
        ("N=64", "MOST=64 N=64"),
        ("TAKEN=text", "GIVEN=text"),
        ("TEXT=y", "GIVEN=x TEXT=y"),
        ("SAME=y", "MOST=1 SAME=y"),
        ("HERE=y", "SMALL=y HERE=y"),
        ("THERE=y", "ARCH=i386 THERE=y"),
        ("FOUR=y", "B=y C=y D=y SMALL=y"),
    ],
)
def test_the_smallest_settings(tmp_path: Path, question: str, settings: str) -> None:
    (tmp_path / "Kconfig").write_text(MORE)
    config = tmp_path / ".config"
    config.write_text("")
    last = ask(question, config=config, top=tmp_path)[-1]
    assert last == f"the smallest settings that give it, tried: {settings}"


def test_settings_that_may_not_be_the_smallest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xen_tool.config.explain.smallest_settings._MOST_TRIES", 20)
    names = [f"S{number}" for number in range(9)]
    text = "".join(f'config {name}\n\tbool "s"\n' for name in names)
    text += f'config A\n\tbool "a"\n\tdepends on {" && ".join(names)} || "$(ARCH)" = "i386"\n'
    (tmp_path / "Kconfig").write_text(text)
    config = tmp_path / ".config"
    config.write_text("")
    last = ask("A=y", config=config, top=tmp_path)[-1]
    assert last == "settings, perhaps not the smallest, that give it, tried: ARCH=i386 A=y"


def test_a_search_that_was_cut_short_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xen_tool.config.explain.smallest_settings._MOST_TRIES", 100)
    names = [f"S{number}" for number in range(20)]
    text = "".join(f'config {name}\n\tbool "s"\n' for name in names)
    text += f'config A\n\tbool "a"\n\tdepends on {" && ".join(names)}\n'
    (tmp_path / "Kconfig").write_text(text)
    config = tmp_path / ".config"
    config.write_text("")
    last = ask("A=y", config=config, top=tmp_path)[-1]
    words = "200 sets of up to 4 settings were tried, and there are more"
    assert last == f"no settings were found that give it: {words}"


def test_a_project_for_one_architecture(tmp_path: Path) -> None:
    (tmp_path / "Kconfig").write_text(TRISTATES)

    def load(arch: Arch) -> tuple[Kconfig, Origins]:
        if arch is not X86_64:
            raise XenToolError("there is no i386_defconfig")
        return read_kconfig(tmp_path / "Kconfig", tmp_path, {"ARCH": arch.name}), {}

    assert why(load, X86_64, "T", "y")[-1].startswith("no settings give it: all ")


def test_a_symbol_that_another_architecture_does_not_have(tmp_path: Path) -> None:
    (tmp_path / "Kconfig").write_text('source "Kconfig.$(ARCH)"\n')
    (tmp_path / "Kconfig.x86_64").write_text('config A\n\tbool "a"\n\tdepends on HIDDEN\n')
    (tmp_path / "Kconfig.i386").write_text('config B\n\tbool "b"\n')
    config = tmp_path / ".config"
    config.write_text("")
    assert ask("A=y", config=config, top=tmp_path) == [
        "A is n (default), and cannot be y: it needs HIDDEN, which Kconfig does not define",
        "no settings give it: all sets of up to 4 settings were tried (1)",
    ]


def test_kconfig_is_read_once_for_each_architecture(tmp_path: Path) -> None:
    (tmp_path / "Kconfig").write_text(KCONFIG)
    config = tmp_path / ".config"
    config.write_text("")
    readings: list[str] = []

    def load(arch: Arch) -> tuple[Kconfig, Origins]:
        readings.append(arch.name)
        kconf = read_kconfig(tmp_path / "Kconfig", tmp_path, {"ARCH": arch.name})
        saved.load(kconf, config)
        return kconf, {}

    why(load, X86_64, "DEEP", "y")
    # The other architecture may need fewer settings.
    assert readings == ["x86_64", "x86_64", "i386"]


def test_about_a_symbol_its_value_type_and_dependencies(tmp_path: Path) -> None:
    (tmp_path / "Kconfig").write_text(KCONFIG + TRISTATES.replace("COUNT", "OTHER"))
    config = tmp_path / ".config"
    config.write_text("CONFIG_A=y\n")

    def load(arch: Arch) -> tuple[Kconfig, Origins]:
        kconf = read_kconfig(tmp_path / "Kconfig", tmp_path, {"ARCH": arch.name})
        return kconf, origins(saved.load(kconf, config).assignments)

    assert about(load, X86_64, "A") == [
        f"A is y (in {config}:1); its type is bool, defined at Kconfig:6",
        "  what depends on it: B, DEEP",
    ]
    assert about(load, X86_64, "CONFIG_DEEP") == [
        "DEEP is n (default); its type is bool, defined at Kconfig:21",
        "  it depends on (A (=y) || B (=n)) && COUNT (=1) = 7",
    ]
    assert about(load, X86_64, "SELECTED")[1:] == ["  it is selected by SELECTING (=y)"]
    with pytest.raises(XenToolError, match="do you mean DEEP"):
        about(load, X86_64, "DEEEP")


def test_the_default_that_counts(tmp_path: Path) -> None:
    text = 'config A\n\tbool "a"\n\tdefault y\n'
    text += "config N\n\tint\n\tdefault 5 if !A\n\tdefault 7 if A\n"
    (tmp_path / "Kconfig").write_text(text)

    def load(arch: Arch) -> tuple[Kconfig, Origins]:
        return read_kconfig(tmp_path / "Kconfig", tmp_path, {"ARCH": arch.name}), {}

    assert about(load, X86_64, "N")[1:] == ["  its default is 7 if A (=y)"]
    assert about(load, X86_64, "A")[1] == "  its default is y"


def test_many_selecting_symbols_are_shortened(tmp_path: Path) -> None:
    text = "".join(f"config S{n}\n\tdef_bool y\n\tselect A\n" for n in range(7))
    (tmp_path / "Kconfig").write_text(f'config A\n\tbool "a"\n{text}')
    config = tmp_path / ".config"
    config.write_text("")
    (line, _) = ask("A=n", config=config, top=tmp_path)
    assert line.endswith("S4 (=y) and 2 others select it")


def test_an_unknown_symbol(without_xen: Path) -> None:
    with pytest.raises(XenToolError, match="do you mean XEN_PV"):
        ask("XEN_VP=y", config=without_xen)
