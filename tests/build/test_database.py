# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The database: records survive writing and reading, and damaged files are reported."""

from __future__ import annotations

import os
import tempfile
import time
from binascii import crc32
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xen_tool.build import fields
from xen_tool.build.contents import Contents, changed_since, clock
from xen_tool.build.database import _RECORD, Database
from xen_tool.build.record import Record
from xen_tool.build.shared_fields import DamagedError

FORMAT = "xen_tool build database 3"


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / ".build.db")


def test_a_record_has_as_many_fields_as_the_database_counts() -> None:
    assert len(Record._fields) == _RECORD


def record(database: Database, path: str, inputs: dict[str, str], flags: str = "-O2") -> Record:
    return Record(
        path=path,
        signature="s",
        inputs=database.row_numbers(inputs),
        outputs=database.row_numbers({path: f"digest of {path}"}),
        group=database.text_number(database.row_numbers({"/bin/cc": "cc"})),
        symbols="SMP=y",
        names="a.h",
        present="",
        flags=database.text_number(flags),
        files="a.c\nb.c",
        provided=database.text_number("/lib/own.h"),
        run="1",
        reasons="",
        dirty="",
    )


def written(file: str, *paths: str) -> Database:
    database = Database(file)
    for path in paths:
        database.put(record(database, path, {f"{path}.c": "digest"}))
    database.save(Contents({}))
    return database


def forged(path: str, given_fields: list[str]) -> None:
    body = ("\0".join(given_fields) + "\0").encode("utf-8", "surrogateescape")
    Path(path).write_bytes(b"%08x" % crc32(body) + body)


def test_a_record_is_read_as_it_was_put(file: str) -> None:
    database = written(file, "a.o", "b.o")
    again = Database(file)
    assert list(again.paths()) == ["a.o", "b.o"]
    assert again.get("a.o") == database.get("a.o")
    found = again.get("b.o")
    assert found is not None
    assert list(again.rows(found.inputs)) == [("b.o.c", "digest")]
    assert again.text(found.flags) == "-O2"
    assert list(again.rows(again.text(found.group))) == [("/bin/cc", "cc")]
    assert again.get("c.o") is None


@pytest.mark.parametrize("name", ["new\nline", "\udcff\udc80", " ", "é", "=,", "a/b "])
def test_any_name_survives(file: str, name: str) -> None:
    database = Database(file)
    database.put(record(database, name, {f"{name}1": "digest"}, flags=name))
    database.save(Contents({}))
    again = Database(file)
    found = again.get(name)
    assert found == database.get(name)
    assert found is not None
    assert list(again.rows(found.inputs)) == [(f"{name}1", "digest")]
    assert again.text(found.flags) == name


def test_the_number_of_the_run_survives(file: str) -> None:
    database = Database(file)
    database.run = 7
    database.save(Contents({}))
    assert Database(file).run == 7


def test_a_removed_record_is_gone(file: str) -> None:
    written(file, "a.o", "b.o")
    database = Database(file)
    database.remove("a.o")
    assert database.changed
    database.save(Contents({}))
    assert list(Database(file).paths()) == ["b.o"]


def test_a_mark_lasts_until_a_record_changes(file: str) -> None:
    database = written(file)
    database.mark("all")
    database.save(Contents({}))
    again = Database(file)
    assert again.has("all")
    assert not again.has("other")
    again.remove("gone")
    assert again.has("all")
    again.put(record(again, "a.o", {}))
    assert not again.has("all")


def test_nothing_is_marked_while_a_step_has_to_run_again(file: str) -> None:
    database = written(file)
    database.put(record(database, "a.o", {})._replace(dirty="it changed while it was read"))
    database.mark("all")
    database.save(Contents({}))
    assert not Database(file).has("all")
    database.put(record(database, "a.o", {}))
    database.mark("all")
    # A mark counts only for records that are in the file.
    assert not database.has("all")
    database.save(Contents({}))
    assert Database(file).has("all")


def test_a_row_is_stale_when_its_file_has_changed(file: str, tmp_path: Path) -> None:
    source = tmp_path / "a.c"
    source.write_text("one")
    while changed_since(source.stat(), clock()):
        time.sleep(0.001)
    contents, database = Contents({}), Database(file)
    row = database.row_numbers({str(source): contents.digest(str(source))})
    text = database.text_number("")
    database.put(
        record(database, "a.o", {})._replace(inputs=row, outputs="", group=text, flags=text)
    )
    database.save(contents)
    again = Database(file)
    assert not again.stale(Contents(again.known()))
    source.write_text("two")
    assert again.stale(Contents(again.known())) == {row}
    assert again.users()[row] == ["a.o"]


def test_unused_rows_and_texts_are_removed(file: str) -> None:
    written(file, "a.o", "b.o")
    size = os.path.getsize(file)
    for turn in range(10):
        database = Database(file)
        database.put(record(database, "b.o", {f"b.o.{turn}": "digest"}, flags=f"-O{turn}"))
        database.save(Contents({}))
    again = Database(file)
    found = again.get("b.o")
    assert found is not None
    assert list(again.rows(found.inputs)) == [("b.o.9", "digest")]
    other = again.get("a.o")
    assert other is not None
    assert list(again.rows(other.inputs)) == [("a.o.c", "digest")]
    assert os.path.getsize(file) < 2 * size
    assert "b.o.3" not in Path(file).read_text()


def test_a_file_that_is_cut_anywhere_counts_as_missing(file: str) -> None:
    written(file, "a.o")
    data = Path(file).read_bytes()
    for length in range(len(data)):
        Path(file).write_bytes(data[:length])
        assert list(Database(file).paths()) == [], length


def test_a_file_with_a_changed_byte_counts_as_missing(file: str) -> None:
    written(file, "a.o")
    data = Path(file).read_bytes()
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        Path(file).write_bytes(changed)
        assert list(Database(file).paths()) == [], place


def test_a_database_of_another_version_counts_as_missing(file: str) -> None:
    written(file, "a.o")
    read = fields.read(file)
    fields.write(file, ["xen_tool build database 0", *read[1:]])
    assert list(Database(file).paths()) == []


@pytest.mark.parametrize("place", range(1, 6))
@pytest.mark.parametrize("count", ["-1", "", "x", "99", "1e3", "9" * 5000])
def test_a_file_with_a_wrong_count_counts_as_missing(file: str, place: int, count: str) -> None:
    written(file, "a.o")
    read = fields.read(file)
    read[place] = count
    forged(file, read)
    # Another number of the run is valid.
    assert list(Database(file).paths()) == [] or (place, count) == (1, "99")


@pytest.mark.parametrize("numbers", ["99", "-1", "x", "0 99", "1.5", "9" * 5000])
def test_rows_that_are_not_there_are_damage(file: str, numbers: str) -> None:
    database = written(file, "a.o")
    with pytest.raises(DamagedError):
        list(database.rows(numbers))


@pytest.mark.parametrize("number", ["99", "", "x", "0 1", "9" * 5000])
def test_a_text_that_is_not_there_is_damage(file: str, number: str) -> None:
    database = written(file, "a.o")
    with pytest.raises(DamagedError):
        database.text(number)


WORD = st.sampled_from(["", "0", "1", "2", "-1", "99", "x", "0 1", "a.o", "a\nb", "0 99"])


@st.composite
def forgeries(draw: st.DrawFn) -> list[str]:
    counts = draw(st.tuples(*[st.integers(0, 3)] * 4))
    marks, rows, texts, records = counts
    number = marks + 3 * rows + texts + _RECORD * records
    rest = draw(st.lists(WORD, min_size=number, max_size=number))
    header = [FORMAT, "1", *map(str, counts)]
    if draw(st.booleans()):
        header[draw(st.integers(1, 5))] = draw(WORD)
    return [*header, *rest]


@given(forgeries())
@settings(deadline=None)
def test_a_forged_database_raises_nothing_but_damage(given_fields: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, ".build.db")
        forged(path, given_fields)
        database = Database(path)
        database.known()
        database.stale(Contents(database.known()))
        database.has("x")
        database.users()
        for name in database.paths():
            found = database.get(name)
            assert found is not None
            try:
                list(database.rows(found.inputs))
                list(database.rows(database.text(found.group)))
            except DamagedError:
                continue


@given(st.binary(max_size=80))
@settings(deadline=None)
def test_any_bytes_with_a_right_checksum_raise_nothing(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, ".build.db")
        path.write_bytes(b"%08x" % crc32(data) + data)
        assert list(Database(str(path)).paths()) == []


def test_a_folder_pipe_or_link_in_its_place_counts_as_missing(file: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    written(file, "a.o")
    (tmp_path / "link").symlink_to(file)
    for name in ("", "gone", "fifo", "loop", "link"):
        assert list(Database(str(tmp_path / name)).paths()) == []
