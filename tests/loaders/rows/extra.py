# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""EXTRA: images that only a table test can judge, by name."""

from __future__ import annotations

import gzip
import struct
from dataclasses import replace

from loaders.containers import bzimage, packed
from loaders.good import good_both, good_pv32, good_pv64, good_pvh
from loaders.images import (
    HYPERCALL_PAGE,
    LOAD_SIZE,
    PADDR,
    PV_ENTRY,
    VIRT_BASE_64,
    Image,
    Note,
    Segment,
    features,
    number,
    text,
)
from loaders.sections import Extra, symbols, with_sections
from xen_tool.abi import XenElfNote
from xen_tool.elf import spec


def _moved(image: Image, paddr: int) -> Image:
    there = VIRT_BASE_64 + paddr
    return image.loading(p_paddr=paddr, p_vaddr=there).setting(
        number(XenElfNote.ENTRY, there + PV_ENTRY),
        number(XenElfNote.HYPERCALL_PAGE, there + HYPERCALL_PAGE),
    )


def _pvh_at(paddr: int, *reloc: int) -> Image:
    image = good_pvh(64).loading(p_paddr=paddr, p_vaddr=paddr)
    image = image.setting(number(XenElfNote.PHYS32_ENTRY, paddr + 0x100, 4))
    if reloc:
        desc = struct.pack(f"<{len(reloc)}I", *reloc)
        image = image.adding(Note(XenElfNote.PHYS32_RELOC, desc))
    return image


def _binary_table(flags: int) -> bytes:
    magic = 0x336EC578
    return struct.pack("<3I", magic, flags, -(magic + flags) % (1 << 32))


def _multiboot(flags: int) -> bytes:
    magic = 0x1BADB002
    return struct.pack("<3I", magic, flags, -(magic + flags) % (1 << 32))


def _note_relocation(pie: bool) -> bytes:
    image = replace(good_both(), e_type=spec.ET_DYN)
    size = sum(len(bytes(note)) for note in image.notes)
    segment = Segment(spec.PT_NOTE, spec.PF_R, 0x3000, 0x5000, 0x5000, size, size, 4)
    image = replace(image, in_segment=False, loads=(*image.loads, segment))
    where = 0x5000 + 12 if pie else 0x9000
    entry = struct.pack("<QQQ", where, 8, 0)
    return with_sections(image, Extra(".rela.dyn", spec.SHT_RELA, entry, spec.SHF_ALLOC))


def _big_endian() -> bytes:
    """A PV kernel for a big-endian x86-64, which does not exist."""
    values = {
        XenElfNote.XEN_VERSION: b"xen-3.0\0",
        XenElfNote.LOADER: b"generic\0",
        XenElfNote.VIRT_BASE: struct.pack(">Q", VIRT_BASE_64),
        XenElfNote.ENTRY: struct.pack(">Q", VIRT_BASE_64 + PADDR),
    }
    notes = b"".join(
        struct.pack(">3I4s", 4, len(desc), n_type, b"Xen") + desc for n_type, desc in values.items()
    )
    where = VIRT_BASE_64 + PADDR, PADDR, LOAD_SIZE, LOAD_SIZE
    head = (spec.ELFMAG + b"\2\2\1").ljust(16, b"\0") + struct.pack(
        ">HHIQQQIHHHHHH", 2, spec.EM_X86_64, 1, where[0], 64, 0, 0, 64, 56, 2, 64, 0, 0
    )
    head += struct.pack(">IIQQQQQQ", 1, 7, 0x1000, *where, 0x1000)
    head += struct.pack(">IIQQQQQQ", 4, 4, 0x3000, 0, 0, len(notes), len(notes), 4)
    return head.ljust(0x3000, b"\0") + notes


_IBT = struct.pack("<III4sIIII", 4, 16, 5, b"GNU\0", 0xC0000002, 4, 1, 0)


def _full_frame() -> bytes:
    """Return lz4 with a frame of 8 MiB and another frame."""
    elf = bytes(good_both())
    size = 8 << 20
    frames = [elf.ljust(size, b"\0"), elf]
    stream = b"".join(packed("lz4", frame, size_appended=False) for frame in frames)
    return bzimage(stream + struct.pack("<I", size + len(elf)))


EXTRA: dict[str, Image | bytes] = {
    "L2-nothing": replace(good_pv64(), notes=(), guest="GUEST_OS=test"),
    "neither-loader-nor-version": good_pv64().without(XenElfNote.LOADER, XenElfNote.XEN_VERSION),
    "Q2-section-and-0": replace(
        good_pvh(64).setting(number(XenElfNote.PHYS32_ENTRY, 0, 4)), in_segment=False
    ),
    "N2-owner-#Xen": replace(
        good_both(),
        notes=tuple(replace(note, owner=b"#Xen\0\0\0\0") for note in good_both().notes),
    ),
    "claims-behind-F1": replace(good_both(), notes=(features("!bogus"), *good_both().notes)),
    "claims-bzimage-in-gzip": gzip.compress(bzimage(packed("xz", bytes(good_both())))),
    "A3-and-cut-page": good_both().setting(
        number(XenElfNote.HYPERCALL_PAGE, 0x80001000, 4), number(XenElfNote.ENTRY, 0x1000)
    ),
    "lz4-full-frame": _full_frame(),
    "lz4-frame": b"\x04\x22\x4d\x18" + bytes(64),
    "zstd": bzimage(packed("zstd", bytes(good_both()))),
    "zstd-bare": packed("zstd", bytes(good_both())),
    "two-segments": replace(
        good_pv64(),
        loads=(
            *good_pv64().loads,
            Segment(p_vaddr=VIRT_BASE_64, p_paddr=PADDR + LOAD_SIZE),
        ),
    ),
    "X13-pv": replace(good_pv64(), loads=(*good_pv64().loads, Segment(p_offset=0x2000))),
    "high-segment": replace(
        good_pvh(64), loads=(*good_pvh(64).loads, Segment(p_paddr=0x20000000, p_vaddr=0x20000000))
    ),
    "V2-no-entry": replace(good_pvh(32), notes=(), e_entry=PADDR - 0x10),
    "percpu": replace(
        good_pv64(),
        loads=(*good_pv64().loads, Segment(p_vaddr=0, p_paddr=PADDR + LOAD_SIZE)),
    ),
    "65537-notes": replace(
        good_both(), notes=(*good_both().notes, *[Note(1, b"", b"x\0")] * 65536)
    ),
    "init-p2m-32": good_pv32().adding(number(XenElfNote.INIT_P2M, 0x1000, 4)),
    "far": _moved(good_pv64(), 0x18000000),
    "very-far": good_pv64()
    .without(XenElfNote.VIRT_BASE, XenElfNote.PADDR_OFFSET, XenElfNote.HYPERCALL_PAGE)
    .loading(p_paddr=VIRT_BASE_64 + PADDR),
    "big-endian": _big_endian(),
    "reloc": _pvh_at(0xC0000000, 0x200000, 0x200000, 0xFFFFFFFF),
    "reloc-align-0": _pvh_at(0xC0000000, 0),
    "reloc-min": _pvh_at(0xC0000000, 0x1000, 0xF0000000),
    "reloc-default": _pvh_at(0xC0000000).adding(Note(XenElfNote.PHYS32_RELOC, b"")),
    "high": _pvh_at(0x20000000),
    "binary-64": good_both().patching(0x800, _binary_table(0x00018001)),
    "binary-no-elf": bytes(0x800)
    + _binary_table(0x00018001)
    + struct.pack("<5I", 0x200800, 0x200000, 0, 0, 0x200123)
    + bytes(0x800),
    "bzimage-and-multiboot": bzimage(bytes(0x400) + _multiboot(0)),
    "binary-flags": good_both().patching(0x800, _binary_table(0x00008003)),
    "no-page-but-symbol": with_sections(
        good_both().without(XenElfNote.HYPERCALL_PAGE), *symbols("other", "hypercall_page")
    ),
    "pv-no-page-but-symbol": with_sections(
        good_pv64().without(XenElfNote.HYPERCALL_PAGE), *symbols("hypercall_page")
    ),
    "no-page-other-symbol": with_sections(
        good_both().without(XenElfNote.HYPERCALL_PAGE), *symbols("my_hypercall_page_too")
    ),
    "page-at-entry": good_pv64().setting(number(XenElfNote.HYPERCALL_PAGE, VIRT_BASE_64 + PADDR)),
    "page-with-data": good_pv64().patching(0x2345, b"data"),
    "page-of-slots": good_pv64().patching(0x2000, (b"\xc3" + bytes(31)) * 128),
    "entry-in-bss": good_both()
    .loading(p_memsz=LOAD_SIZE * 2)
    .setting(
        number(XenElfNote.ENTRY, VIRT_BASE_64 + PADDR + LOAD_SIZE),
        number(XenElfNote.PHYS32_ENTRY, PADDR + LOAD_SIZE, 4),
    ),
    "not-executable": good_both().loading(p_flags=6),
    "relocated-notes": _note_relocation(True),
    "other-relocations": _note_relocation(False),
    "thunks": with_sections(good_both(), Extra(".return_sites", spec.SHT_PROGBITS, bytes(4))),
    "thunk-symbol": with_sections(good_both(), *symbols("__x86_return_thunk")),
    "ibt": with_sections(good_both(), Extra(".note.gnu.property", spec.SHT_PROGBITS, _IBT)),
    "no-ibt": with_sections(
        good_both(), Extra(".note.gnu.property", spec.SHT_PROGBITS, _IBT[:-8] + bytes(8))
    ),
    "no-thunks": with_sections(good_both(), Extra(".data.other", spec.SHT_PROGBITS, bytes(4))),
    "page-far": good_pv64().setting(number(XenElfNote.HYPERCALL_PAGE, VIRT_BASE_64 + 0x10000000)),
    "low": _pvh_at(0x10000),
    "guest-os-linux": good_pv64()
    .without(XenElfNote.LOADER)
    .setting(text(XenElfNote.GUEST_OS, "linux-like")),
}
