# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""How a loader starts what it accepts."""

from __future__ import annotations

import pytest

from loaders.rows import IMAGES
from xen_tool.image.container import unwrap
from xen_tool.image.data import Data
from xen_tool.loaders.model.releases import Xen
from xen_tool.loaders.names import ALL
from xen_tool.loaders.start import Start, starts
from xen_tool.loaders.verdict import verdicts


def start(image: bytes, loader: str, xen: str = "4.17") -> Start:
    with unwrap("image", Data.of_bytes(image)) as kernel:
        return starts(kernel, Xen.parse(xen), [loader])[loader]


@pytest.mark.parametrize("release", ["4.17", "4.17+pv32"])
def test_every_accepted_image_has_a_start(release: str) -> None:
    xen = Xen.parse(release)
    for name, content in IMAGES.items():
        with unwrap(name, Data.of_bytes(content)) as kernel:
            taken = [one for one, each in verdicts(kernel, xen, ALL).items() if each.accepted]
            assert list(starts(kernel, xen, taken)) == taken


@pytest.mark.parametrize(
    ("image", "loader", "entry", "mode"),
    [
        ("good-pv32", "xen-pv-domu", 0xC0200000, "32-bit PAE"),
        ("good-both", "xen-pvh-domu", 0x200100, "32-bit"),
        ("binary-no-elf", "xen-pv-domu", 0x200123, "64-bit"),
        ("U10-binary-image", "xen-pv-domu", 0, "32-bit PAE"),
        ("bzimage-and-multiboot", "qemu-kernel", None, "Linux's boot protocol"),
        ("Q1-addresses-good", "qemu-kernel", 0x201100, "32-bit"),
        ("Q1-addresses-good", "crosvm", 0x201100, "32-bit"),
        ("Q1-multiboot-386", "qemu-kernel", 0x200100, "32-bit"),
        ("Z1-bzimage-gzip", "qemu-kernel", None, "Linux's boot protocol"),
        ("Z1-bzimage-gzip", "xen-pv-dom0", 0xFFFFFFFF80200000, "64-bit"),
        ("Z1-bzimage-gzip", "cloud-hypervisor", None, "Linux's boot protocol"),
        ("P-good", "xen-efi", 0xFFFFFFFF80200000, "64-bit"),
        ("P-good-pvh", "xen-efi", 0x200100, "32-bit"),
        ("good-pv64", "kexec", 0xFFFFFFFF80200000, "64-bit"),
        ("J10-own-entry-32", "kexec", 0x200000, "32-bit"),
        ("J4-bzimage-64", "kexec", None, "Linux's boot protocol"),
        ("J9-raw", "kexec", 0x200030, "32-bit"),
        ("good-pv64", "libkrun", 0xFFFFFFFF80200000, "64-bit"),
        ("good-pvh64", "crosvm", 0x200100, "64-bit"),
        ("good-pv64", "grub-xen", 0xFFFFFFFF80200000, "64-bit"),
        ("Q1-addresses-good", "grub-multiboot", 0x201100, "32-bit"),
        ("G7-good-64", "grub-multiboot2", 0x200100, "32-bit"),
        ("G7-entry", "grub-xen-pvh", 0x201100, "32-bit"),
        ("G4-fits", "grub-xen-pvh", None, "Linux's boot protocol"),
        ("V2-elf-and-bzimage", "xen-pvh-domu", 0x200100, "32-bit"),
    ],
)
def test_where_and_in_which_mode(image: str, loader: str, entry: int | None, mode: str) -> None:
    found = start(IMAGES[image], loader, "4.17+pv32")
    assert (found.entry, found.mode.split(",")[0]) == (entry, mode)


_PV = "pages mapped from VIRT_BASE on"
_LOW = "low memory mapped at its own addresses"


@pytest.mark.parametrize(
    ("image", "loader", "memory", "registers"),
    [
        ("good-pv64", "grub-xen", _PV, "rsi: start_info, rsp: boot stack"),
        ("good-pv32", "xen-pv-domu", _PV, "esi: start_info, esp: boot stack"),
        ("good-both", "xen-pvh-dom0", "no paging", "ebx: start_info"),
        ("good-pvh64", "crosvm", _LOW, "rsi: boot_params, rsp: boot stack"),
        ("good-pvh32", "crosvm", "no paging", "esi: boot_params, esp: boot stack"),
        ("good-pv64", "kexec", _LOW[4:], "rdi: ELF boot notes, rsp: boot stack"),
        ("J10-own-entry-32", "kexec", "no paging", "on the stack: ELF boot notes"),
        ("G7-good-64", "grub-multiboot2", "no paging", "eax: 0x36d76289, ebx: multiboot 2"),
        ("J9-raw", "kexec", "no paging", "eax: 0x2badb002, ebx: multiboot"),
    ],
)
def test_memory_and_registers(image: str, loader: str, memory: str, registers: str) -> None:
    found = start(IMAGES[image], loader, "4.17+pv32")
    assert found.mode.partition(", ")[2] == memory
    assert found.registers.removesuffix(" information") == registers
