# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Images of other build systems boot with added notes, and are otherwise unchanged."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from booted import boot
from xen_tool import cli

from .kernels import MADE, run

pytestmark = pytest.mark.usefixtures("readelf")


@pytest.fixture(scope="module", params=MADE)
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A linked image without Xen notes."""
    return MADE[request.param](tmp_path_factory.mktemp("kernel") / "k")


@pytest.fixture(scope="module")
def noted(image: Path) -> Path:
    """The image with notes of its PVH entry and, if it is ELF64 with symbols, its PV entry."""
    output = image.with_name("vmlinux.xen")
    words = ["annotate", str(image), "-o", str(output), *_entries(image)]
    assert cli.main(words) == 0
    return output


def _entries(image: Path) -> list[str]:
    """Return the options for the entry points: names, or an address in an image without symbols."""
    if _elf(image.read_bytes()).header["e_shnum"] == 0:
        return ["--pvh-entry", "0x1000000"]
    pv = [] if image.name == "vmlinux32" else ["--pv-entry", "pv_start"]
    return ["--pvh-entry", "pvh_start", *pv]


def _elf(content: bytes) -> ELFFile:
    return ELFFile(io.BytesIO(content))


def _headers(elf: ELFFile) -> list[dict[str, Any]]:
    return [dict(segment.header) for segment in elf.iter_segments()]


@pytest.mark.usefixtures("xen_under_qemu")
@pytest.mark.parametrize("mode", ["pv", "pvh", "qemu"])
def test_it_boots(noted: Path, mode: str) -> None:
    if mode == "pv" and b"xen-3.0\0" not in noted.read_bytes():
        mode = "qemu"
    outcome = boot(noted, mode=mode, echo=lambda line: None)
    assert outcome.passed, outcome.reason


def test_everything_but_the_notes_is_unchanged(image: Path, noted: Path) -> None:
    old, new = image.read_bytes(), noted.read_bytes()
    before, after = _elf(old), _elf(new)
    # The ELF header: only offsets and counts of the tables may change.
    may = {"e_phoff", "e_phnum", "e_shoff", "e_shnum"}
    changed = {k for k in before.header if before.header[k] != after.header[k]}
    assert changed <= may
    # Sections: headers and contents are unchanged, except that .shstrtab, the last, grew.
    sections = list(before.iter_sections())
    for number, section in enumerate(sections):
        now = after.get_section(number)
        assert now.name == section.name
        if section.name == ".shstrtab":
            assert now.data().startswith(section.data())
        else:
            assert dict(now.header) == dict(section.header)
            assert now.data() == section.data()
    added = [s.name for s in after.iter_sections()][len(sections) :]
    assert added == ([".note.Xen"] if sections else [])
    # Segments: all that are loaded, and notes of other owners, are unchanged.
    segments, now_segments = _headers(before), _headers(after)
    gone = [s for s in segments if s not in now_segments]
    assert all(s["p_type"] in ("PT_NULL", "PT_PHDR") for s in gone)
    (new_note,) = [s for s in now_segments if s not in segments and s["p_type"] == "PT_NOTE"]
    assert (new_note["p_align"], new_note["p_offset"] % 4, new_note["p_memsz"]) == (4, 0, 0)
    # Byte by byte up to the last table, except the ELF header and room for one more program header.
    size, phentsize = before.header["e_ehsize"], before.header["e_phentsize"]
    start = before.header["e_phoff"]
    free = {*range(size), *range(start, start + (len(segments) + 1) * phentsize)}
    last = {"offset": len(old)} if not sections else {"offset": sections[-1]["sh_offset"]}
    end = min(last["offset"], new_note["p_offset"], before.header["e_shoff"] or len(old))
    assert [i for i in range(end) if old[i] != new[i] and i not in free] == []


def test_binutils_print_the_same_for_the_image(image: Path, noted: Path) -> None:
    folder = image.parent
    for command in (
        ("nm", "-n"),
        ("readelf", "-sW"),
        ("readelf", "--debug-dump=info,line"),
        ("objdump", "-d", "--no-show-raw-insn"),
        ("addr2line", "-f", "0xffffffff81000000", "0x1000000", "-e"),
    ):
        before, after = (run(folder, *command, path.name) for path in (image, noted))
        assert before.replace(image.name, "") == after.replace(noted.name, ""), command
    notes = run(folder, "readelf", "-nW", image.name)
    assert "Build ID" in notes
    now = run(folder, "readelf", "-nW", noted.name)
    assert now.startswith(notes.rstrip("\n")) or "at file offset" in notes


@pytest.mark.parametrize("command", [("strip",), ("objcopy", "--strip-debug")])
def test_notes_survive_what_strips(noted: Path, command: tuple[str, ...]) -> None:
    header = _elf(noted.read_bytes()).header
    # binutils moves program headers back behind the ELF header, where there may be no room.
    if header["e_shnum"] == 0 or header["e_phoff"] != header["e_ehsize"]:
        return
    stripped = noted.with_name("stripped")
    stripped.write_bytes(noted.read_bytes())
    run(noted.parent, *command, stripped.name)
    assert cli.main(["check", str(stripped)]) == 0


def test_adding_the_same_notes_again_changes_nothing(image: Path, noted: Path) -> None:
    again = noted.with_name("again")
    assert cli.main(["annotate", str(noted), "-o", str(again), *_entries(image)]) == 0
    assert again.read_bytes() == noted.read_bytes()
