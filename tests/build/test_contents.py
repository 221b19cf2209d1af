# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Digests of files: read again if the status changed, and trusted only once the clock moved."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from xen_tool.build import contents
from xen_tool.build.contents import MISSING, Contents, changed_since, clock, stamp


class Reads:
    """Records the files that are read to compute their digests, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: list[str] = []
        self._digest = contents.digest_of_file
        monkeypatch.setattr(contents, "digest_of_file", self._read)

    def _read(self, path: str) -> str:
        self.paths.append(path)
        return self._digest(path)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "file").write_text("one")
    return aged(str(tmp_path / "file"))


def aged(path: str) -> str:
    """Wait until the clock is later than a file's last change; return its path."""
    while changed_since(os.stat(path), clock()):
        time.sleep(0.001)
    return path


def known_of(path: str) -> dict[str, tuple[str, str]]:
    seen = Contents({})
    seen.digest(path)
    found = seen.seen(path)
    assert found is not None
    assert not found[2]
    return {path: found[:2]}


def test_a_file_is_read_once(path: str, reads: Reads) -> None:
    now = Contents({})
    assert now.digest(path) == now.digest(path) != MISSING
    assert reads.paths == [path]


def test_a_known_file_is_not_read(path: str, reads: Reads) -> None:
    known = known_of(path)
    reads.paths.clear()
    now = Contents(known)
    assert now.digest(path) == known[path][1]
    assert reads.paths == []
    assert not now.learned


def test_a_known_file_that_changed_is_read(path: str, reads: Reads) -> None:
    known = known_of(path)
    Path(path).write_text("two")
    now = Contents(known)
    assert now.digest(path) != known[path][1]
    assert now.learned


def test_a_change_is_seen_though_size_and_time_are_as_before(path: str) -> None:
    known = known_of(path)
    status = os.stat(path)
    Path(path).write_text("two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert os.stat(path).st_mtime_ns == status.st_mtime_ns
    assert Contents(known).digest(path) != known[path][1]


def test_a_file_that_another_was_moved_over_is_read(path: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("two")
    status = os.stat(path)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    known = known_of(path)
    os.replace(other, path)
    assert Contents(known).digest(path) != known[path][1]


def test_an_equal_content_with_another_time_has_the_same_digest(path: str) -> None:
    known = known_of(path)
    os.utime(path, (1, 1))
    assert Contents(known).digest(path) == known[path][1]


def test_a_time_in_the_future_does_not_make_a_file_young(path: str, reads: Reads) -> None:
    os.utime(path, (4e9, 4e9))
    known = known_of(aged(path))
    reads.paths.clear()
    assert Contents(known).digest(path) == known[path][1]
    assert reads.paths == []


def test_a_file_that_changed_at_the_time_of_the_look_is_young(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = os.stat(path).st_ctime_ns
    for moment, young in ((changed, True), (changed - 1, True), (changed + 1, False)):
        monkeypatch.setattr(contents, "clock", lambda moment=moment: moment)
        now = Contents({})
        now.digest(path)
        seen = now.seen(path)
        assert seen is not None
        assert seen[2] == young


def test_a_young_file_is_looked_at_again_later(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = Contents({})
    with monkeypatch.context() as patched:
        patched.setattr(contents, "clock", lambda: 0)
        now.digest(path)
    Path(path).write_text("two")
    aged(path)
    now.look_again_at_young()
    assert now.seen(path) == (*known_of(path)[path], False, now.looks)


def test_a_time_of_whole_seconds_is_young_for_longer() -> None:
    second = 1_000_000_000
    status = os.stat_result((0,) * 10, {"st_ctime_ns": 5 * second})
    assert changed_since(status, 6 * second)
    assert not changed_since(status, 8 * second)
    status = os.stat_result((0,) * 10, {"st_ctime_ns": 5 * second + 1})
    assert not changed_since(status, 6 * second)


def test_a_missing_file_has_a_digest_of_its_own(tmp_path: Path) -> None:
    now = Contents({})
    assert now.digest(str(tmp_path / "gone")) == MISSING
    assert now.digest(str(tmp_path / "gone/")) == MISSING
    assert now.digest("a\0b") == MISSING


def test_a_fifo_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert Contents({}).digest(str(tmp_path / "fifo")) not in (MISSING, contents.digest(b""))


def test_a_folder_by_a_name_without_slash_is_not_read(tmp_path: Path) -> None:
    assert Contents({}).digest(str(tmp_path)) not in (MISSING, contents.digest(b""))


def test_the_digest_of_a_folder_is_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    folder = f"{tmp_path}/"
    before = Contents({}).digest(folder)
    (tmp_path / "a").write_text("2")
    assert Contents({}).digest(folder) == before
    (tmp_path / "b").write_text("")
    assert Contents({}).digest(folder) != before
    (tmp_path / "b").unlink()
    assert Contents({}).digest(folder) == before


def test_after_forget_a_file_and_its_folder_are_looked_up_again(path: str) -> None:
    now = Contents({})
    parent = os.path.dirname(path)
    os.symlink(parent, f"{parent}.link")
    # The result is the same for any spelling of the folder's path.
    folders = [f"{parent}/", f"{parent}/../{os.path.basename(parent)}/", f"{parent}.link/"]
    before = now.digest(path), *map(now.digest, folders)
    os.unlink(path)
    assert (now.digest(path), *map(now.digest, folders)) == before
    now.forget([path])
    assert now.digest(path) == MISSING
    assert not set(map(now.digest, folders)) & set(before)


def test_after_forget_a_new_parent_folder_is_looked_up(tmp_path: Path) -> None:
    now = Contents({})
    assert now.digest(f"{tmp_path}/new/") == MISSING
    (tmp_path / "new").mkdir()
    (tmp_path / "new/file").write_text("")
    now.forget([f"{tmp_path}/new/file"])
    assert now.digest(f"{tmp_path}/new/") != MISSING


def test_names_in_a_folder_are_those_of_now(tmp_path: Path) -> None:
    now, folder = Contents({}), f"{tmp_path}/"
    assert now.names(folder) == frozenset()
    (tmp_path / "a").write_text("")
    assert now.names(folder) == {"a"}
    moment = clock() + 1
    # The folder changed a moment ago, so that it is listed again; no name is new.
    assert now.names(folder) == {"a"}
    assert now.listed_before(folder, moment)
    (tmp_path / "b").write_text("")
    while clock() < moment:
        time.sleep(0.001)
    assert now.names(folder) == {"a", "b"}
    assert not now.listed_before(folder, moment)


def test_what_was_read_is_known_if_it_did_not_change_since(path: str) -> None:
    now = Contents({})
    content = now.digest(path)
    assert now.read_since(path, clock(), now.looks) == content
    assert Contents({}).read_since(path, clock(), 0) == content


def test_what_changed_after_a_program_began_is_not_what_it_read(path: str) -> None:
    looked = Contents({})
    looked.digest(path)
    moment = clock()
    Path(path).write_text("two")
    assert looked.read_since(path, moment, looked.looks) is None
    assert Contents({}).read_since(path, moment, 0) is None


def test_a_check_for_one_ended_program_does_not_hide_the_change_from_another(path: str) -> None:
    now = Contents({})
    now.digest(path)
    look, moment = now.looks, clock()
    Path(path).write_text("two")
    # The first step that ends finds the change, and the file is read again.
    assert now.read_since(path, moment, look) is None
    assert now.read_since(path, moment, look) is None
    now.forget([path])
    now.digest(path)
    assert now.read_since(path, moment, look) is None


def test_what_is_gone_after_a_program_ended_is_not_known(path: str) -> None:
    now = Contents({})
    now.digest(path)
    moment = clock()
    os.unlink(path)
    assert now.read_since(path, moment, now.looks) is None


def test_a_hard_link_that_was_just_made_has_neither_read_again(path: str, reads: Reads) -> None:
    now = Contents({})
    content = now.digest(path)
    link = f"{path}.link"
    os.link(path, link)
    now.linked(path, link)
    seen = now.seen(path)
    assert seen is not None
    assert seen == now.seen(link)
    assert seen[:3] == (stamp(os.stat(path)), content, False)
    assert now.digest(link) == content
    assert reads.paths == [path]


def test_a_copy_is_no_link(path: str) -> None:
    now = Contents({})
    now.digest(path)
    before = now.seen(path)
    copy = Path(f"{path}.copy")
    copy.write_text("two")
    now.linked(path, str(copy))
    assert now.seen(path) == before
    assert now.seen(str(copy)) is None


def test_a_link_to_what_changed_meanwhile_is_looked_at(path: str) -> None:
    now = Contents({})
    content = now.digest(path)
    Path(path).write_text("longer")
    link = f"{path}.link"
    os.link(path, link)
    now.linked(path, link)
    assert now.digest(link) != content
