# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The outputs of a build in every type of configuration, and their places."""

from __future__ import annotations

import fcntl
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from project import TOP, Project
from sources import sources_of, values_of

Headers = Callable[..., str]
SHORTCUT = str(TOP / "site_scons/xen_tool/shortcut/__main__.py")

ALL = {
    f"{step}"
    for step in (
        "CONFIG .config",
        "HEAD xen-head.o",
        "LDS vmlinux.lds",
        "LD vmlinux.unchecked",
        "CHECK vmlinux",
        *(f"CC {Path(source).stem}.o" for source in sources_of(values_of("x86_64", {}))),
    )
}


@pytest.fixture
def readelf_says(readelf: str) -> Headers:
    def say(option: str, image: Path) -> str:
        command = [readelf, option, "-W", str(image)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return say


def _symbols(image: Path) -> set[str]:
    with image.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        return {symbol.name for symbol in table.iter_symbols()}


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in str(path)}


def test_the_first_build_makes_everything_and_the_second_nothing(kernel: Project) -> None:
    before = _files(kernel.top)
    question = kernel.run("-q", "XEN_PV=1", "ARCH=x86_64")
    assert question.status == 1
    assert "Mkdir" not in question.out
    assert not (kernel.top / "build").exists()
    run = kernel.scons("XEN_PV=1", "ARCH=x86_64")
    assert run.names == ALL
    assert len(run.steps) == len(ALL)
    build = kernel.top / "build/x86_64"
    for path in ("vmlinux", ".config", "include/generated/autoconf.h", "arch/x86/xen/xen-head.o"):
        assert (build / path).is_file(), path
    assert "#define CONFIG_XEN_PV 1\n" in (build / "include/generated/autoconf.h").read_text()
    assert "CONFIG_XEN_PV=y\n" in (build / ".config").read_text()
    again = kernel.scons("XEN_PV=1", "ARCH=x86_64")
    assert again.steps == []
    assert "up to date" in again.out
    assert kernel.run("-q", "XEN_PV=1", "ARCH=x86_64").status == 0
    # The source tree stays clean.
    made = _files(kernel.top) - before
    assert {path.relative_to(kernel.top).parts[0] for path in made} == {"build"}
    assert [path.name for path in (kernel.top / "build").iterdir()] == ["x86_64"]


def test_the_last_line_says_what_was_built_and_how_to_boot_it(built_kernel: Project) -> None:
    # Settings of other targets are not repeated.
    words = ("XEN_PV=1", "ARCH=x86_64", "JUNIT=x", "AGAINST=HEAD")
    last = built_kernel.scons(*words).out.splitlines()[-1]
    assert last == (
        "build/x86_64/vmlinux: a 64-bit Xen PV kernel; "
        "boot it on Xen with: scons boot XEN_PV=1 ARCH=x86_64"
    )


def test_the_image_has_its_notes_in_a_segment_of_their_own(
    built_kernel: Project, readelf_says: Headers
) -> None:
    image = built_kernel.top / "build/x86_64/vmlinux"
    lines = readelf_says("-l", image).splitlines()
    assert [line.split()[-1] for line in lines if line.split()[:1] == ["NOTE"]] == ["0x4"]
    assert "Entry point 0xffffffff81" in "\n".join(lines)
    for line in lines:
        words = line.split()
        if words[:1] == ["LOAD"]:
            assert int(words[2], 16) - int(words[3], 16) == 0xFFFFFFFF80000000


@pytest.mark.parametrize("arch", ["x86_64", "i386"])
def test_without_xen_the_image_holds_nothing_of_it(
    kernel: Project, arch: str, readelf_says: Headers
) -> None:
    run = kernel.scons("XEN=0", f"ARCH={arch}")
    assert run.names == {
        *("CONFIG .config", "LDS vmlinux.lds", "CC halt.o"),
        *("LD vmlinux.unchecked", "CHECK vmlinux"),
    }
    image = kernel.top / f"build/{arch}/vmlinux"
    assert "NOTE" not in readelf_says("-lS", image)
    names = _symbols(image)
    assert "startup_halt" in names
    assert not {name for name in names if "xen" in name or "hypercall" in name}
    assert "no Xen loader accepts it" in run.out.splitlines()[-1]


@pytest.mark.parametrize("arch", ["x86_64", "i386"])
def test_without_pv_the_head_stays_but_the_entry_halts(
    kernel: Project, arch: str, readelf_says: Headers
) -> None:
    run = kernel.scons("XEN_PV=0", f"ARCH={arch}")
    assert "CC halt.o" in run.names
    assert "CC setup.o" not in run.names
    image = kernel.top / f"build/{arch}/vmlinux"
    names = _symbols(image)
    assert {"startup_halt", "hypercall_page"} <= names
    assert "startup_xen" not in names
    assert "NOTE" in readelf_says("-l", image)


def test_a_32_bit_kernel_is_linked_at_its_memory_split(
    kernel: Project, readelf_says: Headers
) -> None:
    run = kernel.scons("ARCH=i386", "XEN_PV=1", "VMSPLIT_2G=1")
    image = kernel.top / "build/i386/vmlinux"
    header = readelf_says("-h", image)
    assert "ELF32" in header
    assert "Entry point address:               0x81" in header
    assert run.out.splitlines()[-1].startswith(
        "build/i386/vmlinux: a 32-bit Xen PV kernel; boot it"
    )


def test_o_names_another_folder_and_paths_may_have_blanks(kernel: Project, tmp_path: Path) -> None:
    kernel.top.rename(tmp_path / "my kernel's tree")
    moved = Project(tmp_path / "my kernel's tree")
    elsewhere = tmp_path / "with blank" / "out$x"
    moved.scons(f"O={elsewhere}")
    assert (elsewhere / "vmlinux").is_file()
    assert not (moved.top / "build").exists()
    assert moved.up_to_date(f"O={elsewhere}")


def test_a_folder_of_the_tree_may_hold_blanks_and_a_dollar(tmp_path: Path) -> None:
    small = Project(tmp_path / "my kernel's tree")
    small.write_small('Default(env.XenImage("k", ["a.c"], script="k.lds", loaders=[]))\n')
    small.write("a.c", "int a = 1;\n")
    for words, folder in (((), "build"), (("O=out$x",), "out$x")):
        small.scons(*words)
        assert (small.top / folder).is_dir()
        assert small.up_to_date(*words)
    assert {path.name for path in small.top.glob("out*")} == {"out$x"}


def test_v_shows_the_commands(built_kernel: Project) -> None:
    built_kernel.edit("arch/x86/xen/setup.c", "#include", "extern int x;\n#include")
    out = built_kernel.scons("V=1").out
    assert "-c -o build/x86_64/arch/x86/xen/setup.o arch/x86/xen/setup.c" in out
    assert "  CC " not in out


def test_clean_leaves_nothing_of_what_was_built(built_kernel: Project) -> None:
    built_kernel.scons("-c")
    assert not (built_kernel.top / "build").exists()


def test_a_dry_run_makes_nothing(kernel: Project) -> None:
    run = kernel.scons("-n")
    assert run.names == ALL
    assert not (kernel.top / "build").exists()


@pytest.mark.parametrize(
    ("file", "step"),
    [
        ("arch/x86/xen/lib.c", "CC lib.o"),
        ("site_scons/xen_tool/head/model.py", "HEAD xen-head.o"),
        ("arch/x86/xen/vmlinux.lds.S", "LDS vmlinux.lds"),
    ],
)
@pytest.mark.parametrize("decider", ["", 'env.Decider("timestamp-match")'])
def test_a_dry_run_shows_what_would_follow(
    built_with_tool: Project, file: str, step: str, decider: str
) -> None:
    built_with_tool.edit("SConstruct", "env.XenConfigure(", f"{decider}\nenv.XenConfigure(")
    assert built_with_tool.up_to_date("-n")
    path = built_with_tool.top / file
    path.write_text(f"{path.read_text()}\n")
    assert built_with_tool.scons("-n").names == {
        step,
        "LD vmlinux.unchecked",
        "CHECK vmlinux",
    }
    assert built_with_tool.run("-q").status == 1
    built_with_tool.scons()
    assert built_with_tool.up_to_date("-n")
    assert built_with_tool.run("-q").status == 0


def test_a_program_that_makes_nothing_is_an_error(built_kernel: Project) -> None:
    run = built_kernel.run(f"LD={shutil.which('true')}")
    assert run.status == 2
    assert "made no build/x86_64/vmlinux.unchecked" in run.err
    assert "Xen PV kernel" not in run.out


def test_help_explains_the_project_and_makes_nothing(kernel: Project) -> None:
    out = kernel.scons("-h").out
    for word in ("scons boot", "ARCH=", "TOOLCHAIN=", "XEN_PV=y", "Examples:"):
        assert word in out
    assert not (kernel.top / "build").exists()


def test_parallel_and_serial_builds_are_equal(kernel: Project) -> None:
    kernel.scons("-j4", "O=build/parallel")
    kernel.scons("O=build/serial")
    parallel = (kernel.top / "build/parallel/vmlinux").read_bytes()
    assert parallel == (kernel.top / "build/serial/vmlinux").read_bytes()


def test_a_second_build_waits_for_the_first(built_kernel: Project) -> None:
    built_kernel.edit("arch/x86/xen/lib.c", "#include", "extern int x;\n#include")
    with (built_kernel.top / "build/x86_64/.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        timer = threading.Timer(1.0, fcntl.flock, (lock, fcntl.LOCK_UN))
        timer.start()
        run = built_kernel.scons()
        timer.join()
    assert "waiting for process" in run.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    "command",
    [["-m", "SCons"], ["-m", "SCons", "-j2"], ["-I", "-S", SHORTCUT]],
    ids=["scons", "scons -j2", "xen-tool build"],
)
def test_a_build_that_waits_can_be_ended(
    tmp_path: Path, command: list[str], number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = Project(tmp_path / "tree")
    project.write_small('Default(env.XenImage("k", ["a.c"], script="k.lds", loaders=[]))\n')
    project.write("a.c", "int a = 1;\n")
    command = [sys.executable, *command]
    subprocess.run(command, cwd=project.top, check=True, stdout=subprocess.DEVNULL)
    project.edit("a.c", "1", "2")
    with (project.top / "build/x86_64/.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(
            command,
            cwd=project.top,
            # A shell's job in the background ignores SIGINT, and then so does the tool.
            preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as waiting:
            assert waiting.stderr is not None
            while "waiting for" not in waiting.stderr.readline():
                pass
            waiting.send_signal(number)
            assert waiting.wait(60) != 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["XEN=0", "XEN_PV=1"], "XEN_PV=1 cannot hold: it needs XEN (=n, set on the command line)"),
        (["XEN_VP=1"], "do you mean XEN_PV"),
        (["SMP=maybe"], "its value is 1, 0, y or n"),
        (["ARCH=arm64"], "the architectures are x86_64 and i386"),
        (["X86_64=0"], "type ARCH=i386 instead"),
        (["ARCH=i386", "KASAN=1"], "it needs X86_64 (=n, ARCH); type ARCH=x86_64 KASAN=1"),
        (["TOOLCHAIN=msvc"], "the toolchains are gcc, clang, zig"),
        (["CC=no-such-compiler"], "no such C compiler in PATH"),
        (["V=2"], "V is 0 or 1"),
        (["--interactive"], "--interactive would look at each file once"),
        (["TIMEOUT=soon"], "TIMEOUT is a number of seconds"),
        (["O="], "O= has no value"),
        (["O=."], "outputs would land among the sources"),
        (["O=.."], "outputs would land among the sources"),
        (["O=SConstruct"], "cannot build there: SConstruct is not a folder"),
        (["O=SConstruct/x"], "cannot build there: SConstruct is not a folder"),
        (["O=/proc/x/y"], "O=/proc/x/y: cannot build there: "),
        (["O=arch"], "outputs would land among the sources"),
        (["O=-o"], "programs would take it for an option"),
        (["XEN_PV=1", "XEN_PV=0"], "XEN_PV is set twice, to 1 and 0"),
        (["ARCH=i386", "ARCH=x86_64"], "ARCH is set twice"),
        (["TOOLCHAIN=zig", "CC=gcc"], "TOOLCHAIN=zig and CC=gcc contradict"),
        (["TIMEOUT=0"], "TIMEOUT is a number of seconds"),
        (["TIMEOUT=inf"], "TIMEOUT is a number of seconds"),
    ],
)
def test_a_wrong_setting_is_one_sentence(kernel: Project, arguments: list[str], words: str) -> None:
    run = kernel.run(*arguments)
    assert run.status == 2
    assert words in run.err
    assert len(run.err.splitlines()) == 1
    assert not (kernel.top / "build").exists()


def test_a_refused_setting_leaves_what_was_built(built_kernel: Project) -> None:
    image = built_kernel.top / "build/x86_64/vmlinux"
    config = built_kernel.top / "build/x86_64/.config"
    before = (image.read_bytes(), config.read_bytes(), config.stat().st_mtime_ns)
    assert built_kernel.run("XEN=0", "XEN_PV=1").status == 2
    assert (image.read_bytes(), config.read_bytes(), config.stat().st_mtime_ns) == before


def test_a_compile_error_fails_the_build_and_says_nothing_was_built(built_kernel: Project) -> None:
    built_kernel.edit("arch/x86/xen/setup.c", "#include", "#error broken\n#include")
    run = built_kernel.run()
    assert run.status == 2
    assert "broken" in run.err
    assert "vmlinux:" not in run.out


def test_where_objects_of_sources_elsewhere_are(kernel: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside.c"
    outside.write_text("int outside;\n")
    kernel.write("build/x86_64/made.c", "int made;\n")
    kernel.write("a/b.c", "int b;\n")
    sources = ["a/b.c", "build/x86_64/made.c", str(outside)]
    text = (kernel.top / "SConstruct").read_text()
    kernel.write("SConstruct", f"{text}Default(env.XenObject({sources}))\n")
    compiled = [step for step in kernel.scons().steps if "arch/x86" not in step]
    build = "CC build/x86_64"
    assert {f"{build}/a/b.o", f"{build}/made.o", f"{build}{outside.with_suffix('.o')}"} <= {
        *compiled
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('env.XenObject("one.o", ["a.c", "b.c"])', "XenObject: 1 targets of 2 sources"),
        ('env.XenCheck("again", 5)', "XenCheck: 5 is no image that XenImage made"),
        ('env.XenCheck("again", [])', "XenCheck is given 0 images: name one that XenImage made"),
        ('env.XenCheck("again", None)', "XenCheck is given 0 images: name one"),
        ('env.XenCheck("again", [vmlinux, head])', "XenCheck is given 2 images: name one"),
        ('env.XenBoot("again", [])', "XenBoot is given 0 images: name one that XenImage made"),
        ("env.XenSummary([])", "XenSummary is given 0 images: name one that XenImage made"),
    ],
)
def test_a_wrong_sconstruct_is_one_sentence(kernel: Project, line: str, words: str) -> None:
    text = (kernel.top / "SConstruct").read_text()
    kernel.write("SConstruct", f"{text}{line}\n")
    run = kernel.run("-n")
    assert run.status == 2
    assert words in run.err


def test_an_empty_list_of_sources_gives_no_objects(kernel: Project) -> None:
    text = (kernel.top / "SConstruct").read_text()
    kernel.write("SConstruct", f"{text}assert env.XenObject([]) == []\n")
    kernel.scons("-n")
