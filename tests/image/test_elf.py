# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""ELF headers against two other readers, pyelftools and LIEF; broken ones as libelf reads them."""

from __future__ import annotations

import io
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import lief
import pytest
from elftools.elf.elffile import ELFFile

from loaders.good import good_both, good_pv32, good_pv64, good_pvh
from loaders.images import Image
from xen_tool.image.data import Data
from xen_tool.image.elf import Elf, NotElf

WELL_FORMED = {
    "pv64": good_pv64(),
    "pv32": good_pv32(),
    "pvh": good_pvh(),
    "all": good_both(),
    "no sections": replace(good_pv64(), sections=False),
    "legacy": replace(good_pv32(), notes=(), guest="XEN_VER=xen-3.0"),
}


def _elf(image: Image | bytes) -> Elf:
    return Elf(Data.of_bytes(bytes(image)))


def _compare(content: bytes) -> None:
    elf = _elf(content)
    other = ELFFile(io.BytesIO(content))
    for field in other.header:
        if field not in ("e_ident", "e_type", "e_machine", "e_version"):
            assert getattr(elf, field) == other[field], field
    assert (elf.bits, elf.big) == (other.elfclass, not other.little_endian)
    assert len(elf.segments) == other.num_segments()
    for segment, other_segment in zip(elf.segments, other.iter_segments(), strict=True):
        numbers = {k: v for k, v in other_segment.header.items() if k != "p_type"}
        assert numbers == {field: getattr(segment, field) for field in numbers}
    assert len(elf.sections) == other.num_sections()
    for section, their_section in zip(elf.sections, other.iter_sections(), strict=True):
        assert section.name == their_section.name
        numbers = {k: v for k, v in their_section.header.items() if k != "sh_type"}
        assert numbers == {field: getattr(section, field) for field in numbers}

    binary = lief.ELF.parse(list(content))
    assert binary is not None
    assert (elf.e_type, elf.e_machine) == (
        int(binary.header.file_type) & 0xFFFF,
        int(binary.header.machine_type) & 0xFFFF,
    )
    by_place = {(s.p_offset, s.p_vaddr, s.p_memsz, s.p_align) for s in elf.segments}
    assert by_place == {
        (s.file_offset, s.virtual_address, s.virtual_size, s.alignment) for s in binary.segments
    }
    assert [s.name for s in elf.sections] == [s.name for s in binary.sections]


@pytest.mark.parametrize("image", WELL_FORMED.values(), ids=WELL_FORMED)
def test_images_written_in_code(image: Image) -> None:
    _compare(bytes(image))


@pytest.mark.parametrize("options", [["-m64", "-c"], ["-m32", "-c"], ["-m64", "-static"]])
def test_what_gcc_makes(gcc: str, tmp_path: Path, options: list[str]) -> None:
    source = tmp_path / "a.c"
    source.write_text("int x = 1; int y; void _start(void) { x = y; for (;;); }\n")
    command = [gcc, *options, "-g", "-nostdlib", "-o", str(tmp_path / "a.out"), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    _compare((tmp_path / "a.out").read_bytes())


def test_ei_class_alone_decides_the_width() -> None:
    content = bytearray(bytes(good_pv64()))
    for ei_class, bits in ((0, 32), (1, 32), (2, 64), (3, 32), (255, 32)):
        content[4] = ei_class
        assert _elf(bytes(content)).bits == bits


def test_any_ei_data_but_little_endian_swaps() -> None:
    # elf_swap() of libelf compares with its own byte order only.
    for ei_data, e_type in ((0, 0x200), (1, 2), (2, 0x200), (3, 0x200)):
        assert _elf(replace(good_pv64(), ei_data=ei_data)).e_type == e_type


@pytest.mark.parametrize(
    "content", [b"", b"\x7fEL", b"\x7fELF", b"\x7fELF" + bytes(47), b"\x7fELG" + bytes(60)]
)
def test_no_elf(content: bytes) -> None:
    with pytest.raises(NotElf):
        _elf(content)


def test_fields_outside_the_file_are_0() -> None:
    elf = _elf(bytes(good_pv64())[:58])  # the ELF header has 64 bytes in ELF64, and 52 in ELF32
    assert (elf.e_phnum, elf.e_shentsize, elf.e_shnum, elf.e_shstrndx) == (2, 0, 0, 0)

    size = len(bytes(good_pv64()))
    cut = _elf(replace(good_pv64(), e_phoff=size - 20, e_phnum=3)).segments
    assert [(segment.number, segment.offset) for segment in cut] == [(0, size - 20)]
    assert cut[0].p_vaddr == 0


@pytest.mark.parametrize("distance", [0, 1, -1])
def test_headers_end_where_one_begins_outside(distance: int) -> None:
    size = len(bytes(good_pv64()))
    offset = size - 2 * 56 + distance
    elf = _elf(replace(good_pv64(), e_phoff=offset, e_phnum=40000))
    assert len(elf.segments) == (3 if distance < 0 else 2)
    assert elf.phdr_end == offset + 56 * 40000


def test_many_headers_of_no_size() -> None:
    elf = _elf(replace(good_pv64(), e_phentsize=0, e_phnum=65535))
    assert len(elf.segments) == 65535
    assert elf.segments[65534].p_vaddr == elf.segments[0].p_vaddr != 0
    assert [len({s.offset for s in elf.segments}), elf.segments[65534].number] == [1, 65534]


def test_section_count_is_cut_to_what_the_file_could_hold() -> None:
    size = len(bytes(good_pv64()))
    good = _elf(good_pv64())
    assert (good.shdr_count, good.too_many_sections) == (good.e_shnum, False)
    elf = _elf(replace(good_pv64(), e_shnum=size // 40 + 1))
    assert (elf.shdr_count, elf.too_many_sections) == (size // 40, True)
    assert elf.shdr_end == elf.e_shoff + 64 * (size // 40)
    assert len(elf.sections) == good.shdr_count


def test_section_0_may_lie_outside() -> None:
    content = bytearray(bytes(good_pv64()))
    # e_shoff just below 2^64: header 1 is the start of the file.
    struct.pack_into("<Q", content, 0x28, (1 << 64) - 64)
    elf = _elf(bytes(content))
    assert len(elf.sections) == elf.e_shnum
    assert elf.sections[0].sh_type == 0
    assert elf.sections[1].offset == 0
    assert elf.sections[1].sh_name == 0x464C457F
    assert elf.shdr_end == 64 * (elf.e_shnum - 1)


def test_section_names() -> None:
    elf = _elf(replace(good_pv64(), guest="XEN_VER=xen-3.0"))
    section = elf.section("__xen_guest")
    assert section is not None
    assert elf.data.string(section.sh_offset) == b"XEN_VER=xen-3.0"
    assert elf.section("__xen_gues") is None
    assert elf.section("") is None  # section 0 is ignored

    nowhere = bytearray(bytes(good_pv64()))
    struct.pack_into("<H", nowhere, 0x3E, 100)  # e_shstrndx
    elf = _elf(bytes(nowhere))
    assert elf.section_names_offset is None
    assert {s.name for s in elf.sections} == {None}
    assert elf.section(".text") is None

    struct.pack_into("<H", nowhere, 0x3E, 0)  # its sh_offset is 0: the file's start
    elf = _elf(bytes(nowhere))
    assert elf.section_names_offset == 0
    assert elf.sections[0].name == "\x7fELF\x02\x01\x01"


def test_a_section_name_outside_the_table_is_none() -> None:
    elf = _elf(good_pv64())
    section = elf.sections[1]._replace(sh_name=0xFFFFFFFF)
    assert section.name is None


def test_qemu_reads_program_headers_close_together() -> None:
    good = _elf(good_both())
    assert good.packed_segments == good.segments
    odd = _elf(replace(good_both(), e_phentsize=0))
    assert odd.segments[1].p_type == odd.segments[0].p_type
    assert odd.packed_segments == good.segments
    assert [s.p_type for s in odd.qemu_note_segments] == [4]
