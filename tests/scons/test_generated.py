# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Generated files of kernels: those that the tool makes, and those of other builders of SCons.

asm-offsets.h from a compilation, a table of the image's symbols, a header by a script, and what
objcopy makes of the image; by `scons` and by `xen-tool build`.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from forked import TOOLPATH
from project import TOP, Project, Run

SCONSTRUCT = f"""
import os

DefaultEnvironment(tools=[])
env = Environment(
    tools=["xen_tool"],
    toolpath=[{TOOLPATH!r}],
    ENV={{"PATH": os.environ["PATH"]}},
    CPPPATH=["#out/gen", "#"],
    LINKFLAGS=["--no-warn-rwx-segments"],
)
env.XenConfigure("Kconfig", build="out")

env.XenOffsets("gen/asm-offsets.h", "offsets.c")
env.Command("out/gen/version.h", "VERSION", "(echo '#define VERSION \\\\'; cat $SOURCE) > $TARGET")

sources = ["main.c", "entry.S", "more.c"]
objects = [env.XenObject(source) for source in sources]
table = env.XenKallsyms("table.o", objects, script="image.lds")
image = env.XenImage("image", [objects, table], script="image.lds", loaders=[])
env.Command("out/image.bin", image, "objcopy -O binary $SOURCE $TARGET")
Default("out/image.bin")
"""

OFFSETS = """
#include "task.h"
#define DEFINE(NAME, value) \\
	asm volatile("\\n.ascii \\"->" #NAME " %0 " #value "\\"" : : "i"(value))
void f(void);
void f(void)
{
	asm volatile("\\n.ascii \\"->#of a task\\"");
	DEFINE(TASK_FLAGS, __builtin_offsetof(struct task, flags));
	asm volatile("\\n.ascii \\"->\\"");
	DEFINE(BELOW, -3);
#ifdef CONFIG_SMP
	DEFINE(CPUS, 8);
#endif
}
"""
FILES = {
    "SConstruct": SCONSTRUCT,
    "Kconfig": 'config X86_64\n\tdef_bool y\nconfig SMP\n\tbool "SMP"\n',
    "VERSION": '"1.0"\n',
    "offsets.c": OFFSETS,
    "task.h": "struct task { int state, flags; };\n",
    "main.c": '#include "version.h"\n#include "task.h"\nconst char *version = VERSION;\n',
    "more.c": "int more = 1;\nvoid more_of_it(void);\nvoid more_of_it(void) {}\n",
    "entry.S": '#include "asm-offsets.h"\n.globl _start\n_start: mov $TASK_FLAGS, %eax\n',
    "image.lds": """ENTRY(_start)
SECTIONS
{
	. = 0x100000;
	.text : { *(.text) }
	.data : { *(.data .rodata .rodata.* .bss) }
	/DISCARD/ : { *(.note.* .comment .eh_frame) }
}
""",
}


class Both(Project):
    """A tree that either scons or `xen-tool build` builds."""

    command: str

    def build(self, *arguments: str) -> Run:
        """Run the command, which must succeed."""
        if self.command == "scons":
            return self.scons(*arguments)
        main = TOP / "site_scons/xen_tool/shortcut/__main__.py"
        done = subprocess.run(
            [sys.executable, "-I", "-S", main, "-Q", *arguments],
            cwd=self.top,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return Run(done.returncode, done.stdout, done.stderr)


@pytest.fixture(params=["scons", "xen-tool build"])
def tree(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Both:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = Both(tmp_path / "tree")
    found.command = request.param
    for name, text in FILES.items():
        found.write(name, text)
    return found


def compiled(run: Run) -> set[str]:
    return {step.removeprefix("CC out/") for step in run.steps if step.startswith("CC")}


def test_a_first_build_makes_all_and_a_second_nothing(tree: Both) -> None:
    run = tree.build("-j2")
    assert compiled(run) == {"main.o", "entry.o", "more.o"}
    assert b"1.0" in (tree.top / "out/image.bin").read_bytes()
    assert b"_start" in (tree.top / "out/image.bin").read_bytes()
    assert tree.build("-j2").steps == []


def test_an_object_alone_needs_what_is_generated(tree: Both) -> None:
    assert compiled(tree.build("out/entry.o")) == {"entry.o"}
    assert (tree.top / "out/gen/asm-offsets.h").exists()
    assert not (tree.top / "out/table.o").exists()


def test_the_header_alone_from_nothing(tree: Both) -> None:
    assert [step.split()[0] for step in tree.build("out/gen/asm-offsets.h").steps] == [
        *("CONFIG", "ASM", "OFFSETS"),
    ]
    text = (tree.top / "out/gen/asm-offsets.h").read_text()
    lines = [line for line in text.splitlines() if "made by" not in line.lower()]
    assert lines == [
        *("#ifndef ASM_OFFSETS_H", "#define ASM_OFFSETS_H", "", "/* of a task */"),
        "#define TASK_FLAGS 4 /* __builtin_offsetof(struct task, flags) */",
        *("", "#define BELOW -3 /* -3 */", "", "#endif"),
    ]


def test_its_symbols_are_those_that_its_source_mentions(tree: Both) -> None:
    tree.build()
    run = tree.build("SMP=1")
    assert {"ASM offsets.s", "OFFSETS asm-offsets.h", "CC entry.o"} <= run.names
    assert compiled(run) == {"entry.o"}
    assert "#define CPUS 8" in (tree.top / "out/gen/asm-offsets.h").read_text()
    # An edit that changes no number compiles nothing else.
    tree.edit("offsets.c", "void f(void);", "void f(void);\nvoid g(void);")
    assert tree.build("SMP=1").names == {"ASM offsets.s", "OFFSETS asm-offsets.h"}


@pytest.mark.parametrize(
    ("value", "words"),
    [("(long)&f", "TASK_FLAGS is f, not a number"), ("", "its source states no value")],
)
def test_a_value_that_is_no_number_is_an_error(tmp_path: Path, value: str, words: str) -> None:
    tree = Project(tmp_path)
    for name, text in FILES.items():
        tree.write(name, text)
    old = "__builtin_offsetof(struct task, flags)"
    if value:
        tree.edit("offsets.c", old, value)
    else:
        tree.write("offsets.c", "int nothing;\n")
    run = tree.run("out/gen/asm-offsets.h")
    assert run.status == 2
    assert words in run.err


def names_and_addresses(image: Path) -> set[tuple[int, str]]:
    """Return address and name of each function in the image, by nm."""
    out = subprocess.run(["nm", image], capture_output=True, text=True, check=True).stdout
    lines = (line.split() for line in out.splitlines())
    return {(int(value, 16), name) for value, kind, name in lines if kind in "tTwW"}


def table(image: Path) -> set[tuple[int, str]]:
    """Return address and name of each function, by the table in the image."""
    with image.open("rb") as file:
        elf: Any = ELFFile(file)
        symbols = elf.get_section_by_name(".symtab")
        data = elf.get_section_by_name(".data")

        def part(name: str) -> bytes:
            (symbol,) = symbols.get_symbol_by_name(f"kallsyms_{name}")
            at = symbol["st_value"] - data["sh_addr"]
            content: bytes = data.data()[at : at + symbol["st_size"]]
            return content

        (count,) = struct.unpack("<I", part("num_syms"))
        word = "Q" if elf.elfclass == 64 else "I"
        addresses = struct.unpack(f"<{count}{word}", part("addresses"))
        offsets = struct.unpack(f"<{count}I", part("name_offsets"))
        names = part("names")
    assert list(addresses) == sorted(addresses)
    ends = [names.index(b"\0", offset) for offset in offsets]
    texts = [names[o:end].decode() for o, end in zip(offsets, ends, strict=True)]
    return set(zip(addresses, texts, strict=True))


@pytest.mark.parametrize("arch", ["x86_64", "i386"])
def test_the_table_has_the_functions_that_nm_prints(tree: Both, arch: str) -> None:
    # .data, which has the table, comes before the code, so that the table's size moves the code.
    tree.edit("image.lds", "	.text : { *(.text) }\n", "")
    tree.edit("image.lds", "	/DISCARD", "	.text : { *(.text) }\n	/DISCARD")
    tree.edit("Kconfig", "def_bool y", 'def_bool "$(ARCH)" = "x86_64"')
    tree.edit("entry.S", "_start: mov", ".globl here\nnop\nhere: _start: mov")
    tree.build(f"ARCH={arch}")
    found = table(tree.top / "out/image")
    assert found == names_and_addresses(tree.top / "out/image")
    assert {"_start", "here", "more_of_it"} <= {name for _, name in found}


def test_a_table_of_other_objects_is_an_error(tmp_path: Path) -> None:
    tree = Project(tmp_path)
    for name, text in FILES.items():
        tree.write(name, text)
    tree.edit("SConstruct", "[objects, table]", "[table, objects]")
    run = tree.run()
    assert run.status == 2
    assert "than its table out/table.o was made for: write [objects, table]" in run.err


def test_each_source_of_a_generated_file_counts(tree: Both) -> None:
    tree.build()
    tree.write("VERSION", '"2.0"\n')
    assert compiled(tree.build()) == {"main.o"}
    assert b"2.0" in (tree.top / "out/image.bin").read_bytes()
    tree.edit("offsets.c", "TASK_FLAGS, __builtin_offsetof(struct task, flags)", "TASK_STATE, 0")
    tree.edit("entry.S", "TASK_FLAGS", "TASK_STATE")
    assert compiled(tree.build()) == {"entry.o"}
    tree.edit("more.c", "more", "other")
    assert compiled(tree.build()) == {"more.o"}
    assert b"other_of_it" in (tree.top / "out/image.bin").read_bytes()
    assert tree.build().steps == []


@pytest.mark.parametrize("folder", ["./out/gen", "{top}/out/gen", "arch/../out//gen"])
def test_however_the_folder_of_a_generated_header_is_spelled(tree: Both, folder: str) -> None:
    (tree.top / "arch").mkdir()
    flag = f'CCFLAGS=["-I{folder.format(top=tree.top)}"], CPPPATH=["#"]'
    tree.edit("SConstruct", 'CPPPATH=["#out/gen", "#"]', flag)
    assert compiled(tree.build()) == {"main.o", "entry.o", "more.o"}
    (tree.top / "out/gen/version.h").unlink()
    assert tree.build().steps == []
    assert (tree.top / "out/gen/version.h").exists()
    tree.write("VERSION", '"2.0"\n')
    assert compiled(tree.build()) == {"main.o"}


@pytest.mark.parametrize("name", ["gen/version.h", "image.bin"])
def test_a_generated_file_that_was_deleted_comes_back(tree: Both, name: str) -> None:
    tree.build()
    before = (tree.top / "out" / name).read_bytes()
    (tree.top / "out" / name).unlink()
    # Its contents are the same, so nothing that depends on it is made again.
    assert tree.build().steps == []
    assert (tree.top / "out" / name).read_bytes() == before
