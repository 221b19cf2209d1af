# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules G: images for GRUB's commands multiboot, multiboot2 and linux, and for pvgrub."""

from __future__ import annotations

import gzip
import lzma
import struct
import zlib
from dataclasses import replace

from loaders.broken.others import multiboot
from loaders.containers import bzimage
from loaders.good import good_pv32, good_pv64, good_pvh
from loaders.images import LOADED_AT, PADDR, PVH_ENTRY, Image, Segment, number, text
from xen_tool.abi import XenElfNote
from xen_tool.elf import spec

_HEADER = 0x800
_NOTE = 2
"""The index of the section header of notes in an Image."""
_PT_NULL = 0


def tag(kind: int, *numbers: int, optional: bool = False, size: int | None = None) -> bytes:
    """A tag of a multiboot 2 header, padded."""
    content = struct.pack(f"<{len(numbers)}I", *numbers)
    start = struct.pack("<HHI", kind, optional, 8 + len(content) if size is None else size)
    return start + content + bytes(-len(content) % 8)


def multiboot_2(*tags: bytes, architecture: int = 0) -> bytes:
    """A multiboot 2 header."""
    body = b"".join(tags) + tag(0)
    words = 0xE85250D6, architecture, 16 + len(body)
    return struct.pack("<4I", *words, -sum(words) % (1 << 32)) + body


def _section(image: Image, index: int, **fields: int) -> bytes:
    """Return an ELF64 with other values in fields of the section header with this index."""
    content = bytearray(bytes(image))
    (e_shoff,) = struct.unpack_from("<Q", content, 40)
    layout = {"sh_type": (4, "<I"), "sh_offset": (24, "<Q"), "sh_size": (32, "<Q")}
    for name, value in fields.items():
        offset, letter = layout[name]
        struct.pack_into(letter, content, e_shoff + 64 * index + offset, value)
    return bytes(content)


_64 = replace(good_pvh(64), section_align=16)
_32 = replace(good_pvh(32), section_align=16)
"""PVH kernels for multiboot, with sections aligned as in others.multiboot_images()."""
_1 = _64.patching(_HEADER, multiboot())
_2 = _64.patching(_HEADER, multiboot_2())
_RAW = (PADDR + _HEADER, PADDR, 0, 0)
"""Address fields of a multiboot header, of a file that is loaded at PADDR."""
_AT_ENTRY = tag(3, PADDR + 0x1000 + PVH_ENTRY)


def _2_with(*tags: bytes, architecture: int = 0) -> Image:
    return _64.patching(_HEADER, multiboot_2(*tags, architecture=architecture))


def _stating(init_size: int) -> bytes:
    """Return a bzImage that says in init_size how much memory it needs; it is never run."""
    image = bzimage(bytes(good_pvh(64)))
    return image[:0x260] + init_size.to_bytes(4, "little") + image[0x264:]


def lzop(content: bytes, end: bytes = b"", needed: int = 0x0940, packed: bytes = b"") -> bytes:
    """Return a file of lzop with one block: content as it is, or packed.

    needed: the version of lzop that is needed to extract it; end: bytes behind the file.
    """
    header = struct.pack(">3H2B4IB", 0x1030, 0x2080, needed, 1, 5, 1, 0o644, 0, 0, 0)
    block = packed or content
    block = struct.pack(">3I", len(content), len(block), zlib.adler32(content)) + block
    checksum = struct.pack(">I", zlib.adler32(header))
    return b"\x89LZO\0\r\n\x1a\n" + header + checksum + block + bytes(4) + end


def _xz(content: bytes, *before: int) -> bytes:
    filters: list[dict[str, int]] = [{"id": i} for i in before]
    return lzma.compress(content, filters=[*filters, {"id": lzma.FILTER_LZMA2}])


def _flipped(content: bytes, offset: int) -> bytes:
    """Return the content with one bit changed in the byte at an offset."""
    changed = bytearray(content)
    changed[offset] ^= 1
    return bytes(changed)


def _with_guest(string: str, image: Image | None = None) -> Image:
    return replace(image or good_pv64(), notes=(), guest=string)


_PACKED = bytes(good_pv64())
_XZ = _xz(_PACKED)
_GZIP = gzip.compress(_PACKED, mtime=0)
_HALF = len(_PACKED) // 2

_STREAMS: dict[str, Image | bytes] = {
    "lzop-needs-2.20": lzop(_PACKED, needed=0x2200),
    "lzop-magic": b"\x89LZO\0\r\n\x1a\r" + lzop(_PACKED)[9:],
    "lzop-header-sum": _flipped(lzop(_PACKED), 35),
    "lzop-cut": lzop(_PACKED)[:-1],
    "xz-of-x86": _xz(_PACKED, lzma.FILTER_X86),
    "xz-of-two-branches": _xz(_PACKED, lzma.FILTER_X86, lzma.FILTER_ARM),
    "xz-header-sum": _flipped(_XZ, 8),
    "xz-and-more": _XZ + b"more",
    "xz-twice": _xz(_PACKED[:_HALF]) + _xz(_PACKED[_HALF:]),
    "xz-size": _XZ + _xz(_PACKED[:64]),
    "gzip-of-xz": gzip.compress(_XZ, mtime=0),
    "xz-of-gzip": _xz(_GZIP),
    "gzip-and-more": _GZIP + b"more",
    "gzip-method": _flipped(_GZIP, 2),
    "bzimage-of-xz-and-size": bzimage(_XZ + bytes(4)),
    "bzimage-of-xz-without-size": bzimage(_XZ),
    "bzimage-of-xz-too-long": bzimage(_XZ, payload_length=len(_XZ) + 4),
    "bzimage-of-gzip-too-long": bzimage(_GZIP, payload_length=len(_GZIP) + 4),
    "bzimage-of-elf-too-long": bzimage(_PACKED, payload_length=len(_PACKED) + 4),
    "bzimage-without-boot-flag": _flipped(bzimage(_GZIP), 0x1FE),
}

_ELF: dict[str, Image | bytes] = {
    "good-32": _32.patching(_HEADER, multiboot()),
    "good-64": _1,
    "filesz": _1.loading(p_filesz=0x2100),
    "shentsize": replace(_1, e_shentsize=32),
    "phnum-behind": bytes(_1.patching(56, b"\x80\0"))[:0x1800],
    "high": _1.loading(p_paddr=1 << 32),
    "last": _32.patching(_HEADER, multiboot()).loading(p_paddr=0xFFFFE000),
    "type": replace(_1, e_type=spec.ET_REL),
    "entry": replace(_1, e_entry=0x100),
    "entry-high": replace(
        _1,
        e_entry=0x100,
        loads=(*_1.loads, Segment(_PT_NULL, p_vaddr=0, p_paddr=1 << 32)),
    ),
    "phoff": replace(_1, e_phoff=8192),
    "empty": _1.loading(p_memsz=0, p_filesz=0),
    "segment-outside": _1.loading(p_offset=0x100000),
    "segment-cut": _1.loading(p_filesz=0x100000, p_memsz=0x100000),
    "large": _1.loading(p_memsz=0x20000000),
    "overlap": replace(_1, loads=(*_1.loads, replace(_1.loads[0], p_paddr=PADDR - 0x1000))),
    "same": replace(_1, loads=(*_1.loads, *_1.loads)),
    "no-sections": replace(_1, sections=False),
    "table-outside": replace(_1, e_shoff=0x100000),
    "table-cut": replace(_1, e_shnum=200),
    "section-outside": _section(_1, _NOTE, sh_offset=0x100000),
    "section-cut": _section(_1, _NOTE, sh_size=0x100000),
    "relocations": _section(_1, _NOTE, sh_type=spec.SHT_RELA),
    "relocations-2": _section(_2, _NOTE, sh_type=spec.SHT_RELA),
    "names": _1.patching(62, b"\0\xff"),
    "names-extended": _1.patching(62, b"\xff\xff"),
}

_HEADERS: dict[str, Image | bytes] = {
    "good-32": _32.patching(_HEADER, multiboot_2()),
    "good-64": _2,
    "behind-8-KiB": _64.patching(0x2800, multiboot_2()),
    "for-mips": _2_with(architecture=4),
    "both-versions": _1.patching(_HEADER + 0x40, multiboot_2()),
    "tag": _2_with(tag(99)),
    "tag-optional": _2_with(tag(99, optional=True), tag(6), tag(7), tag(9, 0x200000)),
    "tag-size-0": _2_with(tag(6, size=0)),
    "information": _2_with(tag(1, 4, 6, 99)),
    "information-known": _2_with(tag(1, 1, 3, 21)),
    "information-optional": _2_with(tag(1, 99, optional=True)),
    "smbios": _2_with(tag(1, 13)),
    "console": _2_with(tag(4, 1)),
    "console-text": _2_with(tag(4, 3)),
    "console-framebuffer": _2_with(tag(4, 1), tag(5, 640, 480, 32)),
    "no-console": _2_with(tag(4, 0)),
    "addresses": _2_with(tag(2, *_RAW), _AT_ENTRY),
    "addresses-alone": _2_with(tag(2, *_RAW)),
    "addresses-start": _2_with(tag(2, PADDR + _HEADER, 0xFFFFFFFF, 0, 0), _AT_ENTRY),
    "addresses-outside": _2_with(tag(2, PADDR, PADDR + 0x100000, PADDR + 0x101000, 0), _AT_ENTRY),
    "addresses-range": _2_with(tag(2, 0xFFFFF800, 0xFFFFF000, 0, 0), _AT_ENTRY),
    "addresses-bss-end": _2_with(tag(2, *_RAW[:3], PADDR + 0x100), _AT_ENTRY),
    "entry": _2_with(_AT_ENTRY),
    "moves": _2_with(tag(10, 0x100000, 0xFFFFFFFF, 4096, 0)),
    "moves-narrow": _2_with(tag(10, 0x100000, 0x100FFF, 4096, 0)),
    "moves-addresses": _2_with(tag(10, 0x100000, 0x101000, 4096, 0), tag(2, *_RAW), _AT_ENTRY),
}

IMAGES: dict[str, Image | bytes] = {
    "G2-video-mode": _32.patching(_HEADER, multiboot(4, 0, 0, 0, 0, 0, 2)),
    **{f"G3-{name}": image for name, image in _ELF.items()},
    "G4-short": b"MZ",
    "G4-small": _stating(0x1000),
    "G4-fits": _stating(0x200000),
    "G4-large": _stating(0x20000000),
    "G5-unaligned": good_pv64().based(0xFFFFFFFF80000800),
    "G5-segment-cut": good_pv64().loading(p_filesz=0x100000, p_memsz=0x100000),
    "G5-segment-outside": good_pv64().loading(p_offset=0x100000),
    "G5-nothing": good_pv64().loading(p_type=_PT_NULL).without(XenElfNote.HYPERCALL_PAGE),
    "G5-section-cut": replace(good_pv64(), in_segment=False, e_shnum=200),
    "G5-guest": _with_guest(f"VIRT_BASE={LOADED_AT - PADDR:#x},VIRT_ENTRY={LOADED_AT:x},"),
    "G5-guest-page": _with_guest(
        f"VIRT_BASE={LOADED_AT - PADDR:#x},ELF_PADDR_OFFSET=0x0,HYPERCALL_PAGE=0x201"
    ),
    "G5-guest-number": _with_guest("VIRT_BASE=none"),
    "G5-guest-pae": _with_guest("VIRT_BASE=0xc0000000,PAE=yes,X=", good_pv32()),
    "G5-guest-pae-last": _with_guest("VIRT_BASE=0xc0000000,PAE=yes", good_pv32()),
    "G5-page-below": good_pv64().setting(
        number(XenElfNote.HYPERCALL_PAGE, LOADED_AT - PADDR - 0x1000)
    ),
    "G5-lzop": lzop(bytes(good_pv64())),
    "G5-lzop-and-more": lzop(bytes(good_pv64()), b"more"),
    "G5-bzimage-of-lzop": bzimage(lzop(bytes(good_pv64()))),
    "G6-far-page": good_pv64().setting(number(XenElfNote.HYPERCALL_PAGE, LOADED_AT + (1 << 30))),
    **{f"G5-{name}": image for name, image in _STREAMS.items()},
    "G5-phentsize": replace(good_pv64(), e_phentsize=568, sections=False),
    "G5-phentsize-second": replace(
        good_pv64(), e_phentsize=568, loads=(*good_pv64().loads, Segment(p_offset=0x100000))
    ),
    "G5-phentsize-cut": replace(good_pv64(), e_phentsize=0xFFFF),
    "G5-shnum-large": replace(good_pv64(), in_segment=False, e_shnum=0xFFFF, e_shentsize=0xFFFF),
    "G5-filesz": good_pv64().loading(p_filesz=0x8000),
    "G6-phentsize-0": replace(good_pv64(), e_phentsize=0),
    "G6-shentsize": replace(good_pv64(), in_segment=False, e_shentsize=40),
    "G6-shstrndx": replace(good_pv64(), in_segment=False).patching(62, b"\xff\xff"),
    "G6-shstrndx-unread": good_pv64().patching(62, b"\xff\xff"),
    "G6-pvh-entry-32": good_pvh(32).adding(text(XenElfNote.PAE_MODE, "yes")),
    "G6-entry-cut": good_pv64().adding(number(XenElfNote.ENTRY, LOADED_AT, 4)),
    "G9-xz-delta": lzma.compress(
        _stating(0x200000),
        filters=[{"id": lzma.FILTER_DELTA, "dist": 1}, {"id": lzma.FILTER_LZMA2}],
    ),
    "G9-gzip-size": gzip.compress(b"MZ", mtime=0) + b"more",
    "G4-setup": bytes(_stating(0x200000)[:0x1F1]) + b"\x20" + _stating(0x200000)[0x1F2:0x300],
    "G4-jump": _stating(0x200000)[:0x201] + b"\x90" + _stating(0x200000)[0x202:],
    **{f"G7-{name}": image for name, image in _HEADERS.items()},
}
