# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Depfiles of real programs name the files that were read, with any characters in the names."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from programs import program
from xen_tool.build import depfile

PLAIN = ["plain", "a b", "a  b", "a#b", "a$b", "a$$b", "it's", "a:b", "a: b", "a%*?[]~b", "é"]
HOSTILE = ["a\\b", "a\\ b", "a\\\\ b", "a\\\\b", "a\\$b", "a\\nb", 'a"b', "a\tb", "a\t\\ b"]
GNU_LINKERS = ("ld", "ld.bfd")
LINKERS = (*GNU_LINKERS, "ld.lld")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*argv: str) -> None:
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def text_of(path: str) -> str:
    # As the engine reads it.
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def included(compiler: str, names: list[str], *options: str) -> list[str]:
    """Return the files in a compiler's depfile for a source that includes names."""
    for name in names:
        Path(name).write_text("extern int x;\n")
    Path("t.c").write_text("".join(f"#include <{name}>\n" for name in names))
    report = ["-MD", "-MF", "depfile", "-MT", "x"]
    run(compiler, "-I.", *report, *options, "-c", "t.c", "-o", "t.o")
    return [name for name in depfile.compiler(text_of("depfile")) if not name.startswith("/")]


def linked(linker: str, names: list[str]) -> list[str]:
    """Return the files in a linker's depfile for objects with names."""
    Path("t.s").write_text(".globl _start\n_start: ret\n")
    run("as", "t.s", "-o", names[0])
    Path("e.s").write_text("")
    for name in names[1:]:
        run("as", "e.s", "-o", name)
    run(linker, "--dependency-file=depfile", "-o", "out", *names)
    return depfile.linker(text_of("depfile"))


@pytest.mark.parametrize("name", PLAIN + HOSTILE)
def test_gcc_names_a_header(gcc: str, name: str) -> None:
    assert included(gcc, [f"{name}.h"]) == ["t.c", f"{name}.h"]


def test_gcc_names_all_headers_in_order_over_many_lines(gcc: str) -> None:
    names = [f"{name}.h" for name in PLAIN + HOSTILE]
    found = included(gcc, names)
    assert "\\\n" in text_of("depfile")
    assert sorted(found) == sorted(["t.c", *names])


def test_gcc_names_a_header_once_however_often_it_is_included(gcc: str) -> None:
    assert included(gcc, ["a.h", "b.h", "a.h"]) == ["t.c", "a.h", "b.h"]


def test_rules_of_phony_targets_add_nothing(gcc: str) -> None:
    assert included(gcc, ["a.h", "a b.h"], "-MP") == ["t.c", "a.h", "a b.h"]


def test_a_name_that_is_not_utf_8_comes_through(gcc: str) -> None:
    name = os.fsdecode(b"\xff\xfe.h")
    Path(name).write_text("")
    Path("t.c").write_bytes(b"#include <\xff\xfe.h>\n")
    run(gcc, "-I.", "-MD", "-MF", "depfile", "-MT", "x", "-c", "t.c", "-o", "t.o")
    assert name in depfile.compiler(text_of("depfile"))


@pytest.mark.parametrize("name", PLAIN)
def test_clang_names_a_header(name: str) -> None:
    assert included(program("clang"), [f"{name}.h"]) == ["t.c", f"{name}.h"]


@pytest.mark.parametrize("name", PLAIN + HOSTILE)
def test_gnu_as_under_gcc_names_an_embedded_file(gcc: str, name: str) -> None:
    Path(f"{name}.bin").write_text("data")
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    Path("t.s").write_text(f'.incbin "{escaped}.bin"\n')
    run(gcc, "-Xassembler", "--MD=depfile", "-c", "t.s", "-o", "t.o")
    assert set(depfile.compiler(text_of("depfile"))) == {"t.s", f"{name}.bin"}


@pytest.mark.parametrize("linker", LINKERS)
@pytest.mark.parametrize("name", PLAIN)
def test_a_linker_names_an_object(linker: str, name: str) -> None:
    assert linked(linker, [f"{name}.o"]) == [f"{name}.o"]


@pytest.mark.parametrize("linker", GNU_LINKERS)
@pytest.mark.parametrize("name", HOSTILE)
def test_gnu_ld_names_an_object_with_backslashes_quotes_or_tabs(linker: str, name: str) -> None:
    assert linked(linker, [f"{name}.o"]) == [f"{name}.o"]


@pytest.mark.parametrize("linker", LINKERS)
def test_a_linker_names_each_file_once_in_order(linker: str) -> None:
    assert linked(linker, ["z.o", "a b.o", "m.o"]) == ["z.o", "a b.o", "m.o"]


@pytest.mark.parametrize("linker", LINKERS)
def test_a_linker_names_its_script_and_a_library(linker: str) -> None:
    Path("t.s").write_text(".globl _start, f\n_start: call f\n")
    Path("f.s").write_text(".globl f\nf: ret\n")
    for name in ("t", "f"):
        run("as", f"{name}.s", "-o", f"{name}.o")
    run("ar", "rcs", "lib a.a", "f.o")
    Path("a script.lds").write_text("SECTIONS { .text : { *(.text) } }\n")
    words = ["-T", "a script.lds", "t.o", "lib a.a"]
    run(linker, "--dependency-file=depfile", "-o", "out", *words)
    assert set(depfile.linker(text_of("depfile"))) == {"a script.lds", "t.o", "lib a.a"}


@pytest.mark.parametrize("text", ["", "x:\n", "x: \\\n", "junk", "\n\n"])
def test_a_depfile_without_prerequisites_names_nothing(text: str) -> None:
    assert depfile.compiler(text) == []
    assert depfile.linker(text) == []
