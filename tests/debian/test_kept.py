# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Files in the cache are checked when they are used."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from xen_tool.debian import kept
from xen_tool.debian.kept import checked, forget, is_kept, keep, refuse_what_others_can_write
from xen_tool.errors import XenToolError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in the cache, whose digests are recorded, as dom0's are."""
    new = tmp_path / "new"
    (new / "lib").mkdir(parents=True)
    (new / "kernel").write_bytes(b"kernel")
    (new / "lib/a.so.1").write_bytes(b"library")
    (new / "lib/a.so").symlink_to("a.so.1")
    keep(new, tmp_path / "dom0")
    return tmp_path / "dom0"


def swap(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"KERNEL")


def put_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/bin/sh")


def test_sha256sum_accepts_the_recorded_digests(folder: Path) -> None:
    sums = folder.with_name("dom0.sha256").read_text()
    files = "".join(line for line in sums.splitlines(keepends=True) if "a.so\n" not in line)
    command = ["sha256sum", "--check", "--strict", "--quiet"]
    subprocess.run(command, cwd=folder, input=files, text=True, check=True)


def test_an_unchanged_folder_is_used_and_read_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checked(folder) == folder
    monkeypatch.setattr(kept, "_digest", None)
    assert checked(folder) == folder
    assert is_kept(folder)
    forget(folder)
    assert list(folder.parent.iterdir()) == []


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b"KERNEL"),
        lambda path: path.unlink(),
        swap,
        put_a_pipe,
        link,
        lambda path: path.with_name("more").touch(),
    ],
    ids=["edited", "gone", "swapped", "a pipe", "a link", "one more"],
)
def test_what_was_changed_is_refused(
    folder: Path, change: Callable[[Path], object], *, seen: bool
) -> None:
    if seen:
        checked(folder)
    status = (folder / "kernel").stat()
    change(folder / "kernel")
    if (folder / "kernel").is_file():
        os.utime(folder / "kernel", ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(
        XenToolError, match=r"has changed since it was fetched: .* differs; remove it"
    ):
        checked(folder)


def test_a_file_replaced_by_a_link_is_refused(folder: Path) -> None:
    (folder / "lib/a.so").unlink()
    (folder / "lib/a.so").symlink_to("/bin/sh")
    with pytest.raises(XenToolError, match=r"lib/a\.so differs"):
        checked(folder)


@pytest.mark.parametrize("content", [b"", b"damaged\n", b"\xff\n"])
def test_damaged_digests_are_refused(folder: Path, content: bytes) -> None:
    checked(folder)
    for suffix in ("sha256", "seen"):
        folder.with_name(f"dom0.{suffix}").write_bytes(content)
    with pytest.raises(XenToolError, match=r"kernel differs; remove it"):
        checked(folder)


@pytest.mark.parametrize("name", ["", "kernel", "lib", "../dom0.sha256", ".."])
def test_what_others_can_write_is_refused(folder: Path, name: str) -> None:
    path = folder / name
    path.chmod(path.stat().st_mode | 0o002)
    with pytest.raises(XenToolError, match="can be written by others"):
        checked(folder)


def test_a_folder_with_the_sticky_bit_is_accepted(folder: Path) -> None:
    folder.parent.chmod(0o1777)
    assert checked(folder) == folder


def test_what_a_shared_group_can_write_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "kernel").chmod(0o664)
    assert checked(folder) == folder  # its own group, or that of root
    monkeypatch.setattr(kept, "_is_private_group", lambda group: False)
    with pytest.raises(XenToolError, match="can be written by others"):
        checked(folder)


def test_what_belongs_to_another_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(folder / "kernel", 12345, 0)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(XenToolError, match="belongs to "):
        checked(folder)


def test_a_path_through_a_folder_that_others_can_write_is_refused(
    tmp_path: Path, folder: Path
) -> None:
    (tmp_path / "way").mkdir()
    (tmp_path / "way").chmod(0o777)
    (tmp_path / "way/cache").symlink_to(folder)
    with pytest.raises(XenToolError, match="way can be written by others"):
        refuse_what_others_can_write(tmp_path / "way/cache/kernel")
