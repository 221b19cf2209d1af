# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""env.XenNotes(): notes for an image of another builder, made again when it has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from project import Project

from .kernels import by_gcc, run
from .test_again import notes_of

REST = """
env.Command("vmlinux", "linked", Copy("$TARGET", "$SOURCE"))
notes = {"GUEST_OS": "mine", "MOD_START_PFN": 0x10}
env.Default(env.XenNotes("k", "vmlinux", pv_entry="pv_start", notes=notes))
"""


@pytest.fixture
def tree(gcc: str, tmp_path: Path) -> Project:
    """A tree that has a linked kernel without notes."""
    linked = by_gcc(tmp_path / "kernel").read_bytes()
    project = Project(tmp_path / "tree")
    project.write_small(REST)
    project.write("linked", linked).chmod(0o750)
    return project


def notes(tree: Project) -> dict[str, bytes]:
    return notes_of((tree.top / "build/x86_64/k").read_bytes())[0]


def test_notes_are_added_to_what_another_builder_makes(tree: Project) -> None:
    steps = ["NOTES build/x86_64/k.unchecked", "CHECK build/x86_64/k"]
    first = tree.scons("LOADERS=xen-pv-dom0")
    assert first.steps[-2:] == steps
    entry = next(
        line.split()[0]
        for line in run(tree.top, "nm", "linked").splitlines()
        if line.endswith(" pv_start")
    )
    found = notes(tree)
    assert found["GUEST_OS"] == b"mine\0"
    assert int.from_bytes(found["ENTRY"], "little") == int(entry, 16)
    assert int.from_bytes(found["MOD_START_PFN"], "little") == 16
    assert (tree.top / "build/x86_64/k").stat().st_mode & 0o777 == 0o750
    assert tree.up_to_date("LOADERS=xen-pv-dom0")
    tree.edit("SConstruct", '"mine"', '"yours"')
    assert tree.scons("LOADERS=xen-pv-dom0").steps == steps
    assert notes(tree)["GUEST_OS"] == b"yours\0"
    (tree.top / "linked").write_bytes((tree.top / "linked").read_bytes() + b"\0")
    assert tree.scons("LOADERS=xen-pv-dom0").steps == steps


def test_notes_are_removed(tree: Project) -> None:
    tree.scons()
    tree.write("linked", (tree.top / "build/x86_64/k").read_bytes())
    tree.edit("SConstruct", 'pv_entry="pv_start", notes=notes', 'remove="GUEST_OS"')
    before = notes(tree)
    tree.scons()
    assert {"GUEST_OS", *notes(tree)} == set(before)
    assert "GUEST_OS" not in notes(tree)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("GUEST_OS", "GUEST_0S", "Xen has no note GUEST_0S; do you mean GUEST_OS"),
        ('"pv_start"', '"pv_stop"', "pv_stop"),
        ("0x10", "1 << 64", "MOD_START_PFN"),
    ],
)
def test_what_cannot_be_added_is_an_error(tree: Project, old: str, new: str, words: str) -> None:
    tree.edit("SConstruct", old, new)
    done = tree.run()
    assert done.status == 2
    assert words in done.err
    assert not (tree.top / "build/x86_64/k").exists()
