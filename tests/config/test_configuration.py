# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The value of each symbol, by Kconfig files, a saved configuration and settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from project import TOP
from xen_tool.config.configuration import Configuration, read
from xen_tool.config.language.kconf import read_kconfig
from xen_tool.config.saved import save
from xen_tool.errors import XenToolError

KCONFIG = TOP / "kconfig/Kconfig"
DEFCONFIG = "kconfig/configs/{arch}_defconfig"


def configure(
    arch: str | None = None, *, saved: Path | None = None, **settings: str
) -> Configuration:
    return read(
        KCONFIG, srctree=TOP, saved_config=saved, defconfig=DEFCONFIG, arch=arch, settings=settings
    )


def own_kconfig(tmp_path: Path, text: str, **settings: str) -> Configuration:
    path = tmp_path / "Kconfig"
    path.write_text(text)
    return read(path, srctree=tmp_path, settings=settings)


def on(configuration: Configuration) -> set[str]:
    return {name for name, value in configuration.values.items() if value == "y"}


XEN_64 = {"64BIT", "X86_64", "XEN", "XEN_PV", "XEN_HYPERCALL_PAGE"}


def test_the_defconfigs() -> None:
    assert on(configure("x86_64")) == {
        "64BIT",
        "X86_64",
        "SMP",
        "XEN",
        "XEN_PV",
        "XEN_HYPERCALL_PAGE",
    }
    assert on(configure("i386")) == {
        "X86_32",
        "SMP",
        "XEN",
        "XEN_PV",
        "XEN_HYPERCALL_PAGE",
        "VMSPLIT_3G",
    }
    assert configure().arch.name == "x86_64"


@pytest.mark.parametrize(
    ("symbol", "page_offset"),
    [("VMSPLIT_3G", 0xC0000000), ("VMSPLIT_2G", 0x80000000), ("VMSPLIT_1G", 0x40000000)],
)
def test_a_memory_split_is_a_page_offset(symbol: str, page_offset: int) -> None:
    configuration = read(
        KCONFIG, srctree=TOP, arch="i386", defconfig=DEFCONFIG, settings={symbol: "1"}
    )
    assert int(configuration.values["PAGE_OFFSET"], 16) == page_offset
    splits = {name for name in on(configuration) if name.startswith("VMSPLIT")}
    assert splits == {symbol}


def test_xen_pv_needs_xen() -> None:
    assert on(configure(XEN="0")) == {"64BIT", "X86_64", "SMP"}
    with pytest.raises(XenToolError) as error:
        configure(XEN="0", XEN_PV="1")
    assert str(error.value) == (
        "XEN_PV=1 cannot hold: it needs XEN (=n, set on the command line); type XEN=1 XEN_PV=1"
    )


@pytest.mark.parametrize("value", ["1", "y", "Y"])
def test_1_and_y_mean_yes(value: str) -> None:
    assert configure(KASAN=value).enabled("KASAN")
    assert configure(CONFIG_KASAN=value).enabled("KASAN")


def test_the_saved_configuration_counts_and_settings_outrank_it(tmp_path: Path) -> None:
    saved = tmp_path / ".config"
    saved.write_text("CONFIG_X86_64=y\nCONFIG_XEN=y\nCONFIG_XEN_PV=y\nCONFIG_KASAN=y\n")
    assert on(configure(saved=saved)) == {
        "64BIT",
        "X86_64",
        "XEN",
        "XEN_PV",
        "XEN_HYPERCALL_PAGE",
        "KASAN",
    }
    assert on(configure(saved=saved, KASAN="0")) == {
        "64BIT",
        "X86_64",
        "XEN",
        "XEN_PV",
        "XEN_HYPERCALL_PAGE",
    }
    assert "CONFIG_KASAN=y" in saved.read_text()


def test_the_saved_architecture_counts_unless_another_is_asked_for(tmp_path: Path) -> None:
    saved = tmp_path / ".config"
    saved.write_text(configure("i386").dotconfig)
    assert configure(saved=saved).arch.name == "i386"
    again = configure("x86_64", saved=saved)
    assert again.arch.name == "x86_64"
    assert {"X86_64", "XEN_PV"} <= on(again)
    assert "X86_32" not in on(again)


def test_a_saved_configuration_read_back_is_the_same(tmp_path: Path) -> None:
    saved = tmp_path / ".config"
    first = configure("i386", VMSPLIT_1G="1", X86_ALIGNMENT_16="1", SMP="0")
    saved.write_text(first.dotconfig)
    assert configure(saved=saved).values == first.values


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("CONFIG_SMP", ":2: malformed line"),
        ("CONFIG_SMP = y", ":2: malformed line"),
        ("<<<<<<< HEAD", ":2: malformed line"),
        ("CONFIG_SMP=\xff", ":2: not UTF-8"),
    ],
)
def test_a_damaged_saved_configuration_names_the_line(
    tmp_path: Path, line: str, words: str
) -> None:
    saved = tmp_path / ".config"
    saved.write_bytes(b"CONFIG_XEN=y\n" + line.encode("latin-1") + b"\n")
    with pytest.raises(XenToolError) as error:
        configure(saved=saved)
    assert words in str(error.value)
    assert str(error.value).startswith(str(saved))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("CONFIG_SMP=maybe", ":2: SMP=maybe: in a file the value is y or n"),
        ("CONFIG_SMP=1", ":2: SMP=1: in a file the value is y or n"),
        ("CONFIG_PAGE_OFFSET=zz", ":2: PAGE_OFFSET=zz: PAGE_OFFSET is of type hex; its value is"),
        ("CONFIG_PAGE_OFFSET=", ":2: PAGE_OFFSET has no value"),
    ],
)
def test_a_line_with_a_wrong_value_has_a_warning_and_no_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, words: str
) -> None:
    saved = tmp_path / ".config"
    saved.write_text(f"CONFIG_XEN=y\n{line}\n")
    configuration = configure(saved=saved)
    (note,) = configuration.notes
    assert note.startswith(f"{saved}{words}")
    assert note.endswith("; the line has no effect")
    saved.write_text("CONFIG_XEN=y\n")
    assert configure(saved=saved).values == configuration.values
    saved.write_text(f"CONFIG_XEN=y\n{line}\n")
    monkeypatch.setenv("KCONFIG_WERROR", "1")
    with pytest.raises(XenToolError, match="KCONFIG_WERROR makes warnings errors"):
        configure(saved=saved)


def test_a_note_gives_the_value_in_effect_not_the_saved_one(tmp_path: Path) -> None:
    text = 'config C\n\tbool "c"\n'
    for name, other in (("A", "C"), ("B", "A")):
        text += f'config {name}\n\tbool "{name}"\n\tdepends on {other}\n'
    (tmp_path / "Kconfig").write_text(text)
    saved = tmp_path / ".config"
    saved.write_text("CONFIG_A=y\nCONFIG_B=y\n")
    notes = read(tmp_path / "Kconfig", srctree=tmp_path, saved_config=saved).notes
    assert [note.split(": ")[1] for note in notes] == [
        "it needs C (=n, default)",
        "it needs A (=n, default)",
    ]


def test_a_byte_order_mark_is_named(tmp_path: Path) -> None:
    saved = tmp_path / ".config"
    saved.write_text("\ufeffCONFIG_XEN=y\n")
    with pytest.raises(XenToolError, match=":1: begins with a byte order mark"):
        configure(saved=saved)


def test_a_saved_configuration_that_cannot_be_looked_up(tmp_path: Path) -> None:
    for path in (tmp_path / ("x" * 300), KCONFIG / "below-a-file"):
        with pytest.raises(XenToolError, match="cannot be read"):
            configure(saved=path)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(XenToolError, match="cannot be read"):
        configure(saved=loop)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(XenToolError, match="not a regular file"):
        configure(saved=pipe)
    assert configure(saved=Path(os.devnull)).values["XEN"] == "n"


def test_an_unknown_symbol_in_a_saved_configuration_is_a_note(tmp_path: Path) -> None:
    saved = tmp_path / ".config"
    saved.write_text("CONFIG_XEN=y\nCONFIG_GONE=y\n")
    (note,) = configure(saved=saved).notes
    assert f"{saved}:2" in note
    assert "GONE" in note


def test_a_folder_in_place_of_the_saved_configuration(tmp_path: Path) -> None:
    with pytest.raises(XenToolError, match="cannot be read"):
        configure(saved=tmp_path)


def test_a_setting_of_a_promptless_symbol_says_what_it_follows() -> None:
    with pytest.raises(XenToolError, match="no prompt and is 0xC0000000; it follows VMSPLIT_1G"):
        configure("i386", PAGE_OFFSET="0x1000")
    assert configure("x86_64", X86_64="1").enabled("X86_64")


def test_choices_that_contradict() -> None:
    with pytest.raises(XenToolError, match=r"VMSPLIT_1G .*is chosen in its place"):
        configure("i386", VMSPLIT_2G="1", VMSPLIT_1G="1")
    with pytest.raises(XenToolError, match="type VMSPLIT_2G=1 instead"):
        configure("i386", VMSPLIT_3G="0")
    with pytest.raises(XenToolError, match="type ARCH=i386 VMSPLIT_3G=1"):
        configure("x86_64", VMSPLIT_3G="1")


def test_the_same_symbol_by_two_names() -> None:
    with pytest.raises(XenToolError, match="SMP is set twice, to 0 and 1"):
        configure(SMP="0", CONFIG_SMP="1")


KINDS = """
config COUNT
	int "count"
	range 1 8
	default 2

config BASE
	hex "base"
	default 0x1000

config WORDS
	string "words"

config HELPER
	bool "helper"

config USER
	bool "user"
	select HELPER

config BOTH
	bool "both"
	depends on USER && COUNT = 2
"""


def test_numbers_and_strings(tmp_path: Path) -> None:
    configuration = own_kconfig(tmp_path, KINDS, COUNT="4", BASE="0x2000", WORDS='a "b" \\')
    assert configuration.values["COUNT"] == "4"
    assert configuration.values["WORDS"] == 'a "b" \\'
    assert "#define CONFIG_BASE 0x2000\n" in configuration.autoconf
    assert '#define CONFIG_WORDS "a \\"b\\" \\\\"\n' in configuration.autoconf


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"COUNT": "9"}, "COUNT=9 cannot hold: its range is 1 to 8"),
        ({"COUNT": "1_0"}, "COUNT is of type int; its value is a number"),
        ({"WORDS": "two\nlines"}, "its value is text in one line"),
        ({"COUNT": "010"}, "a number without + or leading zeros, which mean octal in C: 10"),
        ({"COUNT": "+4"}, "a number without + or leading zeros, which mean octal in C: 4"),
        ({"COUNT": "many"}, "COUNT is of type int; its value is a number"),
        ({"BASE": "xyz"}, "its value is a hexadecimal number"),
        ({"USER": "1", "HELPER": "0"}, "USER (=y) selects it; type USER=0 as well"),
        ({"BOTH": "1", "USER": "0"}, "it needs USER (=n, set on the command line); type USER=1"),
        ({"BOTH": "1", "USER": "1", "COUNT": "3"}, "it needs COUNT = 2, with COUNT (=3"),
        ({"HELPR": "1"}, "do you mean HELPER"),
        ({"ZZZZZZ": "1"}, "`scons -h` lists the settings"),
    ],
)
def test_the_error_gives_the_reason(tmp_path: Path, settings: dict[str, str], words: str) -> None:
    with pytest.raises(XenToolError) as error:
        own_kconfig(tmp_path, KINDS, **settings)
    assert words in str(error.value)


def test_a_setting_switches_on_what_it_clearly_needs(tmp_path: Path) -> None:
    configuration = own_kconfig(tmp_path, KINDS, BOTH="1")
    assert {"BOTH", "USER", "HELPER"} <= on(configuration)
    assert configuration.notes == ("BOTH=1 on the command line switches on USER, which it needs",)
    assert configuration.origins["HELPER"] == "selected by USER"
    deep = (
        "".join(f'config L{n}\n\tbool "l"\n\tdepends on L{n + 1}\n' for n in range(3))
        + 'config L3\n\tbool "l"\n'
    )
    configuration = own_kconfig(tmp_path, deep, L0="1")
    assert on(configuration) == {"L0", "L1", "L2", "L3"}
    with pytest.raises(XenToolError, match=r"L0=1 cannot hold: it needs L1 \(=n, default\)"):
        own_kconfig(tmp_path, deep, L0="1", L3="0")


def test_an_unclear_need_is_an_error(tmp_path: Path) -> None:
    text = """
config A
	bool "a"
config B
	bool "b"
config EITHER
	bool "either"
	depends on A || B
"""
    with pytest.raises(
        XenToolError, match=r"it needs A \|\| B, with A \(=n, default\), B \(=n, default\)"
    ):
        own_kconfig(tmp_path, text, EITHER="1")


def test_a_note_names_an_overruled_saved_value_and_what_overrules_it(tmp_path: Path) -> None:
    saved = tmp_path / ".config"
    saved.write_text("CONFIG_XEN=y\nCONFIG_XEN_PV=y\nCONFIG_SMP=y\n# CONFIG_KASAN is not set\n")
    assert configure(saved=saved).notes == ()
    assert configure(saved=saved, XEN="0").notes == (
        f"XEN=y in {saved}:1 is overruled by XEN=0 on the command line",
        f"XEN_PV=y in {saved}:2 does not hold: it needs XEN (=n, set on the command line)",
    )
    assert configure(saved=saved, SMP="y").notes == ()
    saved.write_text("# CONFIG_XEN is not set\nCONFIG_XEN_PV=y\n")
    assert configure(saved=saved).notes == (
        f"XEN_PV=y in {saved}:2 does not hold: it needs XEN (=n, set in {saved}:1)",
    )


def test_a_saved_number_out_of_range_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "Kconfig").write_text(KINDS)
    saved = tmp_path / ".config"
    saved.write_text("CONFIG_COUNT=9\n")
    configuration = read(tmp_path / "Kconfig", srctree=tmp_path, saved_config=saved)
    (note,) = configuration.notes
    assert note == f"COUNT=9 in {saved}:1 does not hold: its range is 1 to 8"


def test_a_failed_attempt_to_switch_on_a_need_is_undone(tmp_path: Path) -> None:
    (tmp_path / "Kconfig").write_text(
        'config A\n\tbool "a"\n\tdefault y\nconfig C\n\tint "c"\n'
        'config WANTED\n\tbool "w" if C = 2\n\tdepends on A\n'
    )
    saved = tmp_path / ".config"
    saved.write_text("# CONFIG_A is not set\n")
    with pytest.raises(XenToolError, match=r"it needs A \(=n, set in .*:1\)"):
        read(tmp_path / "Kconfig", srctree=tmp_path, saved_config=saved, settings={"WANTED": "1"})


def test_saving_over_what_is_no_file(tmp_path: Path) -> None:
    kconf = read_kconfig(KCONFIG, TOP, {"ARCH": "x86_64"})
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(XenToolError, match="cannot be read"):
        save(kconf, loop)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(XenToolError, match="not a regular file"):
        save(kconf, pipe)
    save(kconf, Path(os.devnull))
    assert Path(os.devnull).is_char_device()
    assert not Path(f"{os.devnull}.old").exists()


def test_each_value_has_its_origin(tmp_path: Path) -> None:
    saved = tmp_path / ".config"
    saved.write_text("CONFIG_XEN=y\nCONFIG_SMP=y\n")
    origins = configure(saved=saved, SMP="0").origins
    assert origins["SMP"] == "on the command line"
    assert origins["XEN"] == f"in {saved}:1"
    assert origins["XEN_PV"] == "default"
    assert origins["X86_64"] == "ARCH"


def test_a_huge_file_is_no_configuration(tmp_path: Path) -> None:
    saved = tmp_path / ".config"
    with saved.open("wb") as file:
        file.truncate(100 << 20)
    with pytest.raises(XenToolError, match="104857600 bytes are too many for a configuration"):
        configure(saved=saved)


def test_dos_line_ends_are_accepted(tmp_path: Path) -> None:
    saved = tmp_path / ".config"
    saved.write_bytes(b"CONFIG_XEN=y\r\n# CONFIG_SMP is not set\r\nCONFIG_KASAN=y\r\n")
    configuration = configure(saved=saved)
    assert {"XEN", "KASAN"} <= on(configuration)
    assert "SMP" not in on(configuration)


def test_a_broken_kconfig_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(XenToolError, match=r"Kconfig:1: .*parse"):
        own_kconfig(tmp_path, "nonsense here\n")
    with pytest.raises(XenToolError, match="Kconfig:1"):
        own_kconfig(tmp_path, 'source "missing"\n')


def test_the_environment_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("srctree", "/nowhere")
    monkeypatch.setenv("CONFIG_", "OTHER_")
    before = dict(os.environ)
    assert "CONFIG_XEN=y" in configure().dotconfig
    assert dict(os.environ) == before
