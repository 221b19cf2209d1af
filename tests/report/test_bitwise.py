# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The first difference that is reported of two objects or images of gcc and GNU ld."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from xen_tool.report.bitwise import ByteDifference, difference

SOURCE = """
char first[8] = "first";
char version[8] = "one";
static int zeroes[NUMBER];
int *function(int number);
int *function(int number) { return &zeroes[number * 3]; }
"""


def compiled(gcc: str, folder: Path, source: str, *flags: str) -> bytes:
    """Return an object or, by the flags, a linked image."""
    (folder / "s.c").write_text(source)
    command = [gcc, "-O1", "-ffreestanding", "-nostdlib", "-static", "-fno-pie", "-no-pie"]
    command += ["-Wl,--build-id=none", "-Wl,-efunction", *flags, "-o", "out", "s.c"]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / "out").read_bytes()


@pytest.mark.parametrize("flags", [["-c"], []], ids=["object", "image"])
def test_elf_files(gcc: str, tmp_path: Path, flags: list[str]) -> None:
    def build(old: str = "", new: str = "", number: int = 4) -> bytes:
        return compiled(gcc, tmp_path, SOURCE.replace(old, new), f"-DNUMBER={number}", *flags)

    one = build()
    assert difference(one, build()) is None
    string = difference(one, build('"one"', '"three"'))
    assert string == ByteDifference(".data", "version+0x0", None, 0, '"one"', '"three"')
    assert string.place == "section .data, version+0x0"
    code = difference(one, build("* 3", "* 5"))
    assert code is not None
    assert (code.section, (code.symbol or "").partition("+")[0]) == (".text", "function")


def test_sections_of_other_sizes_and_names(gcc: str, tmp_path: Path) -> None:
    objects = (compiled(gcc, tmp_path, SOURCE, f"-DNUMBER={number}", "-c") for number in (4, 64))
    found = difference(*objects)
    assert found == ByteDifference(".bss", None, None, 0, "16 bytes", "256 bytes")
    texts = (f'int a __attribute__((section(".{name}"))) = 1;\n' for name in "ab")
    found = difference(*(compiled(gcc, tmp_path, text, "-c") for text in texts))
    assert found == ByteDifference(".a", None, None, 0, "section .a", "section .b")


def test_what_explains_most_comes_first(gcc: str, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "another")]
    for folder in folders:
        folder.mkdir()
    source = SOURCE.replace("NUMBER", "4")
    found = difference(*(compiled(gcc, folder, source, "-g", "-c") for folder in folders))
    # .debug_info differs as well, and comes before.
    assert found is not None
    assert str(tmp_path) in found.here + found.there
    renamed = source.replace("first", "other")
    found = difference(*(compiled(gcc, tmp_path, text, "-g", "-c") for text in (source, renamed)))
    assert found == ByteDifference(".data", "first+0x0", None, 8, '"first"', '"other"')


@pytest.mark.parametrize(
    ("here", "there", "place", "shown"),
    [
        (b"a\nb c\nd", b"a\nb d\nd", "line 2", ('"b c"', '"b d"')),
        (b"a\n", b"a\nb", "line 2", ('""', '"b"')),
        ("a é".encode(), "a è".encode(), "line 1", ('"a é"', '"a è"')),
        (b"\0\1\2\3", b"\0\1\2\4", "offset 0x3", ("03", "04")),
        (b"\0\1\2\3", b"\0\1\2", "offset 0x3", ("03", "the end")),
        (b"\0" * 5000 + b"\1", b"\0" * 5000, "offset 0x1388", ("01", "the end")),
        (b"\xffpath/a\0", b"\xffpath/bc\0", "offset 0x6", ('"path/a"', '"path/bc"')),
        (b"\x7fELF\0broken", b"\x7fELF\0br", "offset 0x7", ('"broken"', '"br"')),
    ],
)
def test_other_files(here: bytes, there: bytes, place: str, shown: tuple[str, str]) -> None:
    found = difference(here, there)
    assert found is not None
    assert (found.place, found.here, found.there) == (place, *shown)
