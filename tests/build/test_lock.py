# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The lock of a build directory: one holder at a time, and no other file is changed."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from xen_tool.build import lock
from xen_tool.errors import XenToolError


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "out/deep")


def test_a_second_holder_that_does_not_wait_gets_none(folder: str) -> None:
    first = lock.acquire(folder)
    assert lock.acquire(folder, wait=False) == -1
    os.close(first)


def test_a_closed_lock_can_be_taken_again(folder: str) -> None:
    os.close(lock.acquire(folder))
    second = lock.acquire(folder, wait=False)
    assert second >= 0
    os.close(second)


def test_the_file_has_the_process_of_the_last_holder(folder: str) -> None:
    assert lock.last(folder) == ""
    handle = lock.acquire(folder)
    assert lock.last(folder) == ""
    lock.sign(handle)
    assert lock.last(folder) == str(os.getpid())
    assert not lock.has_finished(lock.last(folder))
    lock.sign(handle, done=True)
    assert lock.has_finished(lock.last(folder))
    os.close(handle)


def test_a_longer_number_of_the_last_holder_leaves_nothing(folder: str) -> None:
    Path(folder).mkdir(parents=True)
    Path(folder, lock.FILE).write_text("9" * 30)
    handle = lock.acquire(folder)
    lock.sign(handle)
    assert Path(folder, lock.FILE).read_text() == str(os.getpid())
    os.close(handle)


def test_a_lock_file_that_is_removed_does_not_block_the_waiting_process(folder: str) -> None:
    first = lock.acquire(folder)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(lock.acquire, folder)
        waits_at = Path(f"/proc/{os.getpid()}/fd")
        while sum(os.path.realpath(fd).endswith(lock.FILE) for fd in waits_at.iterdir()) < 2:
            pass
        # As `scons -c` does.
        Path(folder, lock.FILE).unlink()
        os.close(first)
        second = waiting.result()
    assert lock.acquire(folder, wait=False) == -1
    os.close(second)


def test_a_child_that_inherits_the_lock_keeps_it(folder: str) -> None:
    handle = lock.acquire(folder)
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[handle]
    )
    os.close(handle)
    assert lock.acquire(folder, wait=False) == -1
    child.communicate(b"\n")
    again = lock.acquire(folder, wait=False)
    assert again >= 0
    os.close(again)


def test_a_child_that_does_not_inherit_the_lock_does_not_keep_it(folder: str) -> None:
    handle = lock.acquire(folder)
    child = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        close_fds=False,
    )
    assert child.stdout is not None
    assert child.stdout.read(1) == b"\n"
    os.close(handle)
    again = lock.acquire(folder, wait=False)
    assert again >= 0
    os.close(again)
    child.communicate(b"\n")


@pytest.mark.parametrize("there", [True, False])
def test_a_symbolic_link_is_refused_and_its_target_untouched(
    folder: str, tmp_path: Path, there: bool
) -> None:
    target = tmp_path / "target"
    if there:
        target.write_text("precious")
    Path(folder).mkdir(parents=True)
    Path(folder, lock.FILE).symlink_to(target)
    with pytest.raises(XenToolError, match="cannot build there"):
        lock.acquire(folder)
    assert target.exists() == there
    assert not there or target.read_text() == "precious"


def test_the_last_holder_is_not_read_through_a_link(folder: str, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("123")
    Path(folder).mkdir(parents=True)
    Path(folder, lock.FILE).symlink_to(tmp_path / "target")
    assert lock.last(folder) == ""


def test_a_fifo_is_refused_without_waiting_for_its_other_end(folder: str) -> None:
    Path(folder).mkdir(parents=True)
    os.mkfifo(Path(folder, lock.FILE))
    with pytest.raises(XenToolError, match="is not a file; remove it"):
        lock.acquire(folder)


def test_a_folder_in_its_place_is_refused(folder: str) -> None:
    Path(folder, lock.FILE).mkdir(parents=True)
    with pytest.raises(XenToolError, match="cannot build there"):
        lock.acquire(folder)


def test_a_build_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(XenToolError, match="type O=DIRECTORY"):
        lock.acquire(str(tmp_path / "file/out"))
