# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The walk over notes: as pyelftools for valid notes, as libelf for invalid ones."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection

from loaders.good import PHYS32_ENTRY, good_both, good_pv32, good_pv64
from loaders.images import NOTES_OFFSET, Image, Note, Segment, number, text
from xen_tool.elf import spec
from xen_tool.image.data import Data
from xen_tool.image.elf import Elf
from xen_tool.image.notes import (
    LIBXENGUEST_IMAGE_BASE,
    TOTAL_NOTE_LIMIT,
    XEN_IMAGE_BASE,
    FoundNote,
    NoteWalk,
    qemu_notes,
)

FOREIGN = Note(3, b"\x12" * 20, owner=b"GNU\0")
NAMELESS = Note(7, b"desc", owner=b"")


def _elf(image: Image | bytes) -> Elf:
    return Elf(Data.of_bytes(bytes(image)))


def _walk(image: Image | bytes) -> list[FoundNote]:
    return list(NoteWalk(_elf(image)))


def _types(notes: Iterable[FoundNote]) -> list[int]:
    return [note.n_type for note in notes if note.is_xen]


def _only(*notes: Note) -> Image:
    return replace(good_pv64(), notes=notes)


@pytest.mark.parametrize("in_segment", [True, False])
@pytest.mark.parametrize("image", [good_pv64(), good_pv32(), good_both()])
def test_good_notes_are_those_of_another_reader(image: Image, in_segment: bool) -> None:
    image = replace(image.adding(FOREIGN, NAMELESS), in_segment=in_segment)
    elf = ELFFile(io.BytesIO(bytes(image)))
    section = elf.get_section_by_name(".note.Xen")
    assert isinstance(section, NoteSection)
    expected = [
        (n["n_offset"], n["n_namesz"], n["n_descsz"], n["n_descdata"]) for n in section.iter_notes()
    ]
    found = _walk(image)
    assert [(n.offset, n.n_namesz, n.n_descsz, n.desc) for n in found] == expected
    assert {n.place for n in found} == {"PT_NOTE" if in_segment else "SHT_NOTE"}
    assert [n.n_type for n in found] == [n.n_type for n in image.notes]
    assert [n.owner for n in found[:-1]] == [n.owner[:-1] for n in image.notes[:-1]]
    assert [n.is_xen for n in found] == [n.owner == b"Xen\0" for n in image.notes]


def test_sections_count_only_without_a_note_of_xen_in_segments() -> None:
    both = NoteWalk(_elf(good_pv64()))
    assert {note.place for note in both} == {"PT_NOTE"}
    assert both.regions == [("PT_NOTE", 1)]
    assert both.xen_notes == len(good_pv64().notes)

    foreign = NoteWalk(_elf(_only(FOREIGN)))
    assert [note.place for note in foreign] == ["PT_NOTE", "SHT_NOTE"]
    assert foreign.regions == [("PT_NOTE", 1), ("SHT_NOTE", 2)]
    assert foreign.xen_notes == 0


def test_a_segment_at_offset_0_is_no_segment_of_notes() -> None:
    segment = Segment(spec.PT_NOTE, 4, 0, 0, 0, 0x4000, 0x4000, 4)
    walk = NoteWalk(_elf(replace(good_pv64(), in_segment=False, loads=(segment,))))
    assert {note.place for note in walk} == {"SHT_NOTE"}
    assert walk.regions == [("SHT_NOTE", 2)]


def test_notes_of_all_segments_count() -> None:
    size = len(bytes(number(1, 5)))
    segments = tuple(
        Segment(spec.PT_NOTE, 4, NOTES_OFFSET + i * size, 0, 0, size, size, 4) for i in (1, 0)
    )
    image = replace(_only(number(1, 5), number(2, 6)), in_segment=False, loads=segments)
    assert [(n.number, n.n_type) for n in _walk(image)] == [(0, 2), (1, 1)]


def test_padding_is_4_whatever_p_align_says() -> None:
    notes = (text(5, "xen-3.0x"), text(8, "generic"), number(1, 1))
    for align in (0, 1, 4, 8, 16):
        assert _types(_walk(replace(_only(*notes), note_align=align))) == [5, 8, 1]
    # If notes are padded to 8, those after the first with other padding are lost.
    assert _types(_walk(_only(*(replace(note, align=8) for note in notes)))) == [5]


def test_a_note_counts_that_runs_past_its_segment() -> None:
    image = replace(_only(text(5, "xen-3.0"), text(8, "generic")), note_filesz=1)
    assert [note.string() for note in _walk(image)] == [b"xen-3.0"]
    image = replace(_only(replace(text(5, "xen-3.0"), descsz=0xFFFFFFF0), text(8, "generic")))
    assert [note.string() for note in _walk(replace(image, in_section=False))] == [b"xen-3.0"]


def test_sizes_are_padded_in_32_bits() -> None:
    # (0xffffffff + 3) & ~3 is 0 in 32 bits: the next note starts in this one's descriptor.
    inner = bytes(number(1, 7))
    found = _walk(_only(Note(5, inner, descsz=0xFFFFFFFF)))
    assert _types(found) == [5, 1]
    assert found[1].numeric() == 7


@pytest.mark.parametrize(
    ("desc", "value"),
    [
        (b"", 0),
        (b"\xfe", 0xFE),
        (b"\xfe\xff", 0xFFFE),
        (b"abc", 0),
        (b"\0\0\0\x80", 0x80000000),
        (b"abcde", 0),
        (b"\1\2\3\4\5\6\7\x80", 0x8007060504030201),
        (bytes(range(12)), 0),
    ],
)
def test_numbers_are_zero_extended(desc: bytes, value: int) -> None:
    (note,) = _walk(_only(Note(1, desc)))
    assert note.numeric() == value


def test_arrays_of_numbers() -> None:
    (note,) = _walk(_only(Note(19, bytes([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]))))
    assert [note.numeric_array(4, i) for i in range(4)] == [1, 2, 3, 0]
    assert note.numeric_array(8, 0) == 0  # 12 is no multiple of 8
    assert note.numeric_array(2, 2) == 2


def test_big_endian_numbers() -> None:
    image = bytearray(bytes(_only(number(1, 7))))
    note = FoundNote(Data.of_bytes(bytes(image)), True, "PT_NOTE", 1, NOTES_OFFSET, 4, 8, 1)
    assert note.numeric() == 7 << 56


def test_strings_end_at_their_nul_and_nowhere_else() -> None:
    first, second = _walk(_only(Note(5, b"abcd"), Note(8, b"ab\0cd")))
    assert first.string() == b"abcd\x04"  # n_namesz of the next note
    assert second.string() == b"ab"
    (note,) = _walk(_only(Note(5, b"x" * 4096 + b"\0")))
    assert note.string() == b"x" * 4096
    (note,) = _walk(_only(Note(5, b"x" * 4097 + b"\0")))
    assert note.string() is None
    assert note.desc == b"x" * 4096


def test_owner_is_compared_as_a_string() -> None:
    for owner in (b"Xen1", b"Xenx\0", b"xen\0", b"Xe\0n", b"\0Xen"):
        assert _types(_walk(_only(Note(5, b"xen-3.0\0", owner=owner)))) == [], owner
    # n_namesz serves to skip the name only: the padding is a NUL, too.
    assert _types(_walk(_only(Note(5, b"xen-3.0\0", owner=b"Xen")))) == [5]
    assert _types(_walk(_only(Note(5, b"xen-3.0\0", owner=b"Xen\0more\0")))) == [5]


def test_notes_that_the_end_of_the_file_cuts() -> None:
    whole = bytes(replace(good_pv64(), sections=False))
    last = _walk(whole)[-1]
    assert _types(_walk(whole[: last.desc_offset + 1]))[-1] == last.n_type
    cut = _walk(whole[: last.desc_offset + 1])[-1]
    assert (cut.n_descsz, cut.desc, cut.numeric()) == (8, last.desc[:1], 0)
    # Half a header: its fields read as 0, and libelf counts one more note behind it.
    half = _walk(whole[: last.offset + 6])
    assert [(n.n_namesz, n.n_descsz, n.owner) for n in half[-2:]] == [(4, 0, None), (0, 0, None)]
    assert len(half) == len(good_pv64().notes) + 1
    # The walk ends at the end of the file, whatever the size of the segment is.
    long = replace(_only(number(1, 1)), sections=False, note_filesz=1 << 40)
    assert [(n.n_type, n.owner) for n in _walk(long)] == [(1, b"Xen"), (0, None)]


def test_notes_are_limited_in_number_over_all_regions() -> None:
    size = 12 * (TOTAL_NOTE_LIMIT - 10)
    content = bytes(replace(_only(), sections=False, loads=(
        Segment(spec.PT_NOTE, 4, 0x4000, 0, 0, size, size, 4),
        Segment(spec.PT_NOTE, 4, 0x4000, 0, 0, 12 * 10, 12 * 10, 4),
        Segment(spec.PT_NOTE, 4, 0x4000, 0, 0, 12, 12, 4),
    )))  # fmt: skip
    content = content.ljust(0x4000 + size, b"\0")
    walk = NoteWalk(_elf(content))
    assert sum(1 for _ in walk) == TOTAL_NOTE_LIMIT
    assert walk.too_many
    assert walk.regions == [("PT_NOTE", 0), ("PT_NOTE", 1), ("PT_NOTE", 2)]
    two = bytearray(content)
    two[0x38] = 2  # e_phnum
    walk = NoteWalk(_elf(bytes(two)))
    assert sum(1 for _ in walk) == TOTAL_NOTE_LIMIT
    assert not walk.too_many


def test_where_a_wild_size_wraps_depends_on_the_loader() -> None:
    def count(filesz: int, base: int) -> int:
        elf = _elf(replace(good_pv64(), in_section=False, note_filesz=filesz))
        return NoteWalk(elf, base).xen_notes or len(list(NoteWalk(elf, base)))

    assert count(1 << 63, XEN_IMAGE_BASE) == 0
    assert count(1 << 63, LIBXENGUEST_IMAGE_BASE) > 0
    for base in (XEN_IMAGE_BASE, LIBXENGUEST_IMAGE_BASE):
        assert count((1 << 64) - 1, base) == 0
        assert count(1 << 40, base) > 0


def _qemu(image: Image) -> list[tuple[int, int]]:
    elf = _elf(image)
    found = [n for segment in elf.qemu_note_segments for n in qemu_notes(elf, segment)]
    return [(note.n_type, note.desc_offset) for note in found if note.n_type]


def test_qemu_walks_good_notes_as_libelf_does() -> None:
    expected = [(note.n_type, note.desc_offset) for note in _walk(good_both())]
    assert _qemu(good_both())[: len(expected)] == expected


def test_qemu_pads_to_p_align() -> None:
    notes = (text(6, "a" * 8), PHYS32_ENTRY)
    assert [n for n, _ in _qemu(_only(*notes))][:2] == [6, 18]
    assert 18 not in dict(_qemu(replace(_only(*notes), note_align=8)))
    # A name of 4 bytes fills 8: the descriptor is not where libelf has it.
    single = dict(_qemu(replace(_only(PHYS32_ENTRY), note_align=8)))
    assert single == {18: NOTES_OFFSET + 12 + 8}
    assert 18 in dict(_qemu(replace(_only(text(6, "abc"), PHYS32_ENTRY), note_align=1)))
    assert _qemu(replace(_only(*notes), note_align=0)) == []


def test_qemu_stops_at_a_note_larger_than_its_segment() -> None:
    image = _only(text(6, "a" * 40), PHYS32_ENTRY)
    size = len(bytes(image.notes[0]))
    assert 18 in dict(_qemu(replace(image, note_filesz=size)))  # which lies behind the segment
    assert 18 not in dict(_qemu(replace(image, note_filesz=size - 1)))
