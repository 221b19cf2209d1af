# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The symbols of an image, against readelf and nm."""

from __future__ import annotations

import itertools
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from image.large import symbol, with_symbols
from loaders.good import good_both
from loaders.images import LOADED_AT
from xen_tool.elf import spec
from xen_tool.image import symbols
from xen_tool.image.data import Data
from xen_tool.image.elf import Elf
from xen_tool.image.symbols import Symbols

SOURCE = """
int variable; static int hidden = 1;
__attribute__((noinline)) static int inner(int n) { return n * hidden; }
int outer(int n) { return inner(n) + variable; }
int alias(int n) __attribute__((alias("outer")));
void _start(void) { outer(1); }
"""


def read(path: Path) -> Elf:
    return Elf(Data.of_bytes(path.read_bytes()))


@pytest.fixture(scope="module", params=["-m64", "-m32"])
def program(
    request: pytest.FixtureRequest, gcc: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("symbols")
    (folder / "main.c").write_text(SOURCE)
    options = [
        request.param,
        "-O1",
        "-ffreestanding",
        "-nostdlib",
        "-static",
        "-fno-pie",
        "-no-pie",
    ]
    subprocess.run([gcc, *options, "-o", "main", "main.c"], cwd=folder, check=True)
    return folder / "main"


def entries_of_readelf(readelf: str, path: Path, table: str) -> list[tuple[int, int, str, str]]:
    """Return value, size, section index and name of each entry, as readelf prints them."""
    text = subprocess.check_output([readelf, "-sW", path], text=True)
    (part,) = (p for p in text.split("Symbol table '")[1:] if p.startswith(table))
    row = r"^ *\d+: ([0-9a-f]+) +(0x[0-9a-f]+|\d+) \w+ +\w+ +\w+ +(\w+) ?(\S*)"
    found = re.findall(row, part, re.MULTILINE)
    return [
        (int(v, 16), int(size, 0), where, name.partition("@")[0]) for v, size, where, name in found
    ]


def shown_as_readelf_does(elf: Elf) -> list[tuple[int, int, str, str]]:
    table = Symbols(elf)
    places = {spec.SHN_UNDEF: "UND", 0xFFF1: "ABS"}
    return [
        (value, size, places.get(shndx, str(shndx)), table.name(st_name))
        for st_name, _, shndx, value, size in table
    ]


def test_entries(program: Path, readelf: str) -> None:
    # readelf shows the name of its section for a section symbol, which has no name.
    expected = entries_of_readelf(readelf, program, ".symtab")
    found = shown_as_readelf_does(read(program))
    assert len(found) > 8
    assert [entry[:3] for entry in found] == [entry[:3] for entry in expected]
    assert {entry for entry in found if entry[3]} <= set(expected)
    assert {"outer", "inner", "variable"} <= {entry[3] for entry in found}


def test_without_symbols_of_the_linker_those_of_the_dynamic_one(
    readelf: str, tmp_path: Path
) -> None:
    stripped = tmp_path / "python"
    subprocess.run(["strip", "-o", stripped, Path(sys.executable).resolve()], check=True)
    found = shown_as_readelf_does(read(stripped))
    assert len(found) > 10
    assert found == entries_of_readelf(readelf, stripped, ".dynsym")


def test_names_of_addresses(program: Path) -> None:
    nm = subprocess.check_output(["nm", program], text=True)
    names: dict[int, set[str]] = {}
    for value, name in re.findall(r"^([0-9a-f]+) \w (\w+)$", nm, re.MULTILINE):
        names.setdefault(int(value, 16), set()).add(name)
    table = Symbols(read(program))
    found = table.at([*names, 0, 1])
    assert set(found) == set(names)
    assert all(name in names[address] for address, name in found.items())
    assert all(map(table.defines, itertools.chain(*names.values())))
    assert not any(map(table.defines, ("oute", "uter", "", "nothing")))


def test_functions_before_addresses(program: Path) -> None:
    nm = subprocess.check_output(["nm", program], text=True)
    starts = {name: int(at, 16) for at, name in re.findall(r"^(\w+) [tT] (\w+)$", nm, re.M)}
    first, last = min(starts.values()), max(starts.values())
    addresses = range(first, last + 4)
    found = Symbols(read(program)).before(addresses, lambda address: True)
    for address in addresses:
        start, name = found[address]
        assert start == starts[name] == max(s for s in starts.values() if s <= address)
    assert Symbols(read(program)).before([first - 1], lambda address: True) == {}
    assert Symbols(read(program)).before([last], lambda address: address == first) == {
        last: (first, next(name for name, at in starts.items() if at == first))
    }


def image(*entries: tuple[bytes, bytes]) -> Symbols:
    """Return the symbols of an image; entries are names and symbols, whose st_name is filled in."""
    names, table = b"\0", b""
    for name, entry in entries:
        table += struct.pack("<I", len(names)) + entry[4:]
        names += name + b"\0"
    return Symbols(Elf(Data.of_bytes(with_symbols(names, table))))


def test_which_of_several_names() -> None:
    local, label = 0x02, 0x10
    at = [symbol(0, LOADED_AT, info) for info in (label, local, 0x12)]
    found = image((b"label", at[0]), (b"global", at[2]), (b"local", at[1]), (b".L1", at[2]))
    assert found.before([LOADED_AT + 1], lambda _: True) == {LOADED_AT + 1: (LOADED_AT, "global")}
    assert image((b"undefined", symbol(0, LOADED_AT, st_shndx=0))).at([LOADED_AT]) == {}
    assert found.at([LOADED_AT])[LOADED_AT] in ("global", ".L1")


def test_a_name_is_shown_in_part_and_escaped() -> None:
    found = image(
        (b"a\x1b[2J\n\xff", symbol(0, 1)),
        ("é".encode(), symbol(0, 2)),
        (b"x" * 256, symbol(0, 3)),
        (b"x" * 257, symbol(0, 4)),
    )
    assert found.at([1, 2]) == {1: "a\\x1b[2J\\x0a\\xff", 2: "é"}
    assert found.at([3, 4]) == {3: "x" * 256, 4: "x" * 256 + "..."}


def test_a_name_outside_of_the_table_is_empty() -> None:
    found = image((b"main", symbol(0, 1)))
    assert [found.name(at) for at in (0, 1, 4, 6, 7, 1 << 31)] == ["", "main", "n", "", "", ""]
    assert Symbols(Elf(Data.of_bytes(bytes(good_both())))).name(0) == ""


@pytest.mark.parametrize("piece", [24, 1 << 20])
def test_names_over_the_ends_of_pieces(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbols, "_PIECE", piece)
    found = image(*((b"name%d" % n, symbol(0, n)) for n in range(20)))
    assert [st_value for _, _, _, st_value, _ in found] == list(range(20))
    assert all(found.defines(f"name{n}") for n in range(20))
    assert not any(map(found.defines, ("ame19", "name20")))


def test_what_is_behind_the_limit_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = image(*((b"n%d" % n, symbol(0, n)) for n in range(9)))
    assert len(list(found)) == 9
    monkeypatch.setattr(symbols, "LIMIT", 100)
    assert len(list(found)) == 4


def test_broken_tables_have_no_symbols() -> None:
    content = with_symbols(b"\0main\0", symbol(1, LOADED_AT))
    for size in range(0x40, len(content), 7):
        found = Symbols(Elf(Data.of_bytes(content[:size])))
        assert found.at([LOADED_AT]) in ({}, {LOADED_AT: "main"})
        found.before([LOADED_AT], lambda _: True)
        found.defines("main")
