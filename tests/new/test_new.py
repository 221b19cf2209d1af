# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""xen-tool new: each kind of kernel builds without a warning, is checked, and boots."""

from __future__ import annotations

from pathlib import Path

import pytest

from project import TOP, Project
from xen_tool import cli

FILES = {"SConstruct", "Kconfig", "kernel.lds", "main.c", "README.md"}


# The 64-bit ones are examples, which have a test of their own.
@pytest.mark.parametrize(
    ("options", "modes"),
    [(["--32"], ["pv32-shim"]), (["--pvh", "--32"], ["pvh", "qemu"]), (["--pvh"], ["qemu"])],
    ids=" ".join,
)
@pytest.mark.usefixtures("linux_dom0")
def test_it_boots(
    tmp_path: Path, options: list[str], modes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TOP / "site_scons"))
    folder = tmp_path / "My Kernel"
    assert cli.main(["new", str(folder), *options]) == 0
    assert {path.name for path in folder.iterdir()} == FILES
    project = Project(folder)
    for mode in modes:
        command = "boot" if mode == modes[0] and mode != "qemu" else f"boot MODE={mode}"
        run = project.run(*command.split())
        assert run.status == 0, run.out + run.err
        out = run.out
        assert "Hello from my-kernel" in out
        assert out.splitlines()[-1].endswith("the guest reported RESULT: PASS")
    assert "accepted" in project.scons("check").out
    assert "@" not in "".join((folder / name).read_text() for name in FILES - {"kernel.lds"})


@pytest.mark.parametrize("options", [[], ["--pvh"], ["--32"], ["--pvh", "--32"]], ids=" ".join)
def test_every_toolchain_builds_it(
    tmp_path: Path, options: list[str], toolchain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TOP / "site_scons"))
    cli.main(["new", str(tmp_path / "k"), *options])
    Project(tmp_path / "k").scons(f"TOOLCHAIN={toolchain}")


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "main.c").write_text("mine")
    assert cli.main(["new", str(tmp_path)]) == 4
    assert "main.c is there already: name a new folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["main.c"]


@pytest.mark.parametrize("folder", ["/", "./---", "\u044f\u0434\u0440\u043e"])
def test_a_folder_without_a_name(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new", folder]) == 4
    message = "the kernel gets the folder's name, which must have letters (a to z) or digits"
    assert message in capsys.readouterr().err


def test_the_name_of_a_folder_of_the_build(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["new", "/tmp/Include"]) == 4
    assert "the build has a folder include: name another folder" in capsys.readouterr().err


def test_the_output_says_what_to_type_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["new", "My $Kernel"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "next: cd 'My $Kernel'; scons boot"
