# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Whatever the bytes: no error but our own, no hang, little memory.

XEN_TOOL_FUZZ_CASES sets the number of random cases, XEN_TOOL_FUZZ_SEED repeats a run.
"""

from __future__ import annotations

import lzma
import os
import random
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from image.test_container import COMPRESS
from loaders.containers import bzimage
from loaders.good import good_both, good_pv32, good_pv64, good_pvh
from loaders.images import Segment
from xen_tool.elf import spec
from xen_tool.image.container import KernelFile, open_kernel, unwrap
from xen_tool.image.data import Data
from xen_tool.image.elf import Elf, NotElf
from xen_tool.image.notes import NoteWalk, qemu_notes

CASES = int(os.environ.get("XEN_TOOL_FUZZ_CASES", "5000"))
SEED = int(os.environ.get("XEN_TOOL_FUZZ_SEED", str(time.time_ns())))
GIB = 1 << 30

# Numbers that break readers.
_WILD = (
    *(0, 1, 2, 3, 4, 7, 8, 0x3F, 0x40, 0x7F, 0x80, 0xFE, 0xFF, 0xFFFF, 1 << 47),
    *(0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF),
    *((1 << 63) - 1, 1 << 63, (1 << 64) - 64, (1 << 64) - 1),
)


def _read_all(opened: KernelFile) -> None:
    """Asks for everything that a check could ask for."""
    with opened as kernel:
        assert (kernel.payload is None) == (kernel.problem is not None)
        assert kernel.size_appended in (True, False)
        if kernel.payload is None:
            return
        try:
            elf = Elf(kernel.payload)
        except NotElf:
            return
        assert len(elf.sections) <= elf.shdr_count
        for section in elf.sections[:100]:
            assert section.name is None or len(section.name) <= 4 * 4096
        elf.section("__xen_guest")
        assert (elf.phdr_end | elf.shdr_end) < 1 << 64
        for note in NoteWalk(elf):
            assert note.is_xen == (note.owner == b"Xen")
            assert len(note.desc) <= min(4096, note.n_descsz)
            assert 0 <= note.numeric() < 1 << 64
            note.numeric_array(4, 0)
            note.string()
        for segment in elf.qemu_note_segments:
            for qemu_note in qemu_notes(elf, segment):
                kernel.payload.unsigned(qemu_note.desc_offset, 8)


def _seeds() -> Iterator[bytes]:
    for image in (good_both(), good_pv32(), good_pvh(), replace(good_pv64(), in_segment=False)):
        content = bytes(image)
        yield content
        for compress in COMPRESS.values():
            yield compress(content)
            yield bzimage(compress(content) + struct.pack("<I", len(content)))


def _mutated(content: bytes, chance: random.Random) -> bytes:
    result = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        kind = chance.randrange(5)
        # Headers, notes and the table of sections are where the decisions are.
        place = chance.choice((64, 64 + 56 * 2, 0x260, len(result)))
        at = chance.randrange(max(1, min(place, len(result))))
        if chance.random() < 0.3:
            at = min(0x3000 + chance.randrange(0x300), len(result) - 1)
        if kind == 0:
            width = chance.choice((1, 2, 4, 8))
            value = chance.choice(_WILD) & ((1 << 8 * width) - 1)
            at &= -width
            result[at : at + width] = value.to_bytes(width, chance.choice(("little", "big")))
        elif kind == 1 and result:
            result[at % len(result)] ^= 1 << chance.randrange(8)
        elif kind == 2:
            result[at : at + 4] = chance.randbytes(4)
        elif kind == 3:
            del result[at : at + chance.choice((1, 4, 100, len(result)))]
        else:
            result[at:at] = result[at : at + chance.choice((4, 12, 64, 4096))]
    return bytes(result)


def test_mutated_images(tmp_path: Path) -> None:
    print(f"XEN_TOOL_FUZZ_SEED={SEED}")
    chance = random.Random(SEED)
    seeds = list(_seeds())
    for case in range(CASES):
        content = _mutated(chance.choice(seeds), chance)
        try:
            _read_all(unwrap("image", Data.of_bytes(content)))
        except Exception as error:
            path = tmp_path / "crasher"
            path.write_bytes(content)
            pytest.fail(f"case {case} of seed {SEED}, kept in {path}: {error!r}")


def test_noise() -> None:
    chance = random.Random(SEED)
    for magic in (b"\x7fELF\2\1", b"\x7fELF\1\1", *(c(b"")[:6] for c in COMPRESS.values())):
        for _ in range(CASES // 50):
            content = magic + chance.randbytes(chance.randrange(3000))
            _read_all(unwrap("image", Data.of_bytes(content)))


def _notes_of_zeros() -> bytes:
    size = 60 * GIB
    segment = Segment(spec.PT_NOTE, 4, 0x5000, 0, 0, size, size, 4)
    return bytes(replace(good_pv64(), notes=(), loads=(segment,)))


def _far_headers() -> bytes:
    return bytes(replace(good_pv64(), e_shnum=65535, e_shentsize=65535, e_phnum=65535))


def _equal_headers() -> bytes:
    return bytes(
        replace(
            good_pv64(),
            e_phnum=65535,
            e_phentsize=0,
            e_phoff=64 + 56,  # the PT_NOTE
            e_shnum=65535,
            e_shentsize=0,
        )
    )


def _bomb(name: str) -> Callable[[], bytes]:
    return lambda: COMPRESS[name](bytes(200 << 20))


def _wide_bomb() -> bytes:
    window = {"id": lzma.FILTER_LZMA2, "dict_size": 128 << 20}
    return lzma.compress(bytes(200 << 20), filters=[window])


HOSTILE: dict[str, tuple[Callable[[], bytes], int]] = {
    "zeros": (lambda: b"", 64 * GIB),
    "notes of zeros": (_notes_of_zeros, 64 * GIB),
    "far headers": (_far_headers, 64 * GIB),
    "equal headers": (_equal_headers, 64 * GIB),
    "endless lzma": (lambda: b"\x5d\0\0\x80\0" + b"\xff" * 8, 64 * GIB),
    "endless zstd": (lambda: b"\x28\xb5\x2f\xfd\x00\x58", 64 * GIB),
    "endless lz4": (lambda: b"\x02\x21\x4c\x18", 64 * GIB),
    "endless gzip": (lambda: b"\x1f\x8b\x08\x10" + bytes(6), 64 * GIB),
    "endless bzImage": (lambda: bzimage(COMPRESS["xz"](b""), payload_length=0xFFFFFFFF), 64 * GIB),
    "bomb with the window of Linux's xz": (_wide_bomb, 0),
    **{f"bomb {name}": (_bomb(name), 0) for name in COMPRESS},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_memory_and_time(tmp_path: Path, what: str) -> None:
    make, size = HOSTILE[what]
    content = make()
    path = tmp_path / "image"
    path.write_bytes(content)
    if size:
        os.truncate(path, size)
    command = [sys.executable, __file__, str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    # An image costs less than two seconds; sixty are a hang.
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) <= len(content) + (64 << 20)


def main() -> None:
    """Prints by how many bytes reading an image makes this process grow at most."""

    def kib(name: str) -> int:
        # Not getrusage(), where the peak is that of the process which started this one.
        status = Path("/proc/self/status").read_text()
        return int(status.partition(f"{name}:")[2].split()[0])

    before = kib("VmRSS")
    _read_all(open_kernel(sys.argv[1]))
    print((kib("VmHWM") - before) << 10)


if __name__ == "__main__":
    main()
