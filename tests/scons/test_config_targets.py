# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The targets that change or print the saved configuration."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from forked import TOOLPATH
from project import TOP, Project


def config(kernel: Project) -> str:
    return (kernel.top / ".config").read_text()


def test_defconfig_is_the_architectures_own(kernel: Project) -> None:
    kernel.scons("defconfig", "ARCH=i386")
    assert "CONFIG_X86_32=y" in config(kernel)
    kernel.scons("x86_64_defconfig")
    assert "CONFIG_X86_64=y" in config(kernel)
    assert "CONFIG_X86_32=y" in (kernel.top / ".config.old").read_text()
    made = {path.name for path in kernel.top.iterdir()} - {"arch", "kconfig"}
    assert made == {"SConstruct", ".config", ".config.old"}
    assert kernel.scons("defconfig").out.endswith(".config: no change\n")


def test_the_saved_architecture_is_built(kernel: Project) -> None:
    kernel.scons("i386_defconfig")
    kernel.scons()
    assert (kernel.top / "build/i386/vmlinux").is_file()


def test_fragments_are_merged_in_order_and_report_what_did_not_take(kernel: Project) -> None:
    kernel.write(
        "kconfig/configs/quiet.config", "# CONFIG_SMP is not set\n# CONFIG_XEN is not set\n"
    )
    kernel.write("kconfig/configs/loud.config", "CONFIG_SMP=y\nCONFIG_VMSPLIT_2G=y\n")
    run = kernel.scons("x86_64_defconfig", "quiet.config", "loud.config")
    assert run.err.splitlines() == [
        "xen_tool: note: XEN=y in kconfig/configs/x86_64_defconfig:3 is overruled by "
        "XEN=n in kconfig/configs/quiet.config:2",
        "xen_tool: note: XEN_PV=y in kconfig/configs/x86_64_defconfig:4 does not hold: "
        "it needs XEN (=n, set in kconfig/configs/quiet.config:2)",
        "xen_tool: note: XEN_HYPERCALL_PAGE=y in kconfig/configs/x86_64_defconfig:5 does not hold: "
        "it needs XEN (=n, set in kconfig/configs/quiet.config:2)",
        "xen_tool: note: SMP=n in kconfig/configs/quiet.config:1 is overruled by "
        "SMP=y in kconfig/configs/loud.config:1",
        "xen_tool: note: VMSPLIT_2G=y in kconfig/configs/loud.config:2 does not hold: "
        "it needs X86_32 (=n, ARCH)",
    ]
    assert "CONFIG_SMP=y" in config(kernel)
    assert "# CONFIG_XEN is not set" in config(kernel)


def test_a_fragment_alone_changes_what_is_saved(kernel: Project) -> None:
    kernel.scons("i386_defconfig")
    kernel.write("kconfig/configs/up.config", "# CONFIG_SMP is not set\n")
    kernel.scons("up.config")
    assert "# CONFIG_SMP is not set" in config(kernel)
    assert "CONFIG_X86_32=y" in config(kernel)


def test_olddefconfig_and_listnewconfig_know_what_is_new(kernel: Project) -> None:
    kernel.scons("defconfig")
    kconfig = kernel.top / "kconfig/Kconfig"
    kconfig.write_text(kconfig.read_text() + '\nconfig FRESH\n\tbool "fresh"\n\tdefault y\n')
    assert "CONFIG_FRESH=y" in kernel.scons("listnewconfig").out
    assert "FRESH" not in config(kernel)
    kernel.scons("olddefconfig")
    assert "CONFIG_FRESH=y" in config(kernel)
    assert "FRESH" not in kernel.scons("listnewconfig").out


def test_without_a_saved_configuration_targets_start_from_the_defconfig(kernel: Project) -> None:
    assert "CONFIG_" not in kernel.scons("listnewconfig", "ARCH=x86_64").out
    kernel.scons("olddefconfig")
    assert "CONFIG_XEN_PV=y" in config(kernel)


def test_allnoconfig_and_allyesconfig(kernel: Project) -> None:
    kernel.scons("allnoconfig")
    assert "# CONFIG_XEN is not set" in config(kernel)
    kernel.scons("allyesconfig")
    for symbol in ("XEN_PV", "SMP", "KASAN", "STACK_VALIDATION"):
        assert f"CONFIG_{symbol}=y" in config(kernel)


def test_a_random_configuration_comes_again_by_its_seed(kernel: Project) -> None:
    out = kernel.scons("randconfig").out
    seed = out.split("seed ")[1].split(":")[0]
    first = config(kernel)
    seen = {first}
    for other in range(8):
        kernel.scons("randconfig", f"SEED={other}")
        seen.add(config(kernel))
    assert len(seen) > 3
    kernel.scons("randconfig", f"SEED={seed}")
    assert config(kernel) == first


def test_savedefconfig_is_short_and_means_the_same(kernel: Project) -> None:
    kernel.scons("i386_defconfig")
    before = config(kernel)
    kernel.scons("savedefconfig")
    short = (kernel.top / "defconfig").read_text()
    assert "PAGE_OFFSET" not in short
    (kernel.top / "defconfig").rename(kernel.top / "kconfig/configs/i386_defconfig")
    kernel.scons("allnoconfig")
    kernel.scons("i386_defconfig")
    assert config(kernel) == before


def test_savedefconfig_keeps_the_architecture(kernel: Project) -> None:
    kernel.scons("i386_defconfig")
    out = kernel.scons("savedefconfig").out
    assert "the shortest configuration is in defconfig; it is for ARCH=i386, and says so" in out
    short = (kernel.top / "defconfig").read_text()
    assert short.startswith("# ARCH=i386\n")
    before = config(kernel)
    # The file is the saved configuration, and a defconfig whose name has no architecture.
    assert "X86_32 " in kernel.scons("listconfig", KCONFIG_CONFIG="defconfig").out
    (kernel.top / ".config").write_text(short)
    kernel.scons("olddefconfig")
    assert config(kernel) == before
    kernel.write("kconfig/configs/mine_defconfig", short)
    kernel.scons("x86_64_defconfig")
    kernel.scons("mine_defconfig")
    assert config(kernel) == before
    run = kernel.run("mine_defconfig", "ARCH=x86_64")
    assert run.status == 2
    assert "ARCH=x86_64: mine_defconfig is for ARCH=i386" in run.err
    # A file without an architecture is for the default one.
    kernel.scons("x86_64_defconfig", "savedefconfig")
    assert "ARCH" not in (kernel.top / "defconfig").read_text()
    kernel.write("kconfig/configs/mine_defconfig", "CONFIG_SMP=y\n")
    kernel.scons("i386_defconfig")
    kernel.scons("mine_defconfig")
    assert "CONFIG_X86_64=y" in config(kernel)


def test_the_architecture_is_kept_where_no_symbol_tells_it(kernel: Project) -> None:
    kernel.write("kconfig/Kconfig", 'config A\n\tbool "a" if "$(ARCH)" = "i386"\n')
    kernel.write("kconfig/configs/i386_defconfig", "CONFIG_A=y\n")
    kernel.scons("i386_defconfig")
    assert config(kernel) == "# ARCH=i386\nCONFIG_A=y\n"
    assert kernel.scons("listconfig").out == "A  y  in .config:2\n"


LOST = "CONFIG_XEN=y\nCONFIG_GONE=y\nCONFIG_VMSPLIT_2G=y\nCONFIG_COUNT=77\nCONFIG_SMP=maybe\n"


@pytest.mark.parametrize("target", ["olddefconfig", "savedefconfig", "allnoconfig"])
def test_every_target_reports_a_saved_value_that_is_lost(kernel: Project, target: str) -> None:
    text = (kernel.top / "kconfig/Kconfig").read_text()
    kernel.write("kconfig/Kconfig", f'{text}\nconfig COUNT\n\tint "count"\n\trange 1 9\n')
    kernel.write(".config", LOST)
    assert kernel.scons(target).err.splitlines() == [
        "xen_tool: note: .config:2: GONE=y: Kconfig has no symbol GONE; the line has no effect",
        "xen_tool: note: .config:5: SMP=maybe: in a file the value is y or n; "
        "the line has no effect",
        "xen_tool: note: VMSPLIT_2G=y in .config:3 does not hold: it needs X86_32 (=n, ARCH)",
        "xen_tool: note: COUNT=77 in .config:4 does not hold: its range is 1 to 9",
    ]


def test_a_number_that_allnoconfig_drops_is_reported(kernel: Project) -> None:
    text = (kernel.top / "kconfig/Kconfig").read_text()
    kernel.write("kconfig/Kconfig", f'{text}\nconfig COUNT\n\tint "count"\n\tdefault 2\n')
    kernel.write(".config", "CONFIG_COUNT=5\nCONFIG_SMP=y\n")
    assert kernel.scons("allnoconfig").err.splitlines() == [
        "xen_tool: note: COUNT=5 in .config:1 is not kept by allnoconfig"
    ]


def test_kconfig_allconfig_names_exceptions(kernel: Project) -> None:
    kernel.write("all.config", "CONFIG_SMP=y\n")
    kernel.scons("allnoconfig", KCONFIG_ALLCONFIG="1")
    assert "CONFIG_SMP=y" in config(kernel)
    assert "# CONFIG_XEN is not set" in config(kernel)
    run = kernel.run("allyesconfig", KCONFIG_ALLCONFIG="mine.config")
    assert run.status == 2
    assert "KCONFIG_ALLCONFIG=mine.config: there is no mine.config" in run.err


def test_warnings_of_kconfig_are_printed_once(kernel: Project) -> None:
    # The same for two environments.
    other = 'env.Clone().XenConfigure("kconfig/Kconfig", arguments={}, build="build/other")'
    kernel.edit("SConstruct", "env.XenConfigTargets()\n", f"env.XenConfigTargets()\n{other}\n")
    text = (kernel.top / "kconfig/Kconfig").read_text()
    line = text.count("\n") + 4
    more = 'config COUNT\n\tint "count"\n\tdefault GONE if n\n\tdefault 1\n'
    kernel.write("kconfig/Kconfig", f"{text}\n{more}")
    place = f"kconfig/Kconfig:{line}"
    warning = f"xen_tool: warning: {place}: the default of COUNT is not a number: GONE"
    for target in ("olddefconfig", "listconfig", "build/x86_64/.config"):
        run = kernel.run(target)
        assert (run.status, run.err.splitlines()) == (0, [warning]), target
    run = kernel.run("listconfig", KCONFIG_WERROR="1")
    assert run.status == 2
    assert "(KCONFIG_WERROR makes warnings errors)" in run.err


def test_the_fragments(kernel: Project) -> None:
    help_text = kernel.scons("-h").out
    assert "guiconfig       changes it in a window; make's xconfig, gconfig\n" in help_text
    fragments = {
        "xen": ["XEN", "XEN_PV", "XEN_HYPERCALL_PAGE"],
        # The other two are the defaults.
        "pvh": ["XEN", "XEN_PVH", "XEN_PV", "XEN_HYPERCALL_PAGE"],
        "smp": ["SMP"],
        "debug": ["KASAN", "STACK_VALIDATION"],
    }
    for name, symbols in fragments.items():
        assert f"{name}.config" in help_text
        assert kernel.scons("allnoconfig", f"{name}.config").err == ""
        assert set(re.findall(r"CONFIG_(\w+)=y", config(kernel))) == {"64BIT", "X86_64", *symbols}


def test_a_missing_folder_of_configurations_is_explained(kernel: Project) -> None:
    kernel.edit("SConstruct", 'defconfig="kconfig/configs/{arch}_defconfig",', "")
    run = kernel.run("defconfig")
    assert run.status == 2
    assert (
        "defconfig: no folder of configurations is named: write env.XenConfigure(..., "
        'defconfig="configs/{arch}_defconfig") in the SConstruct, '
        "and write configs/x86_64_defconfig"
    ) in run.err
    assert "and write configs/my.config" in kernel.run("my.config").err
    kernel.write("my.config", "CONFIG_SMP=y\n")
    kernel.scons("my.config")
    assert "CONFIG_SMP=y" in config(kernel)


def test_a_folder_that_is_empty_or_missing_is_named(kernel: Project) -> None:
    kernel.edit("SConstruct", "kconfig/configs/", "elsewhere/")
    err = kernel.run("my.config", "ARCH=x86_64").err
    assert "there is no configuration my.config; write it in elsewhere/, which has none" in err
    err = kernel.run("defconfig").err
    assert "there is no elsewhere/x86_64_defconfig, which defconfig= of env.XenConfigure" in err


def test_setconfig_changes_what_is_saved(kernel: Project) -> None:
    kernel.scons("x86_64_defconfig", "setconfig", "XEN_PVH=1", "SMP=0")
    assert "CONFIG_XEN_PVH=y" in config(kernel)
    assert "# CONFIG_SMP is not set" in config(kernel)
    before = config(kernel)
    run = kernel.scons("setconfig", "XEN_PVH=y", "SMP=n")
    assert (run.err, run.out.splitlines()[-1]) == ("", ".config: no change")
    for setting, words in {
        "XEN_PV=maybe": "XEN_PV is of type bool",
        "VMSPLIT_2G=1": "VMSPLIT_2G=1 cannot hold: it needs X86_32 (=n, ARCH)",
        "XEN_VP=1": "do you mean XEN_PV",
    }.items():
        run = kernel.run("setconfig", setting)
        assert run.status == 2
        assert words in run.err
        assert config(kernel) == before


def test_setconfig_prints_the_symbols_that_change_as_well(kernel: Project) -> None:
    kernel.write(".config", "# CONFIG_XEN is not set\nCONFIG_SMP=y\n")
    assert kernel.scons("setconfig", "XEN_PVH=1").err.splitlines() == [
        "xen_tool: note: XEN_PVH=1 on the command line switches on XEN, which it needs",
        "xen_tool: note: XEN=n in .config:1 is overruled by "
        "XEN=y for XEN_PVH=1 on the command line",
    ]
    assert (
        "xen_tool: note: XEN_PVH=y in .config:22 does not hold: "
        "it needs XEN (=n, set on the command line)\n"
    ) in kernel.scons("setconfig", "XEN=0").err


MAKE_GIVES = """
config CC
	string
	default "$(CC)"
config LD
	string
	default "$(LD)"
config VERSION
	string
	default "$(KERNELVERSION) of $(ARCH)"
config COMPILES
	def_bool $(shell,printf y | $(CC) -E -P -)
config ASSEMBLES
	def_bool $(shell,$(AS) --version >/dev/null && echo y || echo n)
source "arch/$(SRCARCH)/Kconfig.more"
"""


def test_kconfig_files_see_the_variables_that_make_sets(kernel: Project) -> None:
    kernel.write("kconfig/Kconfig", MAKE_GIVES)
    kernel.write("arch/x86/Kconfig.more", 'config MORE\n\tbool "more"\n\tdefault y\n')
    kernel.edit("SConstruct", "sconsign=True", 'sconsign=True, variables={"KERNELVERSION": "1.2"}')
    out = kernel.scons("-s", "listconfig", "--json", "ARCH=i386", CC="", LD="", SRCARCH="").out
    gcc = shutil.which("gcc")
    assert {symbol["name"]: symbol["value"] for symbol in json.loads(out)["symbols"]} == {
        "CC": gcc,
        "LD": shutil.which("ld"),
        "VERSION": "1.2 of i386",
        "COMPILES": "y",
        "ASSEMBLES": "y",
        "MORE": "y",
    }
    # The same by the targets.
    kernel.scons("allnoconfig", "TOOLCHAIN=gcc")
    assert f'CONFIG_CC="{gcc}"\n' in config(kernel)
    assert "# CONFIG_MORE is not set\n" in config(kernel)


def test_symbols_in_place_of_kconfig_files(kernel: Project) -> None:
    shutil.rmtree(kernel.top / "kconfig")
    kernel.write("main.c", "int x = CONFIG_BASE + CONFIG_CPUS;\nchar *name = CONFIG_NAME;\n")
    kernel.write(
        "SConstruct",
        f'import os\nenv = Environment(tools=["xen_tool"], toolpath=[{TOOLPATH!r}],\n'
        '    ENV={"PATH": os.environ["PATH"]})\n'
        'env.XenConfigure(symbols={"XEN": True, "SMP": False, "CPUS": 2, "BASE": "0x1000",\n'
        '    "NAME": \'a "b" $x \\\\\'})\n'
        'env.XenConfigTargets()\nenv.XenObject("main.c")\n',
    )
    assert kernel.scons("main.o", "XEN=0", "CPUS=4").steps == [
        "CONFIG build/x86_64/.config", "CC build/x86_64/main.o"
    ]  # fmt: skip
    assert kernel.scons("setconfig", "SMP=1").err == ""
    assert config(kernel) == (
        "CONFIG_XEN=y\nCONFIG_SMP=y\nCONFIG_CPUS=2\nCONFIG_BASE=0x1000\n"
        'CONFIG_NAME="a \\"b\\" $x \\\\"\n'
    )
    kernel.edit("SConstruct", '"CPUS": 2', '"CPUS": 2.5')
    run = kernel.run("main.o")
    assert (run.status, run.err) == (2, (
        "scons: *** symbols of XenConfigure: CPUS is 2.5; it can be True, False, a number, a "
        'hexadecimal number such as "0x1000", or a text in one line\n'
    ))  # fmt: skip


def test_listconfig_prints_value_and_origin(kernel: Project) -> None:
    kernel.scons("defconfig")
    rows = [line.split(None, 2) for line in kernel.scons("listconfig", "SMP=0").out.splitlines()]
    table = {row[0]: row[1:] for row in rows if len(row) == 3}
    assert table["SMP"] == ["n", "on the command line"]
    assert table["XEN"] == ["y", "in .config:20"]
    assert table["X86_64"] == ["y", "ARCH"]
    out = kernel.scons("-s", "listconfig", "--json", "SMP=0").out
    document = json.loads(out)
    assert document["schema"] == 1
    symbols = {entry["name"]: entry for entry in document["symbols"]}
    assert symbols["SMP"]["help"].startswith("Build a kernel for more than one virtual CPU.")
    assert symbols["SMP"] | {"help": None} == {
        "name": "SMP",
        "type": "bool",
        "value": "n",
        "origin": "on the command line",
        "prompt": "Symmetric multi-processing support",
        "visible": True,
        "help": None,
        "defined": ["kconfig/Kconfig.x86:18"],
        "depends": None,
        "ranges": [],
        "defaults": [],
        "selects": [],
        "implies": [],
        "choice": None,
    }
    described = (TOP / "docs/configuration.md").read_text().split("## JSON")[1].split("##")[0]
    assert re.findall(r'^ +\{?"(\w+)":', described, re.MULTILINE)[3:] == list(symbols["SMP"])
    assert symbols["VMSPLIT_2G"]["choice"] == ["VMSPLIT_3G", "VMSPLIT_2G", "VMSPLIT_1G"]
    assert symbols["VMSPLIT_2G"]["depends"] == "X86_32"
    assert symbols["VMSPLIT_2G"]["visible"] is False
    assert symbols["KASAN"]["depends"] == "X86_64"
    assert symbols["PAGE_OFFSET"]["defaults"] == [
        {"value": "0x80000000", "if": "VMSPLIT_2G && X86_32"},
        {"value": "0x40000000", "if": "VMSPLIT_1G && X86_32"},
        {"value": "0xC0000000", "if": "X86_32"},
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["menuconfig"], "menuconfig needs a terminal"),
        (["oldconfig"], "oldconfig asks questions"),
        (["nconfig"], "nconfig is make's: type `scons menuconfig`"),
        (["xconfig"], "xconfig is make's: type `scons guiconfig`"),
        (["menuconfig", "boot"], "run `scons menuconfig` first"),
        (["defconfig", "XEN=0"], "XEN= holds for one run, and defconfig changes the saved"),
        (["olddefconfig", "XEN=0"], "or type `scons olddefconfig setconfig XEN=0`"),
        (["other.config"], "there is no configuration other.config"),
        (["arm_defconfig"], "there is no configuration arm_defconfig"),
        (
            ["defconfig", "i386_defconfig"],
            "i386_defconfig replaces the whole configuration: name it first",
        ),
        (["randconfig", "SEED=x"], "SEED is a number"),
        (["MODEE=pv"], "do you mean MODE or "),
        (["XEN_RELEAS=4.20"], "do you mean XEN_RELEASE"),
        (["setconfig"], "setconfig needs settings: type `scons setconfig XEN_PVH=1 SMP=0`"),
        (["setconfig", "SMP"], "setconfig needs a value for SMP: type `scons setconfig SMP=VALUE`"),
    ],
)
def test_a_wrong_command_is_one_sentence_and_changes_nothing(
    kernel: Project, arguments: list[str], words: str
) -> None:
    run = kernel.run(*arguments)
    assert run.status == 2
    assert words in run.err
    assert not (kernel.top / ".config").exists()


@pytest.mark.parametrize("target", ["menuconfig", "olddefconfig", "savedefconfig", "up.config"])
def test_a_damaged_configuration_is_not_replaced(kernel: Project, target: str) -> None:
    kernel.write("kconfig/configs/up.config", "# CONFIG_SMP is not set\n")
    kernel.write(".config", "CONFIG_XEN=y\n<<<<<<< HEAD\n")
    run = kernel.run(target)
    assert run.status == 2
    assert ".config:2: malformed line" in run.err
    assert config(kernel) == "CONFIG_XEN=y\n<<<<<<< HEAD\n"
    assert not (kernel.top / ".config.old").exists()


def test_a_damaged_configuration_is_replaced_when_asked_to(kernel: Project) -> None:
    kernel.write(".config", "CONFIG_XEN=y\n<<<<<<< HEAD\n")
    kernel.scons("defconfig")
    assert "<<<" in (kernel.top / ".config.old").read_text()
    assert "CONFIG_XEN_PV=y" in config(kernel)


def test_a_configuration_that_cannot_be_written_is_left(kernel: Project, tmp_path: Path) -> None:
    (kernel.top / ".config").mkdir()
    run = kernel.run("defconfig")
    assert run.status == 2
    assert ".config: cannot be read: Is a directory" in run.err


def test_a_link_stays_a_link(kernel: Project, tmp_path: Path) -> None:
    real = tmp_path / "my-config"
    real.write_text("")
    (kernel.top / ".config").symlink_to(real)
    kernel.scons("defconfig")
    assert (kernel.top / ".config").is_symlink()
    assert "CONFIG_XEN_PV=y" in real.read_text()


def test_kconfig_config_names_another_file(kernel: Project) -> None:
    kernel.scons("defconfig", KCONFIG_CONFIG="configs/mine")
    assert "CONFIG_XEN_PV=y" in (kernel.top / "configs/mine").read_text()
    assert not (kernel.top / ".config").exists()
    kernel.edit("configs/mine", "CONFIG_SMP=y", "# CONFIG_SMP is not set")
    out = kernel.scons("listconfig", KCONFIG_CONFIG="configs/mine").out
    assert re.search(r"^SMP +n  in configs/mine:", out, re.MULTILINE)


def test_a_dry_run_changes_nothing(kernel: Project) -> None:
    kernel.scons("-n", "defconfig")
    assert not (kernel.top / ".config").exists()


def test_oldconfig_asks(kernel: Project) -> None:
    import pty

    kernel.write(".config", "CONFIG_X86_64=y\nCONFIG_XEN=y\nCONFIG_XEN_PV=y\n")
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "SCons", "-Q", "oldconfig"],
        cwd=kernel.top, stdin=follower, stdout=follower, stderr=follower, close_fds=True,
    )  # fmt: skip
    os.close(follower)
    seen = b""
    answers = iter([b"y\n", b"n\n", b"n\n", b"n\n", b"y\n"])
    while True:
        try:
            data = os.read(leader, 1000)
        except OSError:
            break
        if not data:
            break
        seen += data
        if seen.endswith(b"] "):
            os.write(leader, next(answers))
    assert process.wait(20) == 0, seen
    assert b"Symmetric multi-processing support" in seen
    assert "CONFIG_SMP=y" in config(kernel)
    assert "# CONFIG_KASAN is not set" in config(kernel)


def test_a_locale_without_the_characters_of_a_prompt(kernel: Project) -> None:
    text = (kernel.top / "kconfig/Kconfig").read_text()
    more = 'config A\n\tstring "größe"\n\tdefault "größe"\n'
    kernel.write("kconfig/Kconfig", f"{text}\n{more}")
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert "gr\\xf6\\xdfe" in kernel.scons("-h", **locale).out
    assert "gr\\xf6\\xdfe" in kernel.scons("listconfig", **locale).out


def test_the_built_configuration_is_a_target_like_any(kernel: Project) -> None:
    assert kernel.scons("build/x86_64/.config").steps == ["CONFIG build/x86_64/.config"]
