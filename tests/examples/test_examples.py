# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Each example does what its README says: the test runs every command of it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from programs import program
from project import TOP, Project
from xen_tool.new import create

EXAMPLES = TOP / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/SConstruct"))
# tests/annotate/ runs the README of the example annotate, which make builds.
NAMES.remove("annotate")
INTERACTIVE = ("gdb", "menuconfig")


def commands(readme: Path) -> list[list[str]]:
    """Return the arguments of scons in each line such as `    scons boot     what it does`."""
    lines = re.findall(r"^    scons\b ?(.*?)(?:  .*)?$", readme.read_text(), re.MULTILINE)
    return [words for line in lines if not set(words := line.split()) & set(INTERACTIVE)]


def _outputs(folder: str, names: list[str]) -> set[str]:
    """Return the outputs that exist if an example was built."""
    made = {name for name in names if name in ("build", "out") or name.startswith(".sconsign")}
    return made - ({"build"} if Path(folder).name == "kinds" else set())


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples") / "examples"
    shutil.copytree(EXAMPLES, folder, ignore=_outputs)
    return folder


def run(project: Project, arguments: list[str]) -> bool:
    """Run scons, which must succeed; return whether it booted a guest, which must pass."""
    done = project.run(*arguments)
    assert done.status == 0, done.out + done.err
    boots = bool(arguments) and arguments[0].startswith("boot")
    assert not boots or done.out.splitlines()[-1].endswith("the guest reported RESULT: PASS")
    return boots


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("xen_under_qemu")
def test_its_readme_is_true(examples: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TOP / "site_scons"))
    project = Project(examples / name)
    booted = [run(project, arguments) for arguments in commands(project.top / "README.md")]
    assert any(booted)
    project.scons()
    assert project.up_to_date()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("xen_under_qemu")
def test_every_toolchain(
    examples: Path, name: str, toolchain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TOP / "site_scons"))
    project = Project(examples / name)
    boots = [c for c in commands(project.top / "README.md") if c and c[0].startswith("boot")]
    # The README's commands are run with gcc.
    assert toolchain == "gcc" or run(project, [boots[0][0], f"TOOLCHAIN={toolchain}"])


@pytest.mark.parametrize("cc", ["gcc -flto -ffat-lto-objects", "clang -flto"])
@pytest.mark.usefixtures("xen_under_qemu")
def test_link_time_optimisation(examples: Path, cc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TOP / "site_scons"))
    program(cc.split()[0])
    assert run(Project(examples / "bare-pvh"), ["boot", "MODE=qemu", f"CC={cc}"])


def test_the_rust_example(examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program("rustc")
    monkeypatch.setenv("PYTHONPATH", str(TOP / "site_scons"))
    done = Project(examples / "kinds").run("boot", "RUST=1")
    assert done.status == 0
    assert "PASS rust\n" in done.out.replace("\r", "")


def test_every_example_has_a_row_in_the_readme() -> None:
    listed = re.findall(r"`([a-z-]+)`", (EXAMPLES / "README.md").read_text().partition("##")[0])
    assert {name for name in listed if (EXAMPLES / name).is_dir()} == {*NAMES, "annotate"}


@pytest.mark.parametrize("pvh", [False, True])
def test_the_bare_examples_are_what_xen_tool_new_writes(tmp_path: Path, pvh: bool) -> None:
    name = "bare-pvh" if pvh else "bare-pv"
    create(str(tmp_path / name), pvh=pvh, bits=64)
    for path in (tmp_path / name).iterdir():
        assert path.read_text() == (EXAMPLES / name / path.name).read_text()
