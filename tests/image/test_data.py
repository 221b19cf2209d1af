# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Bytes of files and of memory: reads outside return fewer bytes, and do not raise."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from xen_tool.image.data import STRING_LIMIT, Data

CONTENT = bytes(range(1, 256)) * 100


def _memory(content: bytes, _folder: Path) -> Data:
    return Data.of_bytes(content)


def _file(content: bytes, folder: Path) -> Data:
    path = folder / "file"
    path.write_bytes(content)
    return Data.of_file(os.open(path, os.O_RDONLY), str(path))


def _part(content: bytes, folder: Path) -> Data:
    return _file(b"before" + content + b"behind", folder).part(6, len(content))


Make = Callable[[bytes], Data]


@pytest.fixture(params=[_memory, _file, _part])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    return lambda content: request.param(content, tmp_path)


def test_reads_what_is_there(make: Make) -> None:
    data = make(CONTENT)
    assert data.size == len(CONTENT)
    for offset in (0, 1, 4095, 4096, 20000, 25499, 25500, 1 << 64, -1, -25500):
        for size in (0, 1, 7, 4096, 4097, 30000, 1 << 70, -1):
            expected = CONTENT[offset : offset + size] if offset >= 0 and size > 0 else b""
            data.read(4000, 300)  # reads before this one make no difference
            assert data.read(offset, size) == expected


def test_a_part_ends_where_the_whole_does(make: Make) -> None:
    data = make(CONTENT)
    for start, size in ((0, 10), (10, 10), (25490, 10), (25490, 11), (25499, 1 << 64), (25500, 1)):
        part, expected = data.part(start, size), CONTENT[start : start + size]
        assert part.size == len(expected)
        assert part.read(0, 100) == expected[:100]
        assert part.part(2, 3).read(0, 100) == expected[2:5]
    assert data.part(25501, 1).size == data.part(0, -1).size == 0


def test_numbers(make: Make) -> None:
    data = make(bytes([1, 2, 3, 4, 5, 6, 7, 0xFF]))
    assert data.unsigned(0, 8) == 0xFF07060504030201
    assert data.unsigned(0, 8, big=True) == 0x01020304050607FF
    assert data.unsigned(6, 2) == 0xFF07
    assert data.unsigned(7, 2) is None
    assert data.unsigned(-1, 1) is None


@pytest.mark.parametrize("length", [0, 5, 63, 64, 65, STRING_LIMIT])
def test_string_ends_at_its_nul(make: Make, length: int) -> None:
    assert make(b"ab" + b"x" * length + b"\0y").string(2) == b"x" * length


def test_no_string_without_a_nul_in_reach(make: Make) -> None:
    assert make(b"x" * (STRING_LIMIT + 1) + b"\0").string(0) is None
    assert make(b"xy").string(0) is None
    assert make(b"xy\0").string(3) is None


def test_a_file_cut_short_while_it_is_read(tmp_path: Path) -> None:
    data = _file(CONTENT, tmp_path)
    os.truncate(tmp_path / "file", 10)
    assert data.read(0, 100) == CONTENT[:10]
    assert data.read(20000, 10) == b""
    assert data.unsigned(8, 4) is None


def test_closing_closes_the_descriptor(tmp_path: Path) -> None:
    data = _file(CONTENT, tmp_path)
    part = data.part(10, 10)
    before = len(os.listdir("/proc/self/fd"))
    data.close()
    data.close()
    assert len(os.listdir("/proc/self/fd")) == before - 1
    assert data.read(0, 1) == b""
    assert part.read(0, 10) == CONTENT[10:20]
    del part
    assert len(os.listdir("/proc/self/fd")) == before - 2


def test_only_a_whole_file_has_a_descriptor(tmp_path: Path) -> None:
    data = _file(CONTENT, tmp_path)
    descriptor = data.descriptor()
    assert descriptor is not None
    os.close(descriptor)
    assert data.part(0, 10).descriptor() is None
    assert data.part(1, len(CONTENT) - 1).descriptor() is None
    assert Data.of_bytes(CONTENT).descriptor() is None
