# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The reference kernel for the debugger's tests, and gdb on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from forked import TOOLPATH
from project import Project

COMMAND = [sys.executable, "-m", "xen_tool.cli"]
DEBUG_INFO = "CC=gcc -g"


def gdb(
    image: Path, mode: str, script: str, *options: str, limit: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run `xen-tool gdb` on an image, with the lines of a script as commands of gdb.

    A 32-bit domU takes 40 s, and 115 s where five of them run on two processors.
    """
    file = image.parent / f"{mode}-{abs(hash(script))}.gdb"
    file.write_text(script)
    words = ["gdb", str(image), "--mode", mode, f"--gdb-options=-batch -x {file}", *options]
    return subprocess.run(
        [*COMMAND, *words],
        cwd=image.parents[2],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=limit,
        env=environment(),
    )


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
