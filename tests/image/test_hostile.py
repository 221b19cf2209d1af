# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Any bytes as an image: XenToolError only, no hang, and little memory.

XEN_TOOL_FUZZ_CASES sets the number of random cases.
"""

from __future__ import annotations

import lzma
import os
import random
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import hypothesis
import pytest
from hypothesis.strategies import randoms

from image.large import symbol, with_symbols
from image.test_container import COMPRESS
from loaders.containers import bzimage
from loaders.good import good_both, good_pv32, good_pv64, good_pvh
from loaders.images import LOADED_AT, Segment
from loaders.mutations import changed
from xen_tool.elf import spec
from xen_tool.image.container import KernelFile, open_kernel, unwrap
from xen_tool.image.data import Data
from xen_tool.image.elf import Elf, NotElf
from xen_tool.image.notes import NoteWalk, qemu_notes
from xen_tool.image.symbols import Symbols

CASES = int(os.environ.get("XEN_TOOL_FUZZ_CASES", "2000"))
GIB = 1 << 30
BOMB = 96 << 20
"""The size of a stream's content in bytes, which is more than a reader may use of memory."""


def _read_all(opened: KernelFile) -> None:
    """Read everything that a check could read."""
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
        table = Symbols(elf)
        assert all(len(entry) == 5 for entry in islice(table, 1000))
        table.at([0xFFFFFFFF80200000])
        table.before([0xFFFFFFFF80200002], lambda address: True)
        table.defines("hypercall_page")
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


def _streams() -> Iterator[bytes]:
    for image in (good_both(), good_pv32(), good_pvh(), replace(good_pv64(), in_segment=False)):
        content = bytes(image)
        yield content
        for compress in COMPRESS.values():
            yield compress(content)
            yield bzimage(compress(content) + struct.pack("<I", len(content)))


STREAMS = (*_streams(), *[with_symbols(b"\0main\0", symbol(1, LOADED_AT) * 3)] * 4)
MAGICS = (b"\x7fELF\2\1", b"\x7fELF\1\1", *(pack(b"")[:6] for pack in COMPRESS.values()))


def _random_images(count: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator: the test runs with count random sources, each from hypothesis."""
    settings = hypothesis.settings(max_examples=count, database=None, deadline=None)
    return lambda test: settings(hypothesis.given(chance=randoms(use_true_random=False))(test))


@_random_images(CASES)
def test_mutated_images(chance: random.Random) -> None:
    _read_all(unwrap("image", Data.of_bytes(changed(chance, chance.choice(STREAMS)))))


@_random_images(CASES)
def test_noise(chance: random.Random) -> None:
    content = chance.choice(MAGICS) + chance.randbytes(chance.randrange(3000))
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
    return lambda: COMPRESS[name](bytes(BOMB))


def _wide_bomb() -> bytes:
    window = {"id": lzma.FILTER_LZMA2, "dict_size": 128 << 20}
    return lzma.compress(bytes(BOMB), filters=[window])


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
    """Print the most bytes by which reading an image increases this process's memory."""

    def kib(name: str) -> int:
        # The peak of getrusage() may be that of the process that started this one.
        status = Path("/proc/self/status").read_text()
        return int(status.partition(f"{name}:")[2].split()[0])

    before = kib("VmRSS")
    _read_all(open_kernel(sys.argv[1]))
    print((kib("VmHWM") - before) << 10)


if __name__ == "__main__":
    main()
