# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""clangd --check accepts sources with the tool's compile_commands.json."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from project import Project
from sources import SOURCES

DATABASE = "compile_commands.json"
FOLDERS = [".", "build/x86_64"]
ASSEMBLER = ["Clangd does not support assembly or IR source files", "Failed to build AST"]
"""What clangd prints for an assembler source that it could preprocess."""


def errors(project: Project, folder: str, source: str, *options: str) -> list[str]:
    """Return clangd's errors for a source, with the compile_commands.json of a folder."""
    result = subprocess.run(
        [
            str(Path(sys.executable).with_name("clangd")),
            *(f"--check={source}", f"--compile-commands-dir={folder}"),
            *("--log=error", "--enable-config=false", *options),
        ],
        cwd=project.top,
        capture_output=True,
        text=True,
        check=False,
    )
    # E[HH:MM:SS.mmm] WORDS
    messages = [line.partition("] ")[2] for line in result.stderr.splitlines()]
    assert bool(messages) == bool(result.returncode), result.stderr
    return messages


def sources(project: Project, folder: str) -> list[str]:
    """Return the sources in the compile_commands.json of a folder."""
    return [entry["file"] for entry in json.loads((project.top / folder / DATABASE).read_text())]


def test_every_source_of_the_reference_kernel(built_kernel: Project) -> None:
    built_kernel.scons("all", DATABASE)
    for folder in FOLDERS:
        assert f"{SOURCES}/setup.c" in sources(built_kernel, folder)
        assert errors(built_kernel, folder, f"{SOURCES}/setup.c") == []
    # For speed clangd only parses the file, and tries no features of editors.
    for source in sources(built_kernel, "."):
        expected = ASSEMBLER if source.endswith(".S") else []
        assert errors(built_kernel, ".", source, "--check-lines=1-1") == expected, source


def test_without_autoconf_it_does_not_understand_them(built_kernel: Project) -> None:
    built_kernel.scons()
    path = built_kernel.top / FOLDERS[1] / DATABASE
    entries = json.loads(path.read_text())
    for entry in entries:
        words = entry["arguments"]
        del words[(at := words.index("-include")) : at + 2]
    path.write_text(json.dumps(entries))
    (message,) = errors(built_kernel, FOLDERS[1], f"{SOURCES}/checks/booting.c")
    assert "use of undeclared identifier 'CONFIG_PAGE_OFFSET'" in message


def test_a_foreign_tree(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write_small(
        'env.Append(CXXFLAGS=["-std=c++20"])\n'
        'env.XenImage("k", Glob("src/*"), script="k.lds", loaders=[])\n',
        kconfig='config LOUD\n\tbool "loud"\n',
    )
    project.write("include/mine.h", "#define MINE CONFIG_LOUD\n")
    project.write("src/a.c", "#include <mine.h>\nint a = MINE;\n")
    project.write(
        "src/b.cpp", "#include <mine.h>\ntemplate <class T> concept C = true;\nint b = MINE;\n"
    )
    project.write("src/c.S", "#include <mine.h>\n.if MINE == 1\n.endif\n")
    project.scons("LOUD=1")
    project.scons("LOUD=1", DATABASE)
    for folder in FOLDERS:
        assert sorted(sources(project, folder)) == ["src/a.c", "src/b.cpp", "src/c.S"]
        assert errors(project, folder, "src/a.c") == []
        assert errors(project, folder, "src/b.cpp") == []
        assert errors(project, folder, "src/c.S") == ASSEMBLER
    project.write("include/mine.h", "#error not like this\n")
    for source in sources(project, "."):
        (message, *_) = errors(project, ".", source)
        assert "not like this" in message
