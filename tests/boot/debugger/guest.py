# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The reference kernel for the debugger's tests, and gdb on it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from forked import TOOLPATH
from project import Project

COMMAND = [sys.executable, "-m", "xen_tool.cli"]
DEBUG_INFO = "CC=gcc -g"

LOGGING = "set logging file {log}\nset logging redirect on\nset logging enabled on\n"


def gdb(
    image: Path, mode: str, script: str, *options: str, limit: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run `xen-tool gdb` on an image, with the lines of a script as commands of gdb.

    stdout: first what the script printed, then what everything else did.  Both at once, in one
    pipe, would put a line of the guest into the middle of one that gdb writes by pieces.
    A 32-bit domU takes 40 s, and 115 s where five of them run on two processors.
    """
    file = image.parent / f"{mode}-{abs(hash(script))}.gdb"
    log = file.with_suffix(".log")
    log.write_text("")
    file.write_text(LOGGING.format(log=log) + script)
    words = ["gdb", str(image), "--mode", mode, f"--gdb-options=-batch -x {file}", *options]
    run = subprocess.run(
        [*COMMAND, *words],
        cwd=image.parents[2],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=limit,
        env=environment(),
    )
    run.stdout = log.read_text() + run.stdout
    return run


def without_xen(output: str) -> str:
    """Return what a terminal shows without the lines of Xen, which may fall into those of gdb."""
    return re.sub(r"\(XEN\).*\n", "", output)


def environment() -> dict[str, str]:
    """Return the environment variables for processes of xen-tool."""
    return {**os.environ, "PYTHONPATH": TOOLPATH}


def spoil(project: Project) -> None:
    """Edit the kernel: it writes a wrong value to a variable, and panics for that much later."""
    project.edit(
        "arch/x86/xen/setup.c",
        "static void note_entry_state(void)\n",
        "volatile unsigned int canary = 1;\n"
        "static __attribute__((noinline)) void spoil(void)\n{\n\tcanary = 7;\n}\n\n"
        "static void note_entry_state(void)\n",
    )
    project.edit("arch/x86/xen/setup.c", "\tmmu_init();\n", "\tmmu_init();\n\tspoil();\n")
    project.edit(
        "arch/x86/xen/setup.c",
        "\treport_result(run_checks());\n",
        '\tif (canary != 1)\n\t\tpanic("the canary is %u", canary);\n'
        "\treport_result(run_checks());\n",
    )
