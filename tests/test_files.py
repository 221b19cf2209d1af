# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Files are written completely or not at all, and only if their content changes."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from xen_tool.errors import XenToolError
from xen_tool.files import shown, write_if_changed


def test_a_new_file_and_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a/b/file"
    assert write_if_changed(path, "text")
    assert path.read_text() == "text"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_an_equal_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"same")
    os.utime(path, ns=(10**18, 10**18))
    assert not write_if_changed(path, b"same")
    assert path.stat().st_mtime_ns == 10**18
    assert write_if_changed(path, b"other")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_if_changed(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_pipe_or_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    assert write_if_changed(pipe, "through")
    reader.join()
    assert got == [b"through"]
    assert pipe.is_fifo()


def test_a_folder_in_its_place_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(XenToolError, match="cannot be written: Is a directory"):
        write_if_changed(tmp_path / "folder", "text")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_paths_are_shown_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "sub/file") == "sub/file"
    assert shown(Path("/elsewhere")) == "/elsewhere"
