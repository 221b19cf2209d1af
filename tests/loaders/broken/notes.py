# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules N and F: images with wrong notes."""

from __future__ import annotations

from dataclasses import replace

from loaders.good import good_both, good_pv64
from loaders.images import (
    HYPERCALL_PAGE,
    LOADED_AT,
    NOTES_OFFSET,
    PADDR,
    PV_ENTRY,
    PVH_ENTRY,
    VIRT_BASE_64,
    Broken,
    Image,
    Note,
    features,
    note_segment,
    number,
    text,
)
from xen_tool.abi import XenElfNote


def walk() -> Broken:
    pv, both = good_pv64(), good_both()

    def owned(image: Image, owner: bytes) -> Image:
        return replace(image, notes=tuple(replace(n, owner=owner) for n in image.notes))

    def elsewhere(p_offset: int) -> Image:
        loads = (*both.loads, note_segment(p_offset, 0x200))
        return replace(both, in_segment=False, loads=loads)

    for name, owner in (("case", b"XEN\0"), ("longer", b"Xens\0"), ("empty", b"")):
        yield f"N2-owner-{name}", f"every owner is {owner!r}", owned(both, owner)
    yield "N2-namesz", "the owner Xen has 8 bytes, of which 4 are 0", owned(both, b"Xen\0\0\0\0\0")
    yield (
        "N2-one-owner",
        "ENTRY's owner is xen",
        pv.setting(replace(number(XenElfNote.ENTRY, LOADED_AT + PV_ENTRY), owner=b"xen\0")),
    )
    version, *rest = pv.notes
    for name, descsz in (("huge", 0x7FFFFFF0), ("wraps", 0xFFFFFFFF), ("past-end", 0x4000)):
        broken = replace(version, descsz=descsz)
        yield (
            f"N3-first-{name}",
            f"the first note's n_descsz is {descsz:#x}",
            replace(pv, notes=(broken, *rest)),
        )
    last = replace(pv.notes[-1], descsz=0x100)
    yield (
        "N3-last-past-end",
        "the last note's n_descsz reaches behind the PT_NOTE",
        replace(pv, notes=(*pv.notes[:-1], last)),
    )
    yield (
        "N3-desc-outside",
        "the last note's descriptor is behind the PT_NOTE's end",
        replace(both, note_filesz=sum(len(bytes(n)) for n in both.notes) - 4),
    )
    padded = tuple(replace(n, align=8) for n in both.notes)
    yield (
        "N4-padded-to-8",
        "notes are padded to 8, as p_align says",
        replace(both, notes=padded, note_align=8),
    )
    yield (
        "N4-only-owner-padded",
        "the first note alone is padded to 8",
        replace(pv, notes=(replace(version, align=8), *rest)),
    )
    yield (
        "N9-entry-last-good",
        "ENTRY twice, the first is 0",
        replace(pv, notes=(number(XenElfNote.ENTRY, 0), *pv.notes)),
    )
    yield "N9-entry-last-bad", "ENTRY twice, the last is 0", pv.adding(number(XenElfNote.ENTRY, 0))
    yield (
        "N9-version-last-bad",
        "XEN_VERSION twice, the last is xen-2.0",
        pv.adding(text(XenElfNote.XEN_VERSION, "xen-2.0")),
    )
    stripped = bytes(replace(both, sections=False))
    yield "N10-cut-last", "the file ends in the last note", stripped[:-4]
    yield (
        "N10-cut-half",
        "the file ends in the middle of the notes",
        stripped[: NOTES_OFFSET + 0x80],
    )
    yield "N11-offset-0", "the PT_NOTE's p_offset is 0", elsewhere(0)
    yield (
        "N11-offset-0-no-section",
        "the PT_NOTE's p_offset is 0, and there is no SHT_NOTE",
        replace(elsewhere(0), in_section=False),
    )
    yield "N11-wild-offset", "the PT_NOTE lies behind the end", elsewhere(1 << 40)
    half = len(both.notes) // 2
    yield (
        "N11-two-segments",
        "half of the notes are in a second PT_NOTE",
        both.with_second_segment(half),
    )
    yield "N11-section", "notes in a SHT_NOTE only", replace(both, in_segment=False)
    yield "N11-section-pv", "notes in a SHT_NOTE only", replace(pv, in_segment=False)


def values() -> Broken:
    pv, both = good_pv64(), good_both()
    wide = LOADED_AT.to_bytes(16, "little")
    for size in (0, 3, 5, 16):
        yield (
            f"N5-entry-{size}",
            f"ENTRY has {size} bytes",
            pv.setting(Note(XenElfNote.ENTRY, wide[:size])),
        )
    yield (
        "N5-phys32-entry-3",
        "PHYS32_ENTRY has 3 bytes",
        both.setting(number(XenElfNote.PHYS32_ENTRY, PADDR + PVH_ENTRY, 3)),
    )
    for note, at in (
        (XenElfNote.ENTRY, LOADED_AT),
        (XenElfNote.VIRT_BASE, VIRT_BASE_64),
        (XenElfNote.HYPERCALL_PAGE, LOADED_AT + HYPERCALL_PAGE),
    ):
        name = note.name.lower().replace("_", "-")
        yield (
            f"N6-{name}-long",
            f"{note.name} is a 64-bit address in 4 bytes",
            pv.setting(number(note, at, 4)),
        )
    required = b"pae_pgdir_above_4gb|!writable_page_tables"
    assert len(required) % 4 == 1
    yield (
        "N7-padding-ends-it",
        "FEATURES has no NUL, but padding",
        pv.setting(Note(XenElfNote.FEATURES, required)),
    )
    yield (
        "N7-swallows-next",
        "FEATURES has no NUL and no padding, and ends with a required name",
        pv.setting(Note(XenElfNote.FEATURES, b"|||" + required)),
    )
    yield (
        "N7-version-no-nul",
        "XEN_VERSION has no NUL",
        pv.setting(Note(XenElfNote.XEN_VERSION, b"xen-3.0")),
    )
    yield (
        "N8-long-string",
        "LOADER is longer than 4096 bytes",
        pv.setting(text(XenElfNote.LOADER, "generic" + "!" * 5000)),
    )
    yield (
        "F1-unknown-required",
        "FEATURES requires a name that libelf does not know",
        both.setting(features("!linux_rsdp_unrestricted")),
    )
    for name, value in (("alone", "!"), ("twice", "!!writable_page_tables"), ("blank", "!dom0 ")):
        yield f"F1-{name}", f"FEATURES is {value!r}", both.setting(features(value))
    yield (
        "F2-unknown",
        "FEATURES offers a name that libelf does not know",
        both.setting(features("unheard_of|linux_rsdp_unrestricted|dom0")),
    )
    yield "F2-empty-names", "FEATURES has empty names", both.setting(features("||dom0||"))
    yield (
        "F2-63-chars",
        "FEATURES has a name of 63 characters, which are cut, and more",
        both.setting(features("x" * 63 + "!unheard_of")),
    )
