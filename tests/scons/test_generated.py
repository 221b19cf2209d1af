# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Files that other builders of SCons make of the tool's, and for them: what kernels do.

asm-offsets.h from a compilation, a table of symbols of the image in a second link, a header by
a script, and what objcopy makes of the image; by `scons` and by `xen-tool build`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from project import TOP, Project, Run

SCONSTRUCT = f"""
import os

DefaultEnvironment(tools=[])
env = Environment(
    tools=["xen_tool"],
    toolpath=[{str(TOP / "site_scons")!r}],
    ENV={{"PATH": os.environ["PATH"]}},
    CPPPATH=["#out/gen", "#"],
    LINKFLAGS=["--no-warn-rwx-segments"],
)
env.XenConfigure("Kconfig", build="out")

# The numbers stand in the assembler that the compiler makes of C.
assembler = env.Command("out/offsets.s", "offsets.c", "gcc -S -I. -o $TARGET $SOURCE")
define = r"sed -n 's/^->\\([A-Z_]*\\) .*/#define \\1 1/p' $SOURCE > $TARGET"
env.Command("out/gen/asm-offsets.h", assembler, define)
env.Command("out/gen/version.h", "VERSION", "(echo '#define VERSION \\\\'; cat $SOURCE) > $TARGET")

sources = ["main.c", "entry.S", "more.c"]
objects = [env.XenObject(source) for source in sources]
first = env.XenImage("first", objects, script="image.lds", loaders=[])
strings = "(echo .data; nm $SOURCE | sed 's/.*/.asciz \\"&\\"/') > $TARGET"
objects += env.XenObject("table.o", env.Command("out/table.S", first, strings))
image = env.XenImage("image", objects, script="image.lds", loaders=[])
env.Command("out/image.bin", image, "objcopy -O binary $SOURCE $TARGET")
Default("out/image.bin")
"""

FILES = {
    "SConstruct": SCONSTRUCT,
    "Kconfig": "config X86_64\n\tdef_bool y\n",
    "VERSION": '"1.0"\n',
    "offsets.c": '#include "task.h"\nvoid f(void) { asm("\\n->TASK_FLAGS %0" :: "i"(1)); }\n',
    "task.h": "struct task { int state, flags; };\n",
    "main.c": '#include "version.h"\n#include "task.h"\nconst char *version = VERSION;\n',
    "more.c": "int more = 1;\n",
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
    """A tree that one of the two commands builds."""

    face: str

    def build(self, *arguments: str) -> Run:
        """Builds by it, which must succeed."""
        if self.face == "scons":
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
    found.face = request.param
    for name, text in FILES.items():
        found.write(name, text)
    return found


def compiled(run: Run) -> set[str]:
    return {step.removeprefix("CC out/") for step in run.steps if step.startswith("CC")}


def test_from_nothing_and_then_no_more(tree: Both) -> None:
    run = tree.build("-j2")
    assert compiled(run) == {"main.o", "entry.o", "more.o", "table.o"}
    assert b"1.0" in (tree.top / "out/image.bin").read_bytes()
    assert b"T _start" in (tree.top / "out/image.bin").read_bytes()
    assert tree.build("-j2").steps == []


def test_an_object_alone_needs_what_is_generated(tree: Both) -> None:
    assert compiled(tree.build("out/entry.o")) == {"entry.o"}
    assert (tree.top / "out/gen/asm-offsets.h").exists()
    assert not (tree.top / "out/first").exists()


def test_each_source_of_a_generated_file_counts(tree: Both) -> None:
    tree.build()
    tree.write("VERSION", '"2.0"\n')
    assert compiled(tree.build()) == {"main.o"}
    assert b"2.0" in (tree.top / "out/image.bin").read_bytes()
    tree.edit("offsets.c", "TASK_FLAGS", "TASK_STATE")
    tree.edit("entry.S", "TASK_FLAGS", "TASK_STATE")
    assert compiled(tree.build()) == {"entry.o"}
    tree.edit("more.c", "more", "other")
    assert compiled(tree.build()) == {"more.o", "table.o"}
    assert b" other" in (tree.top / "out/image.bin").read_bytes()
    assert tree.build().steps == []


@pytest.mark.parametrize("folder", ["./out/gen", "{top}/out/gen", "arch/../out//gen"])
def test_however_the_folder_of_a_generated_header_is_spelled(tree: Both, folder: str) -> None:
    (tree.top / "arch").mkdir()
    flag = f'CCFLAGS=["-I{folder.format(top=tree.top)}"], CPPPATH=["#"]'
    tree.edit("SConstruct", 'CPPPATH=["#out/gen", "#"]', flag)
    assert compiled(tree.build()) == {"main.o", "entry.o", "more.o", "table.o"}
    (tree.top / "out/gen/version.h").unlink()
    assert tree.build().steps == []
    assert (tree.top / "out/gen/version.h").exists()
    tree.write("VERSION", '"2.0"\n')
    assert compiled(tree.build()) == {"main.o"}


@pytest.mark.parametrize("name", ["gen/version.h", "gen/asm-offsets.h", "table.S", "image.bin"])
def test_a_generated_file_that_was_deleted_comes_back(tree: Both, name: str) -> None:
    tree.build()
    before = (tree.top / "out" / name).read_bytes()
    (tree.top / "out" / name).unlink()
    # It is as it was, so nothing that was made of it is made again.
    assert tree.build().steps == []
    assert (tree.top / "out" / name).read_bytes() == before
