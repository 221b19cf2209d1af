# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""PE files with the section .kernel, whatever their headers say."""

from __future__ import annotations

import struct

import pytest

from loaders.good import good_both
from loaders.rows.efi import pe, unified
from xen_tool.image.container import KernelFile, unwrap
from xen_tool.image.data import Data
from xen_tool.image.pe import pe_of

IMAGE = unified(good_both())
_HEADER = IMAGE.index(b".kernel")


def opened(image: bytes) -> KernelFile:
    return unwrap("image", Data.of_bytes(image))


def patched(offset: int, layout: str, value: int) -> bytes:
    size = struct.calcsize(layout)
    return IMAGE[:offset] + struct.pack(layout, value) + IMAGE[offset + size :]


def test_the_kernel_is_what_is_in_memory() -> None:
    kernel = opened(IMAGE)
    assert kernel.format == "unified xen.efi (ELF)"
    assert kernel.file.size == len(IMAGE)
    assert kernel.inner.file.read(0, 1 << 20) == bytes(good_both())
    # Bytes in the file beyond VirtualSize are padding; missing bytes are zeros.
    less = opened(patched(_HEADER + 8, "<I", 100)).inner.file
    assert (less.size, less.read(0, 200)) == (100, bytes(good_both())[:100])
    more = opened(patched(_HEADER + 8, "<I", 0xFFFFFFFF)).inner.file
    assert more.size == 0xFFFFFFFF
    assert more.read(len(bytes(good_both())) - 1, 9) == bytes(good_both())[-1:] + bytes(8)


def test_a_name_is_compared_whole() -> None:
    for name in (b".kernels", b".kerne", b".Kernel", b"kernel"):
        assert opened(pe((name, 0x1000, bytes(good_both())))).embedded is None


@pytest.mark.parametrize("at", [0x40, 0x44])
def test_a_file_without_a_pe_header_is_raw(at: int) -> None:
    assert opened(patched(at, "<B", 0)).format == "raw"


def test_a_kernel_within_itself_is_not_unpacked_again() -> None:
    # The section is the whole file, in which no second kernel is searched for.
    whole = IMAGE[: _HEADER + 16] + struct.pack("<II", 1 << 20, 0) + IMAGE[_HEADER + 24 :]
    assert opened(whole).inner.format == "raw"
    for cut in range(0x200):
        opened(IMAGE[:cut])


def test_many_sections_are_read() -> None:
    headers = struct.pack("<8s4I16x", b".text", 0, 0, 0, 0) * 0xFFFF
    start = patched(0x46, "<H", 0xFFFF)[: 0x40 + 24 + 112]
    found = pe_of(Data.of_bytes(start + headers))
    assert found is not None
    assert len(found.sections) == 0xFFFF
