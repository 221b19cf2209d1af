# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The temporary folders of running steps, and what may lie in their place."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from xen_tool.build.part import Parts


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "elsewhere"):
        os.mkdir(name)


def test_the_folder_of_an_ended_step_becomes_that_of_the_next() -> None:
    parts = Parts()
    first = parts.make("a/x.o")
    Path(first, ".part").touch()
    inode = os.stat(first).st_ino
    parts.give_back(first)
    second = parts.make("b/y.o")
    assert (os.stat(second).st_ino, os.listdir(second), os.listdir("a")) == (inode, [], [])
    third = parts.make("a/x.o")
    assert third == first
    parts.give_back(second)
    parts.give_back(third)
    parts.remove()
    assert os.listdir("a") == os.listdir("b") == []


@pytest.mark.parametrize("kind", ["folder", "full", "file", "link", "dangling"])
@pytest.mark.parametrize("has_empty", [False, True])
def test_a_file_at_the_folders_path_is_removed_and_a_link_is_not_followed(
    kind: str, has_empty: bool
) -> None:
    parts = Parts()
    if has_empty:
        parts.give_back(parts.make("b/before"))
    Path("elsewhere/kept").touch()
    place = Path("a/.x.o.part")
    if kind in ("folder", "full"):
        place.mkdir()
    if kind == "full":
        (place / "inner").mkdir()
        (place / "inner" / "old").touch()
    if kind == "file":
        place.write_text("old")
    if kind in ("link", "dangling"):
        place.symlink_to("../elsewhere" if kind == "link" else "../nowhere")
    part = parts.make("a/x.o")
    assert os.path.isdir(part) and not os.path.islink(part)
    assert os.listdir(part) == []
    assert os.listdir("elsewhere") == ["kept"]


def test_a_folder_on_another_file_system_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(source: str, target: str) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link", source, None, target)

    parts = Parts()
    parts.give_back(parts.make("a/x.o"))
    monkeypatch.setattr(os, "rename", rename)
    parts.give_back(parts.make("b/y.o"))
    parts.remove()
    assert os.listdir("a") == os.listdir("b") == []


def test_a_removed_folder_is_made_again() -> None:
    parts = Parts()
    first = parts.make("a/x.o")
    parts.give_back(first)
    os.rmdir(first)
    assert os.listdir(parts.make("b/y.o")) == []


def test_a_folder_that_cannot_be_made_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        Parts().make("nowhere/x.o")
