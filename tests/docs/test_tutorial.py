# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""docs/tutorial.md is true: its files are written and its commands run, in their order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from project import TOP, Project

TUTORIAL = TOP / "docs/tutorial.md"
_BLOCK = re.compile(r"^(?:(?:Replace )?`([\w.]+)`:\n\n)?```(\w*)\n(.*?)^```$", re.M | re.S)
"""A file's name, where the block is a file; its language; its lines."""
_END = "--- end of a command:"


def commands(block: str) -> list[tuple[str, str]]:
    """Return each command of a console block, with the output that follows it."""
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


def matches(output: str, wanted: str) -> bool:
    """Return whether an output matches; a line `...` is any lines, `...` in a line any text."""
    pattern = re.escape(wanted)
    pattern = re.sub(r"^\\\.\\\.\\\.\\\n", "(?:.*\n)*?", pattern, flags=re.MULTILINE)
    return re.fullmatch(pattern.replace(r"\.\.\.", ".*"), output) is not None


def run(project: Project, block: str) -> None:
    """Run a console block in one shell; a command fails only where `echo $?` follows."""
    wanted = commands(block)
    ended = f"status=$?; echo '{_END}' $status; (exit $status)"
    script = "\n".join(f"{command}\n{ended}" for command, _ in wanted)
    printed = project.shell(f"exec 2>&1\n{script}").stdout.replace("\r", "")
    outputs = re.findall(rf"(.*?)^{_END} (\d+)\n", printed, re.MULTILINE | re.DOTALL)
    assert len(outputs) == len(wanted), printed
    followers = [command for command, _ in wanted[1:]] + [""]
    for (command, text), (output, status), follower in zip(wanted, outputs, followers, strict=True):
        assert matches(output, text), f"$ {command}\n{output}\n--- is not:\n{text}"
        assert status == "0" or follower == "echo $?", f"{command}: {output}"


@pytest.mark.usefixtures("xen_under_qemu", "gcc")
def test_the_commands_of_the_tutorial_do_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TOP / "site_scons"))
    project = Project(tmp_path / "mykernel")
    blocks = _BLOCK.findall(TUTORIAL.read_text(encoding="utf-8"))
    assert len(blocks) == TUTORIAL.read_text(encoding="utf-8").count("\n```") / 2
    for name, language, text in blocks:
        assert bool(name) != (language == "console"), text
        if name:
            project.write(name, text)
        else:
            run(project, text)


@pytest.mark.usefixtures("gcc")
def test_readmes_sconstruct_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TOP / "site_scons"))
    (sconstruct,) = re.findall(r"```python\n(.*?)```", (TOP / "README.md").read_text(), re.S)
    # The last linker script of the tutorial, which keeps the notes.
    *_, script = (
        text for name, _, text in _BLOCK.findall(TUTORIAL.read_text()) if name[-4:] == ".lds"
    )
    project = Project(tmp_path / "mykernel")
    project.write("SConstruct", sconstruct)
    symbols = ("XEN", "XEN_PV", "X86_64", "SMP")
    project.write("Kconfig", "".join(f"config {name}\n\tdef_bool y\n" for name in symbols))
    project.write("my.lds", script)
    project.write(
        "main.c",
        "char stack[0x4000] __attribute__((aligned(16)));\nvoid *xen_start_info;\n"
        "_Noreturn void kernel_main(void) { for (;;) ; }\n",
    )
    project.write("irq.S", "nop\n")
    project.write("smp.c", "int smp;\n")
    run = project.scons()
    assert {"CC smp.o", "CHECK mykernel"} <= run.names, run


@pytest.mark.parametrize(
    ("output", "wanted", "holds"),
    [
        ("a\nb\nc\n", "a\n...\nc\n", True),
        ("a\nc\n", "a\n...\nc\n", True),
        ("a\nb\nc\n", "a\n...\nb\n", False),
        ("version 4.17, debug\n", "version ...\n", True),
        ("ab\n", "a.\n", False),
    ],
)
def test_dots_stand_for_any_text(output: str, wanted: str, holds: bool) -> None:
    assert matches(output, wanted) == holds
