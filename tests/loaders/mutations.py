# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Random kernel images, similar enough to valid ones to reach every rule: changed().

An image has a few changes, each of which is of a kind that loaders trip over.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence

from loaders.cases import CASES
from loaders.containers import CODECS, bzimage, packed
from loaders.images import CODE_OFFSET, NOTES_OFFSET, features, number, text
from xen_tool.abi import XenElfNote
from xen_tool.elf import spec

_HEADERS = 0x120
"""The number of bytes at the start that hold the ELF header and the program headers."""
_NOTES = 0x180
_LARGEST = 1 << 17
"""The largest content that packed() accepts, in bytes."""

_POWERS = [1 << bit for bit in (0, 2, 3, 7, 12, 15, 16, 20, 21, 30, 31, 32, 47, 48, 62, 63)]
_FEATURES = ("dom0", "!dom0", "writable_page_tables", "!pae_pgdir_above_4gb", "!", "none", "!none")
_TABLES = (0x1BADB002, 0x336EC578)
_GUEST_KEYS = ("LOADER", "XEN_VER", "VIRT_BASE", "VIRT_ENTRY", "HYPERCALL_PAGE", "PAE", "FEATURES")


def changed(rng: random.Random, content: bytes) -> bytes:
    """Return the image with one to five changes; one may pack the image."""
    image = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        image = bytearray(rng.choices(_MUTATIONS, _WEIGHTS)[0](rng, image))
    return bytes(image)


def _value(rng: random.Random, size: int) -> int:
    """Return a number: random, or at a bound that loaders check, or just beyond it."""
    near = rng.choice((0, size, *_POWERS, 0xFFFFFFFF80000000, 0x200000, NOTES_OFFSET))
    return (near + rng.choice((0, 0, 0, -1, 1, -4, 4, 0x1000))) % (1 << 64)


def _put(image: bytearray, offset: int, value: int, width: int) -> bytearray:
    if 0 <= offset <= len(image) - width:
        image[offset : offset + width] = (value % (1 << 8 * width)).to_bytes(width, "little")
    return image


def _place(rng: random.Random, image: bytearray) -> int:
    """Return a random offset, mostly in headers or notes."""
    start, size = rng.choice(
        ((0, spec.EHDR_SIZE[64]), (0, _HEADERS), (NOTES_OFFSET, _NOTES), (0, len(image)))
    )
    return (start + rng.randrange(max(1, size))) % max(1, len(image))


def _flip(rng: random.Random, image: bytearray) -> bytearray:
    for _ in range(rng.choice((1, 1, 2, 8))):
        if image:
            image[_place(rng, image)] ^= rng.choice((1, 2, 0x80, 0xFF, rng.randrange(1, 256)))
    return image


def _word(rng: random.Random, image: bytearray) -> bytearray:
    width = rng.choice((1, 2, 4, 8))
    offset = _place(rng, image) // width * width
    return _put(image, offset, _value(rng, len(image)), width)


_FIELDS = {
    # The offset and the width in bytes of each field of the ELF header and of a program header.
    32: (
        (*((o, 2) for o in (16, 18, *range(40, 52, 2))), *((o, 4) for o in range(24, 40, 4))),
        tuple((offset, 4) for offset in range(0, 32, 4)),
    ),
    64: (
        (*((o, 2) for o in (16, 18, *range(52, 64, 2))), (24, 8), (32, 8), (40, 8), (48, 4)),
        ((0, 4), (4, 4), *((offset, 8) for offset in range(8, 56, 8))),
    ),
}


def _header_field(rng: random.Random, image: bytearray) -> bytearray:
    """Replace a whole field of the ELF header or of a program header."""
    bits = 64 if image[spec.EI_CLASS : spec.EI_CLASS + 1] == b"\2" else 32
    ehdr, phdr = _FIELDS[bits]
    start, fields = 0, ehdr
    if rng.random() < 0.6:
        start = spec.EHDR_SIZE[bits] + spec.PHDR_SIZE[bits] * rng.randrange(3)
        fields = phdr
    offset, width = rng.choice(fields)
    return _put(image, start + offset, _value(rng, len(image)), width)


def _note_offsets(image: bytearray) -> list[int]:
    offsets: list[int] = []
    offset = NOTES_OFFSET
    while offset + 12 <= len(image) and len(offsets) < 32:
        offsets.append(offset)
        namesz, descsz = struct.unpack_from("<II", image, offset)
        offset += 12 + namesz + -namesz % 4 + descsz + -descsz % 4
    return offsets


def _note_field(rng: random.Random, image: bytearray) -> bytearray:
    offsets = _note_offsets(image)
    if not offsets:
        return image
    offset = rng.choice(offsets) + rng.choice((0, 4, 8, 12, 16, 16, 20))
    value = rng.choice((rng.randrange(0, 24), _value(rng, len(image))))
    return _put(image, offset, value, rng.choice((4, 4, 8)))


def _note(rng: random.Random, image: bytearray) -> bytearray:
    """Write a new note, or notes of another case, over a note or before it."""
    offsets = _note_offsets(image)
    if not offsets:
        return image
    n_type = rng.choice(list(XenElfNote))
    note = rng.choice(
        (
            bytes(number(n_type, _value(rng, len(image)), rng.choice((1, 2, 4, 8)))),
            bytes(text(n_type, rng.choice(("generic", "linux", "xen-3.0", "yes", "bimodal", "")))),
            bytes(features("|".join(rng.choices(_FEATURES, k=rng.randrange(4))))),
            rng.choice(CASES).image[NOTES_OFFSET : NOTES_OFFSET + rng.randrange(_NOTES)],
        )
    )
    offset = rng.choice(offsets)
    end = offset + rng.choice((0, len(note)))
    return image[:offset] + note + image[end:]


def _guest_string(rng: random.Random, image: bytearray) -> bytearray:
    """Replace the pairs of a __xen_guest string, of which an image without notes has one."""
    start = image.find(b"LOADER=")
    if start < 0:
        return image
    pairs = [f"{rng.choice(_GUEST_KEYS)}={rng.choice(('generic', 'xen-3.0', 'yes', '0x1000', ''))}"]
    string = ",".join(pairs * rng.randrange(1, 4)).encode() + rng.choice((b",", b"\0", b""))
    return image[:start] + string + image[start + len(string) :]


def _cut(rng: random.Random, image: bytearray) -> bytearray:
    return image[
        : rng.choice((rng.randrange(0x100), rng.randrange(len(image) + 1), len(image) - 4))
    ]


def _append(rng: random.Random, image: bytearray) -> bytearray:
    size = rng.choice((1, 4, 8, 512))
    return image + rng.choice((bytes(size), rng.randbytes(size), struct.pack("<I", len(image))))


def _splice(rng: random.Random, image: bytearray) -> bytearray:
    """Replace a part by the same part of another case, or by one that is a few bytes away."""
    other = rng.choice(CASES).image
    start = rng.choice((0, CODE_OFFSET, NOTES_OFFSET, rng.randrange(len(image) + 1)))
    size = rng.randrange(1, 0x400)
    moved = start + rng.choice((0, 0, 4, -4, 8))
    return image[:start] + other[max(0, moved) : max(0, moved) + size] + image[start + size :]


def _table(rng: random.Random, image: bytearray) -> bytearray:
    """Write a multiboot header, a table of Xen's raw images, or the magic of a bzImage."""
    if rng.random() < 0.2:
        return image[:0x202] + b"HdrS" + image[0x206:]
    magic, flags = rng.choice(_TABLES), rng.choice((0, 3, 0x10000, 0x10003, 0x14000, 0x18001))
    words = struct.pack("<3I", magic, flags, -(magic + flags) % (1 << 32))
    offset = rng.randrange(0x200, 0x2200, 4)
    return image[:offset] + words + image[offset + 12 :]


def _wrap(rng: random.Random, image: bytearray) -> bytearray:
    """Compress the image, put it into a bzImage, or both, some with a wrong size at the end."""
    data = bytes(image[:_LARGEST])
    codec = rng.choice(list(CODECS))
    # The packers without compression need something to pack.
    if rng.random() < 0.8 and len(data) > 15:
        appended = None if rng.random() < 0.7 else rng.random() < 0.5
        data = packed(codec, data, size_appended=appended)
        if rng.random() < 0.2:
            data = data[:-4] + struct.pack("<I", _value(rng, len(image)) % (1 << 32))
    if rng.random() < 0.5:
        version = rng.choice((0x20F, 0x20F, 0x20F, 0x208, 0x207))
        length = None if rng.random() < 0.9 else _value(rng, len(data)) % (1 << 32)
        data = bzimage(data, version=version, payload_length=length)
    return bytearray(data)


def _garbage(rng: random.Random, image: bytearray) -> bytearray:
    start = rng.randrange(len(image) + 1)
    return image[:start] + rng.randbytes(rng.randrange(0x200)) + image[start:]


_MUTATIONS: Sequence[Callable[[random.Random, bytearray], bytearray]] = (
    _flip,
    _word,
    _header_field,
    _note_field,
    _note,
    _guest_string,
    _cut,
    _append,
    _splice,
    _table,
    _wrap,
    _garbage,
)
_WEIGHTS = (4, 4, 6, 6, 4, 1, 1, 1, 2, 1, 2, 1)
