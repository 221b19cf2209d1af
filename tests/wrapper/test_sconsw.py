# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""sconsw with a stand-in for Python: its commands for Python and pip, and its messages.

tests/bare/run uses the real programs in a minimal Debian.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from wrapper.checkout import Checkout

pytestmark = pytest.mark.build


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


SCONS = "-I -S site_scons/xen_tool/shortcut/__main__.py"
ALL_ANEW = ["venv", "base", "project", SCONS]


def test_first_run_makes_the_environment_and_runs_scons(checkout: Checkout) -> None:
    output = checkout.run("XEN_PV=1", "a b")
    assert checkout.log() == ["venv", "base", "project", f"{SCONS} XEN_PV=1 a b"]
    assert output.splitlines() == [
        f"sconsw: making {checkout.venv} with Python 3.x",
        "sconsw: installing requirements/base.txt",
        "sconsw: installing xen_tool itself",
    ]


def test_second_run_starts_python_for_scons_only(checkout: Checkout) -> None:
    checkout.run()
    checkout.log()
    # Even the checks of Python's version, which are not logged, would fail now.
    (checkout.state / "old").touch()
    assert checkout.run() == ""
    assert checkout.log() == [SCONS]


def test_no_lock_is_held_while_scons_runs(checkout: Checkout) -> None:
    checkout.run()
    descriptors = (checkout.state / "descriptors").read_text()
    assert "/dev/null" in descriptors
    assert ".xen_tool" not in descriptors


def test_the_command_test_adds_only_its_own_requirements(checkout: Checkout) -> None:
    checkout.run()
    checkout.log()
    checkout.run("test", "-k", "a b")
    assert checkout.log() == ["zig", "test", "tests/run.py -k a b"]
    assert checkout.run() == ""
    assert checkout.log() == [SCONS]


def test_zig_is_fetched_with_a_message_if_there_is_no_compiler(checkout: Checkout) -> None:
    checkout.gcc.unlink()
    output = checkout.run()
    assert checkout.log() == ["venv", "base", "zig", "project", SCONS]
    assert "installing zig, about 100 MB" in output
    assert "there is no gcc or clang here" in output


def test_zig_is_fetched_when_asked_for(checkout: Checkout) -> None:
    checkout.run("V=1", "TOOLCHAIN=zig")
    assert checkout.log()[1:3] == ["base", "zig"]


def test_clang_is_a_compiler(checkout: Checkout) -> None:
    checkout.gcc.rename(checkout.programs / "clang")
    checkout.run()
    assert checkout.log() == ALL_ANEW


@pytest.mark.parametrize("name", ["requirements/test.txt", "pyproject.toml"])
def test_changed_pins_are_installed_in_place(checkout: Checkout, name: str) -> None:
    checkout.run("TOOLCHAIN=zig")
    checkout.log()
    (checkout.top / name).write_text("changed")
    checkout.run()
    assert checkout.log() == ["base", "zig", "project", SCONS]
    checkout.run()
    assert checkout.log() == [SCONS]


def test_moved_checkout_is_made_anew(checkout: Checkout) -> None:
    checkout.run()
    checkout.log()
    checkout.top = checkout.top.rename(checkout.top.with_name("moved"))
    checkout.run()
    assert [line.split("/")[-1] for line in checkout.log()] == [*ALL_ANEW[:3], SCONS.split("/")[-1]]
    checkout.run()
    assert len(checkout.log()) == 1


def test_from_elsewhere_and_through_a_symlink(checkout: Checkout, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(checkout.top / "sconsw")
    checkout.run(command=str(link), cwd=tmp_path)
    assert (checkout.state / "ran").read_text().startswith(f"{checkout.top}|")
    assert checkout.run(command="../sconsw", cwd=checkout.top / "tests") == ""
    (checkout.programs / "sconsw").symlink_to(link)
    assert checkout.run("../sconsw", command="sh", cwd=checkout.top / "tests") == ""


def test_environment_elsewhere_leaves_the_tree_alone(checkout: Checkout, tmp_path: Path) -> None:
    before = sorted(checkout.top.rglob("*"))
    checkout.variables["XEN_TOOL_VENV"] = "new/other place"
    checkout.run(cwd=tmp_path)
    assert (tmp_path / "new/other place/bin/python").exists()
    assert sorted(checkout.top.rglob("*")) == before


@pytest.mark.parametrize("name", ["pyvenv.cfg", ".xen_tool/settings"])
def test_foreign_environment_is_refused(checkout: Checkout, name: str) -> None:
    file = checkout.venv / name
    file.parent.mkdir(parents=True)
    file.write_text("the user's")
    assert "was not made by sconsw" in checkout.run(fails=True)
    assert [path for path in checkout.venv.rglob("*") if path.is_file()] == [file]
    assert file.read_text() == "the user's"


@pytest.mark.parametrize(
    "name",
    [
        "bin/scons",
        "lib/python3.99/site-packages/SCons",
        "lib/python3.99/site-packages/SCons/Script",
        "lib/python3.99/site-packages/kconfiglib.py",
        "bin",
    ],
)
def test_damaged_environment_is_made_anew(checkout: Checkout, name: str) -> None:
    checkout.run()
    checkout.log()
    path = checkout.venv / name
    path.rename(checkout.state / "taken away")
    output = checkout.run()
    assert f"{path}" in output
    assert "is missing" in output
    assert checkout.log() == ALL_ANEW
    assert path.exists()
    assert checkout.run() == ""
    assert checkout.log() == [SCONS]


@pytest.mark.parametrize("kind", ["folder", "link", "link to nothing", "link to the marker"])
def test_marker_that_is_no_file_is_replaced(checkout: Checkout, kind: str) -> None:
    checkout.run()
    checkout.log()
    marker = checkout.venv / ".xen_tool"
    (checkout.venv / "pyvenv.cfg").touch()  # as Python's module venv writes it
    target = checkout.state / "target"
    if kind == "link to the marker":
        marker.rename(target)
    else:
        marker.unlink()
        target.write_text("the user's")
    before: str | None = target.read_text()
    if kind == "folder":
        marker.mkdir()
        (marker / "file").touch()
    else:
        marker.symlink_to(target)
    if kind == "link to nothing":
        target.unlink()
        before = None
    assert f"{marker} is not a file; replacing it" in checkout.run()
    assert checkout.log() == ALL_ANEW
    assert marker.is_file()
    assert not marker.is_symlink()
    assert (target.read_text() if target.exists() else None) == before
    assert checkout.run() == ""


def test_marker_of_an_older_sconsw_is_completed(checkout: Checkout) -> None:
    checkout.run()
    checkout.log()
    marker = checkout.venv / ".xen_tool"
    lines = marker.read_text().splitlines(keepends=True)
    marker.write_text("".join(lines[:5]))
    checkout.run()
    assert checkout.log() == ["base", "project", SCONS]
    assert marker.read_text() == "".join(lines)


def test_environment_may_lie_behind_a_link(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    checkout.venv.symlink_to(tmp_path / "disk")
    checkout.run()
    (checkout.venv / "bin/scons").unlink()
    (checkout.venv / "half of a package").touch()
    checkout.run()
    assert checkout.venv.is_symlink()
    assert not (checkout.venv / "half of a package").exists()


def test_an_empty_folder_becomes_the_environment(checkout: Checkout) -> None:
    checkout.venv.mkdir()
    checkout.run()
    assert checkout.log() == ALL_ANEW


@pytest.mark.parametrize("made_before", [False, True])
def test_run_killed_within_pip_starts_again(checkout: Checkout, made_before: bool) -> None:
    if made_before:
        checkout.run()
    (checkout.state / "pip-hangs").touch()
    process = checkout.start("TOOLCHAIN=zig")
    deadline = time.monotonic() + 30
    while not (checkout.state / "hanging").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (checkout.state / "pip-hangs").unlink()
    (checkout.venv / "half of a package").touch()
    checkout.log()
    checkout.run()
    assert checkout.log() == ALL_ANEW
    assert not (checkout.venv / "half of a package").exists()


def test_two_at_once_make_it_once(checkout: Checkout) -> None:
    (checkout.state / "pip-is-slow").touch()
    both = [checkout.start(), checkout.start()]
    output = "".join(process.communicate(timeout=60)[1] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(checkout.log()) == sorted([*ALL_ANEW, SCONS])
    assert output.count("waiting for another sconsw") == 1


@pytest.mark.parametrize(
    ("complaint", "sentence"),
    [
        ("Temporary failure in name resolution", "requirements/base.txt cannot be fetched"),
        ("[Errno 101] Network is unreachable", "this needs the network once"),
        ("SSLError(CERTIFICATE_VERIFY_FAILED)", "certificate"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "not the one whose hash"),
        ("OSError: [Errno 28] No space left on device", "no space left"),
        ("ERROR: something else", "something else\nsconsw: requirements/base.txt cannot be"),
    ],
)
def test_pip_failure_is_one_sentence_and_can_be_tried_again(
    checkout: Checkout, complaint: str, sentence: str
) -> None:
    (checkout.state / "pip-fails").write_text(f"{complaint}\n")
    assert sentence in checkout.run(fails=True)
    (checkout.state / "pip-fails").unlink()
    checkout.log()
    checkout.run()
    assert checkout.log() == ALL_ANEW


def test_failure_to_add_a_set_leaves_what_was_there(checkout: Checkout) -> None:
    checkout.run()
    (checkout.state / "pip-fails").write_text("no")
    checkout.run("test", fails=True)
    checkout.log()
    assert checkout.run() == ""
    assert checkout.log() == [SCONS]


def test_python_missing(checkout: Checkout) -> None:
    checkout.python.unlink()
    assert "there is no python3 in PATH" in checkout.run(fails=True)


def test_python_too_old(checkout: Checkout) -> None:
    (checkout.state / "old").touch()
    assert "is not Python 3.10 or newer (Python 3.x)" in checkout.run(fails=True)
    assert not checkout.venv.exists()


def test_python_without_venv(checkout: Checkout) -> None:
    (checkout.state / "no-ensurepip").touch()
    assert "apt-get install python3-venv" in checkout.run(fails=True)
    assert not checkout.venv.exists()


def test_place_that_cannot_be_written(checkout: Checkout) -> None:
    checkout.variables["XEN_TOOL_VENV"] = str(checkout.top / "sconsw" / "venv")
    output = checkout.run(fails=True)
    assert "cannot be written; name a folder of yours in XEN_TOOL_VENV" in output
    assert len(output.splitlines()) == 1


def test_other_python_makes_it_anew_and_is_kept(checkout: Checkout) -> None:
    checkout.run()
    other = checkout.add_python("python3.99")
    checkout.log()
    checkout.variables["PYTHON"] = "python3.99"
    checkout.run()
    assert checkout.log() == ALL_ANEW
    assert (checkout.venv / "bin/python").resolve() == other
    for variables in ({"PYTHON": str(other)}, {}):
        checkout.variables = variables
        checkout.run()
        assert checkout.log() == [SCONS]


def test_upgraded_python_makes_it_anew(checkout: Checkout) -> None:
    for version in ("python3.98", "python3.99"):
        other = checkout.add_python(version)
        checkout.python.unlink()
        checkout.python.symlink_to(other)
        if checkout.venv.exists():
            # As a venv's python leads to /usr/bin/python3.
            (checkout.venv / "bin/python").unlink()
            (checkout.venv / "bin/python").symlink_to(checkout.python)
        checkout.log()
        checkout.run()
        assert checkout.log() == ALL_ANEW


def test_activated_environment_is_not_made_with_itself(checkout: Checkout) -> None:
    checkout.run()
    (checkout.venv / "bin/python3").symlink_to("python")
    checkout.variables["PATH"] = f"{checkout.venv / 'bin'}:{checkout.programs}"
    (checkout.venv / ".xen_tool").write_text("")
    checkout.log()
    checkout.run()
    assert checkout.log() == ALL_ANEW
    assert (checkout.venv / "bin/python").resolve() == checkout.python


def test_settings_of_the_user_do_not_reach_it(checkout: Checkout) -> None:
    checkout.variables.update(PYTHONPATH="/nowhere", PYTHONHOME="/nowhere", PIP_USER="1")
    checkout.run()
    assert (checkout.state / "pip-user").read_text() == "0\n"
    assert (checkout.state / "ran").read_text() == f"{checkout.top}|unset|unset\n"
