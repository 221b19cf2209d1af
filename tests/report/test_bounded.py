# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Every command that reads an image needs little memory and time for any image."""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from image.large import LARGE, symbol, with_symbols
from loaders.good import good_both
from loaders.images import LOADED_AT, NOTES_OFFSET
from project import TOP
from xen_tool.abi import XenElfNote

GIB = 1 << 30
SECONDS = 30
"""The limit of processor time for all commands; each takes less than two seconds."""

COMMANDS = """
import sys
from pathlib import Path
from xen_tool.boot.symbolize import ImageSymbols
from xen_tool.cli import main

def kib(name):
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0])

before = kib("VmRSS")
good, image = sys.argv[1:]
for command in (
    *([name, image] for name in ("check", "inspect", "map", "size")),
    *(["diff", good, image], ["size", image, "--against", good]),
    *([name, image, "--json"] for name in ("inspect", "map", "size")),
):
    print(*command, main(command))
with ImageSymbols(image) as symbols:
    print(*symbols.places([0xffffffff80200005, 0x200010, 1]))
print((kib("VmHWM") - before) << 10)
"""


def commands(
    *arguments: object, program: str = COMMANDS, **limits: int
) -> subprocess.CompletedProcess[bytes]:
    def limit() -> None:
        for name, value in {"CPU": SECONDS, **limits}.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))

    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(TOP / "site_scons")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        preexec_fn=limit,
        check=False,
    )


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good"
    path.write_bytes(bytes(good_both()))
    return path


@pytest.mark.parametrize("what", [*LARGE, "a note segment over a hole"])
def test_memory_and_time(good: Path, what: str) -> None:
    path = good.with_name("image")
    over_hole = replace(good_both(), note_filesz=3 * GIB - NOTES_OFFSET)
    path.write_bytes(LARGE[what]() if what in LARGE else bytes(over_hole))
    size = path.stat().st_size
    if what not in LARGE:
        os.truncate(path, 3 * GIB)
    result = commands(good, path)
    assert result.returncode == 0, result.stderr
    *lines, grown = result.stdout.splitlines()
    assert int(grown) <= size + (64 << 20)
    assert len(lines) > 5
    assert b"\x1b" not in result.stdout


@pytest.mark.parametrize("limit", [100_000, (3 << 20) + 5000])
def test_a_full_disk_gives_an_error_and_no_verdict(good: Path, limit: int) -> None:
    # RLIMIT_FSIZE acts as a full disk: the write that reaches it is short, and the next one fails.
    packed = good.with_name("packed")
    packed.write_bytes(gzip.compress(good.read_bytes() + bytes(3 << 20)))
    check = "import sys; from xen_tool.cli import main; sys.exit(main(['check', sys.argv[1]]))"
    result = commands(packed, program=check, FSIZE=limit)
    assert (result.returncode, result.stdout) == (4, b"")
    (line,) = result.stderr.decode().splitlines()
    assert "cannot be unpacked to a temporary file: File too large; name a folder" in line


HOSTILE = "a\x1b[2J\n\udcff\u202eb"
ESCAPED = "a\\x1b[2J\\x0a\\xff\\xe2\\x80\\xaeb"


def test_names_are_escaped(good: Path) -> None:
    path = good.with_name(HOSTILE)
    content = with_symbols(
        b"\0" + HOSTILE.encode("utf-8", "surrogateescape") + b"\0", symbol(1, LOADED_AT)
    )
    path.write_bytes(content)
    good.write_bytes(bytes(good_both().without(XenElfNote.GUEST_OS)))
    result = commands(good, os.fsencode(path).decode("utf-8", "surrogateescape"))
    assert result.returncode == 0, result.stderr
    out = result.stdout.decode("utf-8")
    assert f"/{ESCAPED}: ELF64, x86_64" in out
    assert f"entry 0x{LOADED_AT:x} <{ESCAPED}>" in out
    assert f"{ESCAPED}+0x5" in out
    assert f"\n+++ {path.parent}/{ESCAPED}\n" in out


def test_names_that_cannot_be_read_are_escaped(good: Path) -> None:
    check = "import sys; from xen_tool.cli import main; sys.exit(main(['check', sys.argv[1]]))"
    for path in (good.with_name(HOSTILE), good.with_name(f"{HOSTILE}.folder")):
        if path.suffix:
            path.mkdir()
        result = commands(path, program=check)
        assert result.returncode == 4
        (line,) = result.stderr.decode("utf-8").splitlines()
        assert ESCAPED in line


def test_a_terminal_of_another_encoding(good: Path) -> None:
    path = good.with_name("é")
    path.write_bytes(good.read_bytes())
    arguments: Sequence[str] = ["-c", "from xen_tool.cli import main; main()", "check", str(path)]
    result = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(TOP / "site_scons"), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert b"\\xe9: ELF64" in result.stdout
