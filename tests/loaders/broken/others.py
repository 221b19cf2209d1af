# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules U and Q: images that break the rules of libxenguest and of QEMU -kernel."""

from __future__ import annotations

import struct
from dataclasses import replace

from loaders.containers import bzimage, packed
from loaders.good import PHYS32_ENTRY, good_both, good_pv64, good_pvh
from loaders.images import (
    NOTES_OFFSET,
    PADDR,
    PVH_ENTRY,
    VIRT_BASE_64,
    Broken,
    Segment,
    features,
    note_segment,
    number,
    text,
)
from xen_tool.abi import XenElfNote
from xen_tool.elf import spec


def domu() -> Broken:
    pv, both = good_pv64(), good_both()
    yield (
        "U3-machine-386-64",
        "ELF64 of e_machine 386, for domU",
        replace(both, e_machine=spec.EM_386),
    )
    yield "U4-unaligned", "the image begins within a page", pv.based(VIRT_BASE_64, PADDR + 0x800)
    pvh = good_pvh(32)
    moved = pvh.loading(p_paddr=PADDR + 0x80).setting(
        number(XenElfNote.PHYS32_ENTRY, PADDR + 0x80 + PVH_ENTRY, 4)
    )
    yield "U4-unaligned-pvh", "the same for PVH", moved
    yield "U6-dom0-required", "FEATURES requires dom0", both.setting(features("!dom0"))
    yield (
        "U7-p2m-above",
        "INIT_P2M is above VIRT_BASE",
        pv.setting(number(XenElfNote.INIT_P2M, 0xFFFFFFFFC0000000)),
    )
    magic, flags = 0x336EC578, 0x00010001
    header = struct.pack("<3I", magic, flags, -(magic + flags) % (1 << 32))
    yield "U10-binary-image", "a table for multiboot-binary", pv.patching(0x800, header)
    yield "U10-binary-image-pvh", "the same for PVH", pvh.patching(0x800, header)
    for name, flag, addresses in (
        ("64", 0x8000, (0x200800, 0x200000, 0, 0)),
        ("other-flag", 0x8002, (0x200800, 0x200000, 0, 0)),
        ("header-addr", 0x8000, (0x1FFFFF, 0x200000, 0, 0)),
        ("load-end-addr", 0x8000, (0x200800, 0x200000, 0x300000, 0)),
        ("bss-end-addr", 0x8000, (0x200800, 0x200000, 0x201000, 0x200FFF)),
        ("unaligned", 0x8000, (0x200900, 0x200100, 0, 0)),
    ):
        words = magic, flags | flag, -(magic + (flags | flag)) % (1 << 32), *addresses
        table = both.patching(0x800, struct.pack("<7I", *words))
        yield f"U10-binary-{name}", f"a table for multiboot-binary: {name}", table
    yield (
        "E7-empty",
        "nothing is to be loaded",
        pv.loading(p_filesz=0, p_memsz=0).setting(number(XenElfNote.ENTRY, VIRT_BASE_64 + PADDR)),
    )
    pvh = replace(good_pvh(64), e_machine=183)
    yield "X15-machine-arm64", "a PVH kernel whose e_machine is AArch64", pvh
    yield from firmware()


def firmware() -> Broken:
    """Yield ELF files without notes, which libxenguest may take for firmware of an HVM domain."""
    bare = replace(good_pvh(32), notes=())
    yield "V2-unaligned", "firmware that begins within a page", bare.loading(p_paddr=PADDR + 0x80)
    yield "V2-empty", "firmware of no bytes", bare.loading(p_filesz=0, p_memsz=0)
    yield "V2-nothing-loaded", "firmware without a segment", bare.loading(p_flags=0)
    yield "V2-bzimage", "the same in a bzImage", bzimage(packed("zstd", bytes(bare)))
    long = replace(good_pvh(64), notes=())
    yield "V1-bzimage", "an ELF64 without notes in a bzImage", bzimage(packed("xz", bytes(long)))
    header = bzimage(b"")[0x1F1:0x250]
    for name, image in (("V1-elf-and-bzimage", long), ("V2-elf-and-bzimage", bare)):
        yield (
            name,
            "an ELF without notes, and a bzImage with no payload",
            image.patching(0x1F1, header),
        )
    yield (
        "Q10-elf-and-bzimage",
        "a kernel, and a bzImage with no payload",
        good_both().patching(0x1F1, header),
    )


def multiboot(flags: int = 0, *addresses: int) -> bytes:
    """Return a multiboot header; addresses are the fields from header_addr on."""
    magic = 0x1BADB002
    words = magic, flags, -(magic + flags) % (1 << 32), *addresses
    return struct.pack(f"<{len(words)}I", *words)


def multiboot_images() -> Broken:
    """Yield files with a multiboot header, i386 ELF files and others, which QEMU starts by it."""
    # GRUB 2.06 copies all sections; with three that are aligned to less, it corrupts its heap.
    pvh = replace(good_pvh(32), section_align=16)
    long = replace(good_pvh(64), section_align=16, e_machine=spec.EM_386)
    both = replace(good_both(), section_align=16)
    yield "Q1-multiboot-64", "a multiboot header in an ELF64", both.patching(0x800, multiboot())
    plain = pvh.patching(0x800, multiboot())
    yield "Q1-multiboot-32", "a multiboot header in an ELF32", plain
    yield "Q1-multiboot-386", "the same in an ELF64 of i386", long.patching(0x800, multiboot())
    yield "Q1-vbe", "it asks for a video mode", pvh.patching(0x800, multiboot(4))
    yield "Q1-no-elf", "a multiboot header in no ELF", b"MZ".ljust(0x800, b"\0") + multiboot()
    yield "Q1-arm", "an ELF of another machine", replace(plain, e_machine=40)
    yield "Q1-msb", "EI_DATA says big endian", replace(plain, ei_data=2)
    yield "Q1-cut", "the file ends within the PT_LOAD", bytes(plain)[:0x2000]
    note_outside = note_segment(0x100000, 0x100)
    yield (
        "Q1-note-outside",
        "a PT_NOTE, which multiboot does not read, is behind the file",
        replace(plain, loads=(*plain.loads, note_outside)),
    )
    high = long.loading(p_paddr=1 << 32).patching(0x800, multiboot())
    yield "Q1-high", "the segment is above 4 GiB", high
    twice = replace(plain, loads=(*plain.loads, Segment(p_vaddr=PADDR, p_paddr=PADDR + 0x1000)))
    yield "Q1-overlap", "two segments overlap", twice
    has_addresses = 0x10000
    entry = PADDR + PVH_ENTRY
    for name, flags, addresses in (
        ("good", has_addresses, (PADDR + 0x800, PADDR, 0, 0, entry + 0x1000)),
        ("vbe", has_addresses | 4, (PADDR + 0x800, PADDR, 0, 0, entry + 0x1000)),
        ("load", has_addresses, (0x1000, 0x2000, 0, 0, 0)),
        ("header", has_addresses, (PADDR + 0x1000, PADDR, 0, 0, 0)),
        ("load-end", has_addresses, (PADDR + 0x800, PADDR, 0x1000, 0, 0)),
        ("wide", has_addresses, (0xFFFFF800, 0xFFFFF000, 0, 0, 0)),
        ("bss-end", has_addresses, (PADDR + 0x800, PADDR, PADDR + 0x2000, PADDR + 0x1000, 0)),
        ("file", has_addresses, (PADDR + 0x800, PADDR, PADDR + 0x100000, 0, 0)),
    ):
        header = multiboot(flags, *addresses)
        yield f"Q1-addresses-{name}", "a header with addresses", pvh.patching(0x800, header)


def overlaps() -> Broken:
    """Yield images whose segments overlap, with bytes of the file and without."""
    pvh = good_pvh(64)
    (load,) = pvh.loads
    data = replace(load, p_paddr=PADDR + 0x2000, p_filesz=0x1000, p_memsz=0x1000)
    long = replace(load, p_memsz=0x4000)
    zeros = replace(load, p_paddr=PADDR + 0x2000, p_filesz=0, p_memsz=0x1000)
    for name, loads in (
        ("zeros-over-next", (long, data)),
        ("zeros-over-previous", (data, long)),
        ("zeros-over-zeros", (load, zeros, zeros)),
        ("zeros-over-code", (load, replace(zeros, p_paddr=PADDR + 0x800, p_memsz=0x80))),
        ("bytes-over-bytes", (load, replace(data, p_paddr=PADDR + 0x1000))),
        ("same-bytes", (load, load)),
    ):
        yield f"X13-{name}", name.replace("-", " "), replace(pvh, loads=loads)


def memory() -> Broken:
    """Yield images whose segments need much memory, or lie over what QEMU itself has loaded."""
    pvh = good_pvh(64)
    (load,) = pvh.loads
    for name, size in (
        ("3-gib", 3 << 30),
        ("signed", (1 << 31) - 1),
        ("32-bit", (1 << 32) + 0x2000),
        ("63-bit", 1 << 63),
    ):
        yield f"Q11-{name}", f"a segment has {size:#x} bytes of memory", pvh.loading(p_memsz=size)
    zeros = replace(load, p_paddr=0x400000, p_filesz=0)
    twice = replace(zeros, p_memsz=1 << 30), replace(zeros, p_paddr=0x50000000, p_memsz=1 << 30)
    yield "Q11-together", "two of 1 GiB each", replace(pvh, loads=(load, *twice))
    cut = replace(zeros, p_paddr=0x400000, p_memsz=3 << 30), replace(zeros, p_paddr=0x50000000)
    yield "Q11-cut", "another is in 3 GiB of zeros", replace(pvh, loads=(load, *cut))
    below = replace(load, p_paddr=0xFFFBE000)
    over = replace(load, p_paddr=0xFFFBF000)
    yield "X13-below-firmware", "a segment ends at firmware", replace(pvh, loads=(load, below))
    yield "X13-over-firmware", "a segment ends in firmware", replace(pvh, loads=(load, over))
    no_memory = replace(load, p_paddr=PADDR + 0x1000, p_memsz=0)
    yield "E8-no-memory", "bytes over others, but no memory", replace(pvh, loads=(load, no_memory))
    entry = number(XenElfNote.PHYS32_ENTRY, 0x80000 + PVH_ENTRY, 4)
    at_640_kib = pvh.loading(p_paddr=0x80000).setting(entry)
    yield "Q7-entry-in-firmware", "the entry is in the memory of firmware", at_640_kib
    small = replace(load, p_paddr=0x8000, p_filesz=0x27, p_memsz=0x27)
    yield "Q7-small-and-low", "a small segment is low", replace(pvh, loads=(small, load))
    long = good_pvh(64).patching(NOTES_OFFSET, struct.pack("<I", 1 << 31))
    yield "Q3-long-name", "the owner of PHYS32_ENTRY has 2 GiB", long
    yield "Q8-msb", "big-endian, with flags", replace(pvh, ei_data=2, e_flags=4)


def qemu() -> Broken:
    pvh = good_pvh(64)
    yield from multiboot_images()
    yield from memory()
    yield from overlaps()
    yield "Q2-section", "notes in a SHT_NOTE only", replace(pvh, in_segment=False)
    yield "Q3-align-1", "p_align is 1", replace(pvh, note_align=1)
    yield "Q3-align-8", "p_align is 8, padding is to 4", replace(pvh, note_align=8)
    yield "Q3-align-0", "p_align is 0", replace(pvh, note_align=0)
    yield (
        "Q3-align-1-odd-string",
        "p_align is 1, and an odd string comes first",
        replace(pvh, notes=(text(XenElfNote.LOADER, "generi"), PHYS32_ENTRY), note_align=1),
    )
    yield (
        "Q4-owner",
        "PHYS32_ENTRY's owner is abc",
        replace(pvh, notes=(replace(PHYS32_ENTRY, owner=b"abc\0"),)),
    )
    wrong = number(XenElfNote.PHYS32_ENTRY, PADDR - 0x10, 4)
    yield (
        "Q5-last-good",
        "PHYS32_ENTRY twice, the first is wrong",
        replace(pvh, notes=(wrong, PHYS32_ENTRY)),
    )
    yield "Q5-first-good", "PHYS32_ENTRY twice, the last is wrong", pvh.adding(wrong)
    two = replace(pvh, notes=(wrong, PHYS32_ENTRY))
    yield (
        "Q5-two-segments",
        "a wrong one, the right one in a second PT_NOTE",
        two.with_second_segment(1),
    )
    wide = number(XenElfNote.PHYS32_ENTRY, PADDR + PVH_ENTRY, 8)
    yield "Q6-quad", "PHYS32_ENTRY has 8 bytes", pvh.setting(wide)
    yield "Q6-zero", "PHYS32_ENTRY is 0", pvh.setting(number(XenElfNote.PHYS32_ENTRY, 0, 4))
    yield (
        "Q7-outside",
        "PHYS32_ENTRY is outside the image",
        pvh.setting(number(XenElfNote.PHYS32_ENTRY, 0x5000000, 4)),
    )
    (load,) = pvh.loads
    nowhere = replace(load, p_paddr=VIRT_BASE_64 + 0x400000)
    yield "Q7-nowhere", "a second segment's p_paddr is virtual", replace(pvh, loads=(load, nowhere))
    yield "Q8-e-flags", "e_flags is 4", replace(pvh, e_flags=4)
    yield "Q9-machine", "e_machine is AArch64", replace(pvh, e_machine=183)
    yield "Q10-hdrs", "HdrS at 0x202 of an ELF", pvh.patching(0x202, b"HdrS")
