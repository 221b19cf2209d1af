# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Containers: each is unwrapped to the packed bytes, or reports the problem in a sentence."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import random
import re
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import lz4.block
import lzokay
import pytest

from loaders.containers import bzimage, packed
from loaders.good import good_both
from programs import program
from xen_tool.errors import XenToolError
from xen_tool.image import container
from xen_tool.image.block_streams import lz4_frames
from xen_tool.image.codecs import zstd_frames
from xen_tool.image.container import KernelFile, open_kernel
from xen_tool.image.data import Data
from xen_tool.image.stream_source import Damaged, Source
from xen_tool.printable import printable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

IMAGE = bytes(good_both())


def _lz4(content: bytes) -> bytes:
    result = struct.pack("<I", 0x184C2102)
    for start in range(0, len(content), 8 << 20):
        block = lz4.block.compress(content[start : start + (8 << 20)], store_size=False)
        result += struct.pack("<I", len(block)) + block
    return result


def _lzo(content: bytes) -> bytes:
    header = struct.pack(">HHHBBIIIIB", 0x1040, 0x20A0, 0x940, 1, 5, 1, 0o100644, 0, 0, 0)
    result = b"\x89LZO\0\r\n\x1a\n" + header + struct.pack(">I", zlib.adler32(header))
    for start in range(0, len(content), 256 << 10):
        piece = content[start : start + (256 << 10)]
        block = lzokay.compress(piece)
        block = block if len(block) < len(piece) else piece
        result += struct.pack(">III", len(piece), len(block), zlib.adler32(piece)) + block
    return result + bytes(4)


Compress = Callable[[bytes], bytes]
COMPRESS: dict[str, Compress] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda content: lzma.compress(content, lzma.FORMAT_ALONE),
    "LZO": _lzo,
    "lz4": _lz4,
    "zstd": zstd.compress,
}
PROGRAMS = {
    "gzip": ["gzip", "-9c"],
    "bzip2": ["bzip2", "-9c"],
    "xz": ["xz", "--check=crc32", "--x86", "--lzma2=dict=128MiB", "-c"],
    "lzma": ["xz", "--format=lzma", "-9c"],
    "LZO": ["lzop", "-9c"],
    "lz4": ["lz4", "-l", "-9", "-c"],
    "zstd": ["zstd", "--ultra", "-22", "-c"],
}
"""Commands that pack, as Linux's build calls them (scripts/Makefile.lib)."""

# Larger than a block of LZO and one of lz4, of all kinds of content.
_noise = random.Random(7)
LARGE = IMAGE + bytes(600_000) + _noise.randbytes(600_000) + b"kernel " * 1_300_000


def _open(tmp_path: Path, content: bytes) -> KernelFile:
    path = tmp_path / "image"
    path.write_bytes(content)
    return open_kernel(path)


def _payload(kernel: KernelFile) -> bytes:
    assert kernel.payload is not None, kernel.problem
    assert kernel.problem is None
    return kernel.payload.read(0, kernel.payload.size)


def _problem(tmp_path: Path, content: bytes) -> str:
    kernel = _open(tmp_path, content)
    assert kernel.payload is None
    assert kernel.problem is not None
    assert "\n" not in kernel.problem
    return kernel.problem


@pytest.mark.parametrize("content", [IMAGE, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("name", COMPRESS)
def test_bare_stream(tmp_path: Path, name: str, content: bytes) -> None:
    stream = COMPRESS[name](content)
    with _open(tmp_path, stream) as kernel:
        assert _payload(kernel) == content
        assert (kernel.format, kernel.container, kernel.boot_protocol) == (name, (name,), None)
        assert kernel.size_appended == (name == "gzip")
    with _open(tmp_path, stream + struct.pack("<I", len(content))) as kernel:
        assert _payload(kernel) == content
        assert (kernel.size_appended, kernel.stated_size) == (True, len(content))


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_no_file_stays_open(tmp_path: Path, name: str) -> None:
    before = os.listdir("/proc/self/fd")
    kernel = _open(tmp_path, COMPRESS[name](LARGE))
    assert _payload(kernel) == LARGE
    assert len(os.listdir("/proc/self/fd")) > len(before)
    kernel.close()
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("name", COMPRESS)
def test_bzimage(tmp_path: Path, name: str) -> None:
    payload = COMPRESS[name](IMAGE) + struct.pack("<I", len(IMAGE))
    content = bzimage(payload, payload_offset=0x321, version=0x20C) + b"behind the payload"
    with _open(tmp_path, content) as kernel:
        assert _payload(kernel) == IMAGE
        assert kernel.format == f"bzImage ({name})"
        assert kernel.container == ("bzImage", name)
        assert (kernel.boot_protocol, kernel.size_appended) == (0x20C, True)


@pytest.mark.parametrize("name", PROGRAMS)
def test_output_of_the_real_programs_is_unpacked(tmp_path: Path, name: str) -> None:
    packer, *options = PROGRAMS[name]
    # Through a pipe, as Linux's build does: the content's size is not known.
    result = subprocess.run(
        [program(packer), *options], input=LARGE, capture_output=True, check=True
    )
    for appended in (b"", struct.pack("<I", len(LARGE))):
        with _open(tmp_path, result.stdout + appended) as kernel:
            assert _payload(kernel) == LARGE
            assert kernel.format == name


@pytest.mark.parametrize(
    ("content", "what"), [(IMAGE, "ELF"), (b"text\n", "raw"), (b"", "raw"), (b"\x7fEL", "raw")]
)
def test_a_file_that_is_no_container_is_left_as_it_is(
    tmp_path: Path, content: bytes, what: str
) -> None:
    with _open(tmp_path, content) as kernel:
        assert (kernel.format, kernel.container, kernel.size_appended) == (what, (), False)
        assert kernel.payload is kernel.file
        assert _payload(kernel) == content


@pytest.mark.parametrize("content", [IMAGE, b"neither compressed nor ELF"])
def test_uncompressed_bzimage(tmp_path: Path, content: bytes) -> None:
    with _open(tmp_path, bzimage(content) + b"more") as kernel:
        assert _payload(kernel) == content
        assert (kernel.format, kernel.container) == ("bzImage", ("bzImage",))


def test_setup_sects_0_is_not_taken_as_4(tmp_path: Path) -> None:
    image = bytearray(bzimage(IMAGE, payload_offset=7 * 512))
    image[0x1F1] = 8
    struct.pack_into("<I", image, 0x248, 0)
    assert _payload(_open(tmp_path, bytes(image))) == IMAGE
    # Xen does not know that 0 means 4 to Linux.
    image[0x1F1] = 0
    struct.pack_into("<I", image, 0x248, 8 * 512)
    assert _payload(_open(tmp_path, bytes(image))) == IMAGE


def test_an_elf_file_with_the_magic_of_a_bzimage_is_one(tmp_path: Path) -> None:
    content = bytearray(IMAGE)
    content[0x202:0x206] = b"HdrS"
    kernel = _open(tmp_path, bytes(content))
    assert kernel.container == ("bzImage",)
    assert kernel.problem is not None


def test_old_bzimage_is_a_problem(tmp_path: Path) -> None:
    kernel = _open(tmp_path, bzimage(COMPRESS["gzip"](IMAGE), version=0x207))
    assert (kernel.boot_protocol, kernel.payload) == (0x207, None)
    assert kernel.problem is not None
    assert "2.07" in kernel.problem


@pytest.mark.parametrize(
    ("payload_offset", "payload_length"),
    [(0, 0xFFFFFFFF), (0xFFFFFFFF, 1), (0xFFFFFFFF, 0xFFFFFFFF), (0, len(IMAGE) + 1)],
)
def test_wild_payload_is_a_problem(
    tmp_path: Path, payload_offset: int, payload_length: int
) -> None:
    content = bytearray(bzimage(IMAGE, payload_length=payload_length))
    struct.pack_into("<I", content, 0x248, payload_offset)
    assert re.search(r"payload \[0x\w+, 0x\w+\) is not within", _problem(tmp_path, bytes(content)))


@pytest.mark.parametrize("name", COMPRESS)
def test_cut_stream_is_a_problem(tmp_path: Path, name: str) -> None:
    stream = COMPRESS[name](LARGE)
    for length in (6, 20, 1000, len(stream) // 2, len(stream) - 3):
        problem = _problem(tmp_path, stream[:length])
        assert problem.startswith(f"its {name} stream at offset 0x0 ")
        if name != "lz4" or length > 1000:
            assert "ends early; the file was cut short" in problem


@pytest.mark.parametrize("name", [name for name in COMPRESS if name not in ("lzma", "lz4", "zstd")])
def test_flipped_bit_is_a_problem(tmp_path: Path, name: str) -> None:
    # The other formats have no checksum.
    stream = bytearray(COMPRESS[name](LARGE))
    stream[len(stream) // 2] ^= 0x10
    assert "cannot be unpacked (" in _problem(tmp_path, bytes(stream))


def test_only_the_last_block_may_be_short(tmp_path: Path) -> None:
    # If short blocks could follow each other, a file of many would take too long.
    lz4_twice = _lz4(IMAGE) + _lz4(IMAGE)[4:]
    lzo_twice = _lzo(IMAGE)[:-4] + _lzo(IMAGE)[38:]
    for stream in (lz4_twice, lzo_twice):
        assert "a short block is not the last" in _problem(tmp_path, stream)


@pytest.mark.parametrize(("content", "stored"), [(10, 11), (10, 0), ((256 << 10) + 1, 4)])
def test_a_block_of_lzo_has_a_size(tmp_path: Path, content: int, stored: int) -> None:
    """A block holds 1 byte to 256 KiB, and is not larger than its content.

    See lib/decompress_unlzo.c of Linux.
    """
    stream = _lzo(IMAGE)[:38] + struct.pack(">III", content, stored, 1) + bytes(stored + 4)
    assert "cannot be unpacked (a block has a wrong size)" in _problem(tmp_path, stream)


def test_frames_and_blocks_are_counted(tmp_path: Path) -> None:
    """Without a limit, a file of many empty frames or blocks would take for ever."""
    magics = _lz4(IMAGE)[:4] * 70_000
    assert "has more blocks than are read" in _problem(tmp_path, magics)
    with Data.of_bytes(magics) as data, pytest.raises(Damaged, match="more blocks"):
        list(lz4_frames(Source(data, 0, data.size)))
    frames = packed("zstd", b"a", size_appended=False) * 1025
    for count, content in ((1024, b"a" * 1024), (1025, None)):
        with Data.of_bytes(frames[: len(frames) // 1025 * count]) as data:
            pieces = zstd_frames(Source(data, 0, data.size))
            if content is not None:
                assert b"".join(pieces) == content
                continue
            with pytest.raises(Damaged, match="more frames"):
                list(pieces)


@pytest.mark.parametrize("name", COMPRESS)
def test_bomb_is_a_problem(tmp_path: Path, name: str) -> None:
    bomb = COMPRESS[name](bytes(49 << 20))
    problem = _problem(tmp_path, bomb)
    assert "unpacks to more than 48 MiB, the limit for its size" in problem
    kernel = _open(tmp_path, COMPRESS[name](bytes(48 << 20)))
    assert kernel.payload is not None
    assert kernel.payload.size == 48 << 20


def test_the_limit_grows_with_the_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "UNPACKED_SMALL", 1000)
    content = _noise.randbytes(100_000) + bytes(1_400_000)
    assert _payload(_open(tmp_path, gzip.compress(content))) == content
    assert "more than 1 MiB" in _problem(tmp_path, gzip.compress(content + bytes(200_000)))
    monkeypatch.setattr(container, "UNPACKED_LIMIT", 1_000_000)
    assert "more than 0 MiB" in _problem(tmp_path, gzip.compress(content))


def test_a_stream_with_little_content_is_a_problem(tmp_path: Path) -> None:
    stream = gzip.compress(IMAGE)
    # The header of the stream has a file name of 3.5 or 4.5 MiB.
    start, end = b"\x1f\x8b\x08\x08" + stream[4:10], b"\0" + stream[10:]
    named = [start + b"x" * (n << 19) + end for n in (7, 9)]
    assert _payload(_open(tmp_path, named[0])) == IMAGE
    assert "it unpacks to less than its own size" in _problem(tmp_path, named[1])


@pytest.mark.parametrize("mib", [128, 256, 1024])
def test_a_dictionary_of_any_size_is_accepted(tmp_path: Path, mib: int) -> None:
    """The rules refuse what a loader has no memory for; an unused dictionary needs none here."""
    lzma2 = {"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": mib << 20}
    assert _payload(_open(tmp_path, lzma.compress(IMAGE, filters=[lzma2]))) == IMAGE


@pytest.mark.parametrize(
    ("name", "module"), [("LZO", "lzokay"), ("lz4", "lz4.block"), ("bzip2", "bz2")]
)
def test_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str
) -> None:
    stream = COMPRESS[name](IMAGE)
    monkeypatch.setitem(sys.modules, module, None)
    problem = _problem(tmp_path, stream)
    assert re.fullmatch(
        rf"to unpack its {name} stream takes .*\b{module.split('.')[0]}\b.*, "
        "which is not installed",
        problem,
    )


def test_only_what_is_unpacked_is_imported(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(IMAGE)
    program = (
        "import sys; from xen_tool.image.container import open_kernel;"
        f"open_kernel({str(tmp_path / 'image')!r});"
        "print(*{'zlib','bz2','lzma','tempfile','lz4','lzokay','backports'} & set(sys.modules))"
    )
    path = os.pathsep.join(sys.path)
    result = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == []


def _wide_xz(content: bytes) -> bytes:
    lzma2 = {"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 128 << 20}
    return lzma.compress(content, filters=[lzma2])


def _wide_zstd(content: bytes) -> bytes:
    window_of_128_mib = (27 - 10) << 3
    header = struct.pack("<IBB", 0xFD2FB528, 0, window_of_128_mib)
    return header + (len(content) << 3 | 1).to_bytes(3, "little") + content


@pytest.mark.parametrize("pack", [_wide_xz, _wide_zstd])
def test_no_memory_to_unpack(tmp_path: Path, pack: Compress) -> None:
    path = tmp_path / "image"
    path.write_bytes(pack(IMAGE))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (64 << 20), before[1]))
    try:
        with pytest.raises(XenToolError, match=r"image: there is not enough memory .*ulimit -v"):
            open_kernel(path)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert _payload(open_kernel(path)) == IMAGE


def test_no_room_to_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "image"
    path.write_bytes(gzip.compress(IMAGE))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(XenToolError, match=r"image: .*No space left on device.*TMPDIR"):
        open_kernel(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    for path, words in (
        (tmp_path, "is a folder; name"),
        (tmp_path / "fifo", "is a device or a pipe; name"),
        (Path("/dev/zero"), "is a device or a pipe; name"),
        (tmp_path / "none", "cannot be opened: No such file"),
        (tmp_path / "loop", "cannot be opened: Too many levels"),
        (tmp_path / "fifo" / "x", "cannot be opened: Not a directory"),
        (Path("a\0b"), "cannot be opened: a name has no NUL"),
    ):
        with pytest.raises(XenToolError, match=re.escape(f"{printable(str(path))}: {words}")):
            open_kernel(path)


def test_permission_denied(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(IMAGE)
    path.chmod(0)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)  # root can read every file
        with pytest.raises(XenToolError, match="cannot be opened: Permission denied"):
            open_kernel(path)
    finally:
        os.seteuid(user)


def test_descriptors_are_closed(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for content in (IMAGE, gzip.compress(IMAGE), bzimage(IMAGE), bzimage(lzma.compress(IMAGE))):
        with _open(tmp_path, content):
            pass
        _problem(tmp_path, gzip.compress(IMAGE)[:-9])
    assert len(os.listdir("/proc/self/fd")) == before
