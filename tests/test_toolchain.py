# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The compiler and linker that are chosen, by the programs in PATH."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

import pytest

from programs import program
from xen_tool.abi import I386, X86_64
from xen_tool.errors import XenToolError
from xen_tool.toolchain import flags
from xen_tool.toolchain import programs as toolchain
from xen_tool.toolchain.programs import Toolchain


def programs(folder: Path, *names: str) -> str:
    """Return a PATH with these programs, which print what gcc -print-file-name would."""
    for name in names:
        program = folder / name
        program.write_text("#!/bin/sh\necho /include\n")
        program.chmod(0o755)
    return str(folder)


def names(tools: Toolchain) -> tuple[list[str], list[str]]:
    return [os.path.basename(w) for w in tools.cc], [os.path.basename(w) for w in tools.ld]


@pytest.mark.parametrize(
    ("there", "arguments", "cc", "ld"),
    [
        (["gcc", "clang", "ld", "ld.lld"], {}, ["gcc"], ["ld"]),
        (["clang", "ld", "ld.lld"], {}, ["clang"], ["ld.lld"]),
        (["clang", "ld"], {}, ["clang"], ["ld"]),
        (["gcc", "clang", "ld"], {"toolchain": "clang"}, ["clang"], ["ld"]),
        (["gcc", "gcc-13", "ld"], {"cc": "gcc-13"}, ["gcc-13"], ["ld"]),
        (["clang-14", "ld", "ld.lld-14"], {"cc": "clang-14"}, ["clang-14"], ["ld.lld-14"]),
        (["x86_64-linux-gnu-gcc", "x86_64-linux-gnu-ld", "ld"],
         {"cc": "x86_64-linux-gnu-gcc"}, ["x86_64-linux-gnu-gcc"], ["x86_64-linux-gnu-ld"]),
        (["x86_64-linux-gnu-gcc", "x86_64-linux-gnu-ld", "ld"],
         {"cc": "x86_64-linux-gnu-gcc -m64"}, ["x86_64-linux-gnu-gcc", "-m64"],
         ["x86_64-linux-gnu-ld"]),
        (["x-gcc", "x-ld", "gcc", "ld"], {"cross": "x-"}, ["x-gcc"], ["x-ld"]),
        (["x-gcc", "x-ld", "gcc", "ld"], {"cross": "x-", "toolchain": "gcc", "cc": "gcc"},
         ["gcc"], ["x-ld"]),
        (["x-gcc", "x-ld", "clang", "ld.lld"], {"cross": "x86_64-elf-", "toolchain": "clang"},
         ["clang", "--target=x86_64-elf"], ["ld.lld"]),
        (["gcc", "ld", "clang", "ld.lld"], {"llvm": "1"}, ["clang"], ["ld.lld"]),
        (["gcc", "clang", "clang-14", "ld.lld-14"], {"llvm": "-14"}, ["clang-14"], ["ld.lld-14"]),
        (["gcc", "clang", "ld.lld", "mold"], {"llvm": "1", "ld": "mold"}, ["clang"], ["mold"]),
        (["ccache", "gcc", "ld"], {"cc": "ccache gcc"}, ["ccache", "gcc"], ["ld"]),
        (["gcc", "ld"], {"cc": "gcc -I /opt/gcc -m64"}, ["gcc", "-I", "gcc", "-m64"], ["ld"]),
        (["gcc", "ld", "mold"], {"ld": "mold"}, ["gcc"], ["mold"]),
    ],
)  # fmt: skip
def test_the_chosen_compiler_and_linker(
    tmp_path: Path, there: list[str], arguments: dict[str, str], cc: list[str], ld: list[str]
) -> None:
    tools = toolchain.find(programs(tmp_path, *there), **arguments)
    assert names(tools) == (cc, ld)
    assert tools.include == "/include"


def test_without_a_compiler_the_ways_to_get_one_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(XenToolError, match=r"neither gcc nor clang .*pip install ziglang"):
        toolchain.find(str(tmp_path))
    with pytest.raises(XenToolError, match="pip install ziglang"):
        toolchain.find(str(tmp_path), toolchain="zig")


@pytest.mark.parametrize(
    ("there", "arguments", "words"),
    [
        ([], {"toolchain": "gcc"}, "no linker for gcc"),
        (["gcc"], {}, "no linker for gcc: none of ld, ld.lld"),
        (["ld"], {"toolchain": "gcc"}, "gcc: no such C compiler in PATH"),
        (["gcc", "ld"], {"ld": "gold"}, "gold: no such linker in PATH"),
        (["gcc", "ld"], {"toolchain": "tcc"}, "the toolchains are gcc, clang, zig"),
        (["clang", "ld"], {"llvm": "1"}, "ld.lld: no such linker in PATH"),
        (["clang", "ld.lld"], {"llvm": "-14"}, "clang-14: no such C compiler in PATH"),
        (["clang", "ld.lld"], {"llvm": "14"}, "LLVM=14: it is 1, a version such as -14"),
        (["clang", "ld.lld"], {"llvm": "1", "toolchain": "gcc"}, "contradict"),
        (["gcc", "ld"], {"cross": "x-"}, "x-gcc: no such C compiler in PATH"),
        (["gcc", "ld"], {"cross": "x-", "toolchain": "zig"}, "leave CROSS_COMPILE out"),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, there: list[str], arguments: dict[str, str], words: str
) -> None:
    with pytest.raises(XenToolError) as error:
        toolchain.find(programs(tmp_path, *there), **arguments)
    assert words in str(error.value)


def test_a_folder_of_llvm(tmp_path: Path) -> None:
    folder = tmp_path / "my llvm"
    folder.mkdir()
    programs(folder, "clang", "ld.lld")
    tools = toolchain.find(programs(tmp_path, "clang", "ld.lld"), llvm=f"{folder}/")
    assert (tools.cc, tools.ld) == ((f"{folder}/clang",), (f"{folder}/ld.lld",))


@pytest.mark.parametrize(
    ("name", "output", "words"),
    [
        ("gcc", "gcc version 7.5.0 (Debian)", "gcc is gcc 7.5.0, and the tool needs gcc 8"),
        ("gcc", "gcc version 8.3.0", ""),
        ("clang", "Debian clang version 11.0.1-2", "clang is clang 11.0.1, and the tool needs"),
        ("clang", "Debian clang version 14.0.6", ""),
        ("clang", "Apple something", ""),
    ],
)
def test_versions(tmp_path: Path, name: str, output: str, words: str) -> None:
    path = programs(tmp_path, name, "ld")
    (tmp_path / name).write_text(f"#!/bin/sh\necho /include\necho '{output}' >&2\n")
    if words:
        with pytest.raises(XenToolError, match=words):
            toolchain.find(path)
    else:
        assert toolchain.find(path).name == name


@pytest.mark.build
@pytest.mark.parametrize("name", ["gcc", "clang"])
def test_the_real_ones_say_a_version(name: str) -> None:
    assert re.search(r"\b(gcc|clang) version \d+", toolchain._dry_run([program(name)]))


@pytest.mark.parametrize("command", ["", "'", '"gcc'])
def test_a_command_that_cannot_run_is_an_error(tmp_path: Path, command: str) -> None:
    with pytest.raises(XenToolError, match="is not a command"):
        toolchain.find(programs(tmp_path, "gcc", "ld"), cc=command or " ")


def test_a_compiler_that_fails_is_an_error(tmp_path: Path) -> None:
    path = programs(tmp_path, "gcc", "ld")
    (tmp_path / "gcc").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(XenToolError, match="is it a C compiler"):
        toolchain.find(path)


def test_a_toolchain_is_all_that_its_driver_runs(tmp_path: Path) -> None:
    include = tmp_path / "include"
    include.mkdir()
    (include / "stddef.h").touch()
    path = programs(tmp_path, "gcc", "ld-1", "as", "cc1")
    (tmp_path / "ld").symlink_to("ld-1")
    (tmp_path / "gcc").write_text(
        f"""#!/bin/sh
case $1 in
-print-file-name=*) echo {include} ;;
*) printf 'COLLECT_GCC=gcc\\n {tmp_path}/cc1 -E "a b"\\n as --64\\nCOMPILER_PATH=/x\\n' >&2 ;;
esac
"""
    )
    tools = toolchain.find(path)
    files = [str(tmp_path / name) for name in ("gcc", "cc1", "as", "include/stddef.h")]
    assert list(tools.cc_files) == files
    # The link may be changed to another program.
    assert tools.ld_files == (str(tmp_path / "ld"), str(tmp_path / "ld-1"))


def test_the_files_of_gcc_include_cc1_and_the_assembler(gcc: str) -> None:
    names = {os.path.basename(path) for path in toolchain.find(os.environ["PATH"], cc=gcc).cc_files}
    assert {"cc1", "stddef.h"} <= names
    assert any(name.endswith("as") for name in names)


@pytest.mark.parametrize(
    ("there", "when"),
    [
        (["gcc", "as"], "always"),
        (["gcc"], "always"),
        (["clang", "as"], "where needed"),
        (["clang"], ""),
    ],
)
def test_when_gnu_as_assembles(tmp_path: Path, there: list[str], when: str) -> None:
    assert toolchain.find(programs(tmp_path, "ld", *there)).gas == when


def test_flags_fit_the_architecture() -> None:
    assert "-mcmodel=kernel" in flags.cc_flags("gcc", X86_64)
    assert "-mno-red-zone" in flags.cc_flags("gcc", X86_64)
    assert "-m32" in flags.cc_flags("gcc", I386)
    assert "elf_i386" in flags.ld_flags(I386)
