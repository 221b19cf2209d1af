# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Add, replace and remove notes in any order: loaders read exactly the requested ones.

An image that is damaged in any way gives a result or an error of one sentence.
"""

from __future__ import annotations

import contextlib
import io
import struct
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import NoteSegment
from hypothesis import given, settings
from hypothesis import strategies as st

from xen_tool.abi import XenElfNote
from xen_tool.annotate.annotate import annotate
from xen_tool.annotate.changes import note_changes
from xen_tool.errors import XenToolError

from .kernels import by_gcc, by_objcopy, without_room

pytestmark = pytest.mark.build

TEXTS = st.sampled_from(["GUEST_OS", "GUEST_VERSION", "LOADER", "FEATURES"])
NUMBERS = st.sampled_from(["SUPPORTED_FEATURES", "MOD_START_PFN", "PHYS32_ENTRY"])
LETTERS = st.text("xyz", max_size=24)
GIVEN = st.dictionaries(TEXTS, LETTERS, max_size=3)
COUNTED = st.dictionaries(NUMBERS, st.integers(0, 0xFFFFFFFF), max_size=2)
CHANGES = st.lists(st.tuples(GIVEN, COUNTED, st.sets(TEXTS, max_size=2)), min_size=1, max_size=6)


@pytest.fixture(scope="module", params=[by_gcc, by_objcopy, without_room])
def content(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path: Path = request.param(tmp_path_factory.mktemp("kernel") / "k")
    return path.read_bytes()


def notes_of(content: bytes) -> tuple[dict[str, bytes], list[tuple[bytes, int, bytes]]]:
    """Return the Xen notes of the segments, each type once, and those of other owners."""
    xen: dict[str, bytes] = {}
    others = []
    for segment in ELFFile(io.BytesIO(content)).iter_segments("PT_NOTE"):
        assert isinstance(segment, NoteSegment)
        for note in segment.iter_notes():
            at = note["n_offset"]
            namesz, descsz, n_type = struct.unpack_from("<3I", content, at)
            start = at + 12 + (namesz + 3 & ~3)
            owner, desc = content[at + 12 : at + 12 + namesz], content[start : start + descsz]
            if owner == b"Xen\0":
                assert XenElfNote(n_type).name not in xen
                xen[XenElfNote(n_type).name] = desc
            elif n_type:
                others.append((owner, n_type, desc))
    return xen, others


def loaded(content: bytes) -> list[dict[str, Any]]:
    elf = ELFFile(io.BytesIO(content))
    return [{**segment.header, "data": segment.data()} for segment in elf.iter_segments("PT_LOAD")]


@settings(max_examples=40, deadline=None)
@given(changes=CHANGES)
def test_changes_in_any_order_give_exactly_the_requested_notes(
    content: bytes, changes: list[Any]
) -> None:
    now, model = content, dict[str, bytes]()
    _, others = notes_of(content)
    for texts, numbers, gone in changes:
        remove = [name for name in sorted(gone) if name in model and name not in texts]
        values = {name: f"text:{text}" for name, text in texts.items()}
        values |= {name: hex(value) for name, value in numbers.items()}
        if not values and not remove:
            continue
        now = annotate(now, "image", note_changes(notes=values, remove=remove)).content
        model.update({name: text.encode() + b"\0" for name, text in texts.items()})
        model.update({name: struct.pack("<I", value) for name, value in numbers.items()})
        model = {name: desc for name, desc in model.items() if name not in remove}
        assert notes_of(now) == (model, others)
        if values:
            assert annotate(now, "image", note_changes(notes=values)).content == now
    # The loaded bytes are unchanged, except for the ELF header and the headers after it.
    before, after = loaded(content), loaded(now)
    for one, other in zip(before, after, strict=True):
        skipped = 0 if one["p_offset"] else 0x200
        assert one["data"][skipped:] == other["data"][skipped:]
        assert {**one, "data": 0} == {**other, "data": 0}


PLACES = st.one_of(st.integers(0, 0x200), st.integers(-0x600, -1))
"""Offsets to damage: in the headers at the start, or the notes and section headers at the end."""
DAMAGES = st.lists(st.tuples(PLACES, st.binary(min_size=1, max_size=8)), min_size=1, max_size=4)


@settings(max_examples=100, deadline=None)
@given(damages=DAMAGES)
def test_a_damaged_image_gives_a_result_or_an_error(
    content: bytes, damages: list[tuple[int, bytes]]
) -> None:
    damaged = bytearray(content)
    for place, text in damages:
        start = place % len(content)
        damaged[start : start + len(text)] = text
    changes = note_changes(pvh_entry="pvh_start", pv_entry="pv_start", notes={"GUEST_OS": "mine"})
    with contextlib.suppress(XenToolError):
        annotate(bytes(damaged), "image", changes)
