# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Sizes add up to the file, agree with readelf and nm, and show changes."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from image.large import LARGE
from loaders.good import good_both, good_pv32
from programs import program
from project import Project
from xen_tool.cli import main
from xen_tool.errors import XenToolError
from xen_tool.image.data import Data
from xen_tool.image.elf import Elf
from xen_tool.json_text import pieces
from xen_tool.report.size import history, linker_map, named, sizes
from xen_tool.report.size.parts import NO_SYMBOL, parts
from xen_tool.report.size.sizes import Sizes

IMAGE = "build/x86_64/k"
REST = """
env.Default(env.XenImage("k", ["a.c", "b.c", "s.S"], script="k.lds", loaders="none"))
"""
A = """
static int twice[100];
int only[7] = {1};
const char *first(void);
const char *first(void) { twice[only[1]]++; return twice[only[2]] ? "a" : "ab"; }
"""
B = """
static char twice[50] = {2};
const char *words(int n);
const char *words(int n) { return twice[n]++ ? "some words" : "others"; }
"""
S = '.section .text, "ax"\nstep:\n  nop\n  nop\nother:\n  ret\n.byte 1, 2, 3\n'


def small(top: Path) -> Project:
    project = Project(top)
    project.write_small(REST)
    for name, text in (("a.c", A), ("b.c", B), ("s.S", S)):
        project.write(name, text)
    return project


@pytest.fixture(scope="module", params=["gcc", "zig"])
def linked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """An image, linked by GNU ld or by lld, and what `scons size --json` says of it."""
    if request.param == "zig":
        pytest.importorskip("ziglang", reason="ziglang is not installed")
    else:
        program("gcc")
    project = small(tmp_path_factory.mktemp("size"))
    output = project.scons("size", "--json", f"TOOLCHAIN={request.param}").out
    project.write("told.json", output)
    return project


def document_of(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.top / "told.json").read_text())
    return found


def adds_up(document: dict[str, Any], size: int) -> None:
    assert document["file"] == size
    for kind in ("sections", "objects", "symbols"):
        rows = document[kind]
        assert not rows or sum(row["file"] for row in rows) == size
        assert not rows or sum(row["memory"] for row in rows) == document["memory"]
        names = [(row["name"], row.get("section"), row.get("object")) for row in rows]
        assert len(set(names)) == len(names)


def test_sums_add_up_to_the_file(linked: Project) -> None:
    document = document_of(linked)
    adds_up(document, (linked.top / IMAGE).stat().st_size)
    assert document["objects"]


def test_sections_are_as_large_as_readelf_says(linked: Project, readelf: str) -> None:
    command = [readelf, "-SW", str(linked.top / IMAGE)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    line = r"\] (\S+) +(\w+) +[0-9a-f]+ +[0-9a-f]+ ([0-9a-f]+) +\w+ +([A-Z]*) "
    sections = {row["name"]: row for row in document_of(linked)["sections"]}
    found = re.findall(line, listed)
    assert found
    memory = 0
    for name, kind, size, flags in found:
        bytes_ = int(size, 16)
        if not bytes_:
            continue
        assert sections[name]["file"] == (0 if kind == "NOBITS" else bytes_)
        assert sections[name]["memory"] == (bytes_ if "A" in flags else 0)
        memory += sections[name]["memory"]
    assert memory == document_of(linked)["memory"]


def test_symbols_are_as_large_as_nm_says(linked: Project) -> None:
    nm = shutil.which("nm")
    assert nm is not None
    command = [nm, "-S", str(linked.top / IMAGE)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    of_nm: Counter[str] = Counter()
    for size, name in re.findall(r"^\w+ (\w+) [a-zA-Z] (\w+)$", listed, re.M):
        of_nm[name] += int(size, 16)
    assert of_nm["twice"] == 450 and of_nm["only"] == 28
    ours: Counter[str] = Counter()
    for row in document_of(linked)["symbols"]:
        ours[row["name"]] += row["memory"]
    for name, size in of_nm.items():
        assert ours[name] == size, name
    # Symbols of assembler have no size: they end at the next one.
    assert (ours["step"], ours["other"]) == (2, 4)
    of_b = [
        r for r in document_of(linked)["symbols"] if r["name"] == "twice" and r["object"] == "b.o"
    ]
    assert [row["memory"] for row in of_b] == [50]


def test_objects_are_as_large_as_their_sections(linked: Project, readelf: str) -> None:
    rows = {row["name"]: row["memory"] for row in document_of(linked)["objects"]}
    for name in ("a.o", "b.o", "s.o"):
        command = [readelf, "-SW", str(linked.top / "build/x86_64" / name)]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        line = r"\] (\.(?:text|data|bss|rodata)\S*) +\w+ +[0-9a-f]+ +[0-9a-f]+ ([0-9a-f]+) "
        sizes = {n: int(s, 16) for n, s in re.findall(line, listed)}
        # lld counts merged strings for no object, GNU ld for the first object that has them.
        strings = sum(size for section, size in sizes.items() if ".str" in section)
        assert sum(sizes.values()) - rows[name] in (0, strings), (name, sizes)


def test_every_image_adds_up(tmp_path: Path) -> None:
    """Each byte of the file counts once, also in damaged images."""
    chance = random.Random(16)
    for image in (bytes(good_both()), bytes(good_pv32())):
        for _ in range(300):
            content = bytearray(image)
            for _ in range(chance.randrange(4)):
                place = chance.randrange(4, min(len(content), chance.choice((64, 400, 1 << 20))))
                content[place] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
            cut = bytes(content[: chance.choice((len(content), chance.randrange(52, 4096)))])
            found = list(parts(Elf(Data.of_bytes(cut))))
            assert sum(part.in_file for part in found) == len(cut)
            assert all(part.in_file >= 0 and part.in_memory >= 0 for part in found)


def test_the_command_compares_two_images(
    linked: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = linked.top / IMAGE
    other = small(tmp_path)
    other.edit("a.c", "only[7]", "only[70]")
    other.scons()
    assert main(["size", str(image)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{image}: {document_of(linked)['file']:,} bytes in the file, " + (
        f"{document_of(linked)['memory']:,} in memory"
    )
    assert main(["size", str(other.top / IMAGE), "--against", str(image), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    adds_up(document, (other.top / IMAGE).stat().st_size)
    change = {row["name"]: row["change"] for row in document["symbols"]}
    assert change["only"] == {"file": 252, "memory": 252}
    assert main(["size", str(image), "--against", str(image)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "nothing has changed its size"


def test_a_file_without_symbols_and_sections_is_divided_by_segments(
    linked: Project, tmp_path: Path
) -> None:
    content = (linked.top / IMAGE).read_bytes()
    bare = bytearray(content)
    # e_shoff, e_shnum and e_shstrndx.
    bare[0x28:0x30], bare[0x3C:0x40] = bytes(8), bytes(4)
    found = list(parts(Elf(Data.of_bytes(bytes(bare)))))
    assert sum(part.in_file for part in found) == len(content)
    assert {part.symbol for part in found} <= {NO_SYMBOL, ""}


@pytest.mark.parametrize("text", ["", "not a map", "Linker script and memory map\n"])
def test_a_file_that_is_no_link_map_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "map"
    path.write_text(text)
    with pytest.raises(XenToolError, match="is no map of GNU ld or lld: link with -Map="):
        linker_map.read(path)


# scons size


def test_scons_tells_what_has_changed(tmp_path: Path) -> None:
    project = small(tmp_path)
    first = project.scons("size").out
    assert "objects" in first and "change" not in first
    assert "nothing has changed its size" in project.scons("size").out
    project.edit("b.c", "some words", "more words" + 90 * "x")
    second = project.scons("size", "k").out
    assert re.search(r"\+90 .* b\.o$", second, re.M), second
    assert project.up_to_date()
    path = project.top / "build/x86_64/.sizes/k.history.json"
    document = json.loads(path.read_text())
    assert document["schema"] == 1
    # The second of the three runs found no change.
    one, other = document["entries"]
    assert other["file"] == (project.top / IMAGE).stat().st_size
    assert other["time"] >= one["time"]
    for each in (one, other):
        for place in ("file", "memory"):
            assert sum(section[place] for section in each["sections"]) == each[place]


def test_symbols_beyond_the_limit_are_counted_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "image"
    path.write_bytes(LARGE["different symbols"]())
    monkeypatch.setattr(named, "MOST", 1000)
    document = json.loads("".join(pieces(sizes.document(sizes.read_sizes(path), None))))
    adds_up(document, path.stat().st_size)
    rows = {row["name"]: row for row in document["symbols"] if row["section"] == ".text"}
    assert len(rows) == 1001
    assert rows["3e7"]["memory"] == 2
    assert rows[NO_SYMBOL]["memory"] == (1 << 40) - 2000


def test_a_history_is_bounded_and_begun_anew_if_damaged(tmp_path: Path) -> None:
    path = str(tmp_path / "k.history.json")
    for number in range(history.MOST + 5):
        now = Sizes("k", (number, 0), {(".text",): (number, 0)}, {}, {})
        entries = history.add(path, now, number, "")
    assert [entry.time for entry in entries] == list(range(5, history.MOST + 5))
    assert history.read(path) == entries
    assert history.add(path, now, 999, "") == entries, "an entry although no size has changed"
    for damaged in ("", "[]", '{"schema": 1, "entries": [{}]}', '{"schema": 9, "entries": []}'):
        (tmp_path / "k.history.json").write_text(damaged)
        assert len(history.add(path, now, 1, "")) == 1


def test_scons_compares_with_a_revision(tmp_path: Path) -> None:
    project = small(tmp_path)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    project.edit("a.c", "only[7]", "only[9]")
    output = project.scons("size", "AGAINST=HEAD", "--json").out
    document = json.loads(output)
    assert document["against"] == "HEAD of git"
    change = {(row["name"], row["object"]): row["change"] for row in document["symbols"]}
    assert change["only", "a.o"] == {"file": 8, "memory": 8}
    run = project.run("size", "AGAINST=nowhere")
    assert run.status == 2
    assert "AGAINST=nowhere is neither a file nor a revision of git" in run.err


def test_scons_knows_objects_of_a_stripped_image(tmp_path: Path) -> None:
    project = small(tmp_path)
    command = 'loaders="none", postlink=["strip -o $TARGET $SOURCE"]'
    project.edit("SConstruct", 'loaders="none"', command)
    output = project.scons("size", "--json").out
    document = json.loads(output)
    assert {"a.o", "b.o", "s.o"} <= {row["name"] for row in document["objects"]}
    assert "only" not in {row["name"] for row in document["symbols"]}
