# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A tree of sources in a temporary folder, and SCons run there as a process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import forked

TOP = Path(__file__).resolve().parent.parent
SCONSTRUCT = f"""
import os

DefaultEnvironment(tools=[])
env = Environment(
    tools=["xen_tool"],
    toolpath=[{forked.TOOLPATH!r}],
    ENV={{"PATH": os.environ["PATH"]}},
    CPPPATH=["#include"],
)
env.XenConfigure("Kconfig")
"""
"""How the SConstruct of a small tree begins."""
SECTIONS = """
PHDRS { text PT_LOAD FLAGS(5); data PT_LOAD FLAGS(6); }
SECTIONS
{
    .text : { _start = .; *(.text*) } :text
    .data : { *(.data*) *(.rodata*) *(.bss*) } :data
    /DISCARD/ : { *(.comment) *(.note*) *(.eh_frame) }
}
"""
"""The sections of a linker script for any objects."""
_RIGHT_WARNINGS = (
    "warning: Debian's Xen 4.17 has no CONFIG_PV32",
    "warning: XEN=y without XEN_PV and XEN_PVH",
)
"""Warnings that are correct: for a 32-bit kernel, and for one without an entry for Xen."""
_SCONS = forked.Server()
_STEP = re.compile(r"^  ([A-Z]+) +(\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """The exit status and the output of one run of SCons."""

    status: int
    out: str
    err: str

    @property
    def steps(self) -> list[str]:
        """Return the steps that ran, as printed: "CC build/x86_64/arch/x86/xen/setup.o"."""
        return [f"{name} {path}" for name, path in _STEP.findall(self.out)]

    @property
    def names(self) -> set[str]:
        """Return the steps with the file names of their targets only: "CC setup.o"."""
        return {f"{name} {os.path.basename(path)}" for name, path in _STEP.findall(self.out)}


class Project:
    """A tree that SCons builds."""

    def __init__(self, top: Path) -> None:
        self.top = top

    def write(self, path: str, text: str | bytes) -> Path:
        """Write a file of the tree."""
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def write_small(
        self, rest: str, *, kconfig: str = 'config A\n\tbool "a"\n', script: str = SECTIONS
    ) -> None:
        """Write a SConstruct that ends with rest, a Kconfig and k.lds."""
        self.write("SConstruct", SCONSTRUCT + rest)
        self.write("Kconfig", kconfig)
        self.write("k.lds", script)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace old, which the file must contain, by new."""
        text = (self.top / path).read_text()
        assert old in text, f"{path} has no {old!r}"
        (self.top / path).write_text(text.replace(old, new))

    def run(self, *arguments: str, **environment: str) -> Run:
        """Run SCons, which may fail."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in ("SCONSFLAGS", "KCONFIG_CONFIG", "XEN_TOOL_COMMAND")
        }
        result = _SCONS.run(["-Q", *arguments], self.top, {**inherited, **environment})
        assert "Traceback" not in result.stderr + result.stdout, result.stderr + result.stdout
        return Run(result.returncode, result.stdout, result.stderr)

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script of sh at the top, with this checkout's commands first in PATH."""
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        return subprocess.run(
            ["sh", "-c", script],
            cwd=self.top,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def scons(self, *arguments: str, **environment: str) -> Run:
        """Run SCons, which must succeed and print no warning."""
        run = self.run(*arguments, **environment)
        assert run.status == 0, run.out + run.err
        output = run.out + run.err
        for warning in _RIGHT_WARNINGS:
            output = output.replace(warning, "")
        assert "warning:" not in output.lower(), output
        return run

    def up_to_date(self, *arguments: str) -> bool:
        """Whether a run does nothing."""
        return self.scons(*arguments).steps == []


def checks_in(file: Path, bits: int) -> list[str]:
    """Return the names of the guest's checks in a file, for a width of 32 or 64 bits."""
    table = file.read_text().partition("checks[] = {")[2]
    other = "#ifdef CONFIG_X86_64" if bits == 32 else "#ifndef CONFIG_X86_64"
    # Up to the #else or #endif, so the text after an #else is kept.
    seen = re.sub(rf"^{other}$.*?^#(else|endif)$", "", table, flags=re.M | re.S)
    if bits == 64:
        seen = re.sub(r"^#else$.*?^#endif$", "", seen, flags=re.M | re.S)
    return re.findall(r'^\t\{"(\w+)", \w+\},$', seen, re.M)


def reference_kernel(top: Path, *, own_tool: bool = False) -> Project:
    """A copy of the reference kernel, and of the tool if it is to be edited."""
    for folder in ("arch", "kconfig", *(["site_scons"] if own_tool else [])):
        # With what Python has compiled of it, which saves each process a fifth of a second.
        shutil.copytree(TOP / folder, top / folder)
    shutil.copy(TOP / "SConstruct", top / "SConstruct")
    kernel = Project(top)
    if not own_tool:
        kernel.edit("SConstruct", '["site_scons"]', f"[{forked.TOOLPATH!r}]")
    return kernel
