# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The progress output of a build, on a terminal and elsewhere."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from project import Project
from sources import SOURCES

BUILD = "build/x86_64"
SOURCE = f"{SOURCES}/lib.c"


def on_a_terminal(kernel: Project, *arguments: str) -> tuple[int, str]:
    """Run SCons on a terminal; return its status and all that it wrote."""
    terminal, program_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "SCons", "-Q", *arguments],
        cwd=kernel.top,
        env={**os.environ, "TERM": "xterm"},
        stdin=program_end,
        stdout=program_end,
        stderr=program_end,
    )
    os.close(program_end)
    output = b""
    try:
        while data := os.read(terminal, 1 << 16):
            output += data
    except OSError:
        # The last process that had the terminal has ended.
        pass
    os.close(terminal)
    return process.wait(), output.decode()


def test_a_terminal_shows_how_far_it_is_in_one_line(built_kernel: Project) -> None:
    built_kernel.edit(SOURCE, "#include <", "int one;\n#include <")
    status, output = on_a_terminal(built_kernel)
    assert status == 0
    for text in (f"[1/3] CC      {BUILD}/{SOURCES}/lib.o", f"[3/3] CHECK   {BUILD}/vmlinux"):
        assert f"\r\x1b[K{text}" in output
    # The status line is rewritten in place, and only the last one ends with a newline.
    assert f"lib.o\r\x1b[K[2/3] LD      {BUILD}/vmlinux.unchecked\r\x1b[K" in output
    assert re.search(r"vmlinux\r\nbuild/x86_64/vmlinux: a 64-bit Xen PV kernel", output)


def test_compilers_colour_what_they_say_to_a_terminal_only(built_kernel: Project) -> None:
    built_kernel.edit(SOURCE, "#include <", "#warning coloured\n#include <")
    assert "\x1b[" in on_a_terminal(built_kernel)[1].partition("coloured")[0].rpartition("\n")[2]
    # Colours do not make anything dirty.
    assert built_kernel.up_to_date()
    built_kernel.edit(SOURCE, "#warning coloured", "#warning plain")
    assert "\x1b[" not in built_kernel.run().err


@pytest.mark.parametrize("argument", ["V=1", "V=0"])
def test_elsewhere_each_step_has_a_line(built_kernel: Project, argument: str) -> None:
    built_kernel.edit(SOURCE, "#include <", "int one;\n#include <")
    out = built_kernel.scons(argument).out
    assert "\r" not in out
    assert "\x1b" not in out


def test_a_failed_command_can_be_copied_and_run(built_kernel: Project) -> None:
    built_kernel.edit(SOURCE, "#include <", "#error broken\n#include <")
    err = built_kernel.run().err
    (command,) = re.findall(r"^xen_tool: failed: (.*)$", err, re.MULTILINE)
    built_kernel.edit(SOURCE, "#error broken\n", "")
    (built_kernel.top / f"{BUILD}/{SOURCES}/lib.o").unlink(missing_ok=True)
    subprocess.run(command, shell=True, cwd=built_kernel.top, check=True)
    assert (built_kernel.top / f"{BUILD}/{SOURCES}/lib.o").exists()


def test_with_k_the_failures_come_last(built_kernel: Project) -> None:
    for name in ("lib", "printk", "panic"):
        built_kernel.edit(f"{SOURCES}/{name}.c", "#include", "#error broken\n#include")
    lines = built_kernel.run("-k", "-j2").err.splitlines()
    names = {f"scons: *** [{BUILD}/{SOURCES}/{n}.o] Error 1" for n in ("lib", "printk", "panic")}
    assert set(lines[-3:]) == names
