# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Files of text fields: they survive writing and reading, and any other file counts as missing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xen_tool.build import fields
from xen_tool.errors import XenToolError

FIELD = st.binary(max_size=20).map(lambda data: os.fsdecode(data.replace(b"\0", b"")))
"""Any name that a file can have, and the empty one."""


@given(st.lists(FIELD, min_size=1))
@settings(deadline=None)
def test_what_was_written_is_read(given_fields: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file")
        fields.write(path, given_fields)
        assert fields.read(path) == given_fields


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    fields.write(str(path), ["one", "", "two\nlines", "\udcff"])
    return path


def test_a_file_that_is_cut_anywhere_is_none(written: Path) -> None:
    data = written.read_bytes()
    for length in range(len(data)):
        written.write_bytes(data[:length])
        assert fields.read(str(written)) == [], length


def test_a_file_with_a_changed_byte_is_none(written: Path) -> None:
    data = written.read_bytes()
    for place in range(len(data)):
        for bit in (0x01, 0x10, 0x80):
            changed = bytearray(data)
            changed[place] ^= bit
            written.write_bytes(changed)
            assert fields.read(str(written)) == [], place


def test_a_file_with_more_behind_it_is_none(written: Path) -> None:
    written.write_bytes(written.read_bytes() + b"\0")
    assert fields.read(str(written)) == []


@given(st.binary(max_size=60))
@example(b"0")
@example(b"00000000")
@settings(deadline=None)
def test_any_bytes_are_none(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_bytes(data)
        assert fields.read(str(path)) == []


def test_what_is_no_file_is_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("", "gone", "fifo", "loop"):
        assert fields.read(str(tmp_path / name)) == []


def test_a_symbolic_link_is_not_followed_to_read(written: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(written)
    assert fields.read(str(tmp_path / "link")) == []


@pytest.mark.parametrize("target", ["file", "link", "gone"])
def test_a_symbolic_link_is_replaced_and_its_target_untouched(
    written: Path, tmp_path: Path, target: str
) -> None:
    before = written.read_bytes()
    link = tmp_path / "link"
    link.symlink_to(target)
    fields.write(str(link), ["new"])
    assert not link.is_symlink()
    assert fields.read(str(link)) == ["new"]
    assert written.read_bytes() == before
    assert not (tmp_path / "gone").exists()


def test_a_folder_in_its_place_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(XenToolError, match="is a folder: remove it"):
        fields.write(str(tmp_path), ["new"])
