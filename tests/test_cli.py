# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The command xen-tool, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from project import TOP, Project


def tool(kernel: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "xen_tool.cli", *arguments],
        cwd=kernel.top,
        env={**os.environ, "PYTHONPATH": str(TOP / "site_scons")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in result.stderr
    return result


@pytest.mark.parametrize("settings", [("XEN_PV=1",), ("SMP=0",), ("XEN_PV=0", "KASAN=1")])
def test_head_is_what_the_build_makes(kernel: Project, settings: tuple[str, ...]) -> None:
    assert tool(kernel, "head", "-o", "head.o", *settings).returncode == 0
    kernel.scons("build/x86_64/arch/x86/xen/xen-head.o", *settings)
    built = kernel.top / "build/x86_64/arch/x86/xen/xen-head.o"
    assert (kernel.top / "head.o").read_bytes() == built.read_bytes()


def test_head_as_a_source_is_assembled_to_the_same(kernel: Project, gnu_as: str) -> None:
    for bits, arch in (("--64", "x86_64"), ("--32", "i386")):
        assert tool(kernel, "head", "--arch", arch, "-o", "head.o").returncode == 0
        assert tool(kernel, "head", "--arch", arch, "--gas", "-o", "head.S").returncode == 0
        subprocess.run([gnu_as, bits, "-o", "gas.o", "head.S"], cwd=kernel.top, check=True)
        sizes = {(kernel.top / name).stat().st_size for name in ("head.o", "gas.o")}
        assert len(sizes) == 1


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["head", "-o", "x.o", "XEN=0"], 4, "XEN is not set"),
        (["head", "-o", "x.o", "XEN"], 2, "XEN: not NAME=VALUE"),
        (["head", "-o", "x.o", "XEN=1", "XEN=0"], 2, "a second time"),
        (["head", "-o", "x.o", "--config", "nowhere"], 4, "nowhere: there is no such"),
        (["head", "-o", "x.o", "--kconfig", "nowhere"], 4, "nowhere"),
        (["head", "-o", "arch"], 4, "arch: cannot be written"),
        (["head", "-o", "nowhere/x.o"], 4, "nowhere: there is no such folder; make it, or"),
        (["head", "-o", "SConstruct/x.o"], 4, "SConstruct: there is no such folder"),
        (["boot", "nowhere"], 4, "nowhere: cannot be opened"),
        (["boot", "SConstruct"], 4, "no kernel image"),
        (["boot", "--mode", "pw", "x"], 2, "name one of xen-pv-dom0 (pv), "),
        (["boot", "--cpus", "99", "SConstruct"], 4, "1 to 32 CPUs"),
        (["frobnicate"], 2, "invalid choice"),
        ([], 2, "COMMAND"),
    ],
)
def test_errors_have_a_status_and_a_sentence(
    kernel: Project, arguments: list[str], status: int, words: str
) -> None:
    result = tool(kernel, *arguments)
    assert result.returncode == status
    assert words in result.stderr
    assert not (kernel.top / "x.o").exists()
    assert not (kernel.top / "nowhere").exists()


def test_notes_on_the_configuration_are_printed(kernel: Project) -> None:
    kernel.write(".config", "# CONFIG_XEN is not set\n")
    result = tool(kernel, "head", "-o", "head.o", "XEN_PV=1")
    assert "switches on XEN, which it needs" in result.stderr
    assert Path(kernel.top, "head.o").is_file()


def test_outside_of_a_tree_the_error_asks_for_the_kconfig_file(tmp_path: Path) -> None:
    result = tool(Project(tmp_path), "head", "-o", "head.o")
    assert result.returncode == 4
    assert "there is no kconfig/Kconfig here: name the Kconfig file in --kconfig" in result.stderr
