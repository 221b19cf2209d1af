# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules D and H: images that break the rules of the hypervisor for dom0."""

from __future__ import annotations

import struct
from dataclasses import replace

from loaders.good import good_both, good_pv32, good_pv64, good_pvh
from loaders.images import (
    HYPERCALL_PAGE,
    LOAD_SIZE,
    LOADED_AT,
    PADDR,
    PVH_ENTRY,
    VIRT_BASE_64,
    Broken,
    Image,
    Note,
    Segment,
    features,
    number,
    text,
)
from xen_tool.abi import PAGE_SIZE, XenElfNote, XenFeat
from xen_tool.elf import spec


def pv() -> Broken:
    pv, pv32 = good_pv64(), good_pv32()
    yield "D3-pv32-no-pae", "a 32-bit kernel without PAE_MODE", pv32.without(XenElfNote.PAE_MODE)
    yield (
        "D3-pv32-bimodal",
        "PAE_MODE is bimodal",
        pv32.setting(text(XenElfNote.PAE_MODE, "bimodal")),
    )
    yield "D3-machine-386", "ELF64 of e_machine 386", replace(pv, e_machine=spec.EM_386)
    yield "D3-machine-arm64", "ELF64 of e_machine AArch64", replace(pv, e_machine=183)
    yield "D3-pv32-machine", "ELF32 of e_machine x86-64", replace(pv32, e_machine=spec.EM_X86_64)
    yield (
        "D3-pae-no",
        "a 64-bit kernel says PAE_MODE no, which is fine",
        pv.adding(text(XenElfNote.PAE_MODE, "no")),
    )
    yield (
        "D4-no-dom0",
        "SUPPORTED_FEATURES lacks dom0",
        good_both().setting(number(XenElfNote.SUPPORTED_FEATURES, 1, 4)),
    )
    yield (
        "D4-dom0-by-name",
        "SUPPORTED_FEATURES lacks dom0, FEATURES has it",
        pv.setting(
            number(XenElfNote.SUPPORTED_FEATURES, 1, 4), features("writable_page_tables|dom0")
        ),
    )
    yield (
        "D4-two-bytes",
        "SUPPORTED_FEATURES has 2 bytes, and so counts as 0",
        pv.setting(number(XenElfNote.SUPPORTED_FEATURES, XenFeat.DOM0, 2)),
    )
    yield (
        "D6-hv-start-low",
        "HV_START_LOW is too high",
        pv32.setting(number(XenElfNote.HV_START_LOW, 0xF5900000, 4)),
    )
    yield "D8-far", "p_paddr is more than a small machine has", pv.based(VIRT_BASE_64, 0x18000000)
    in_xen = 0xFFFF800000000000
    yield "D9-xen-area", "VIRT_BASE is where Xen is", pv.based(in_xen)
    yield "D9-below-xen", "VIRT_BASE is 2 MiB below Xen", pv.based(in_xen - 0x200000)
    yield "D10-non-canonical", "VIRT_BASE is not canonical", pv.based(0x0000900000000000)
    for name, page in (
        ("before", VIRT_BASE_64 - PAGE_SIZE),
        ("physical", PADDR + HYPERCALL_PAGE),
        ("behind", VIRT_BASE_64 + 0x400000),
        ("zero", 0),
    ):
        yield (
            f"D5-hypercall-page-{name}",
            f"HYPERCALL_PAGE is {page:#x}",
            pv.setting(number(XenElfNote.HYPERCALL_PAGE, page)),
        )
    # After the kernel there are start_info and the page tables; the initial map ends at 4 MiB.
    for name, page in (("page-table", PADDR + LOAD_SIZE + PAGE_SIZE), ("last", 0x400000 - 0x800)):
        yield (
            f"D11-{name}",
            f"HYPERCALL_PAGE is {page:#x} above VIRT_BASE",
            pv.setting(number(XenElfNote.HYPERCALL_PAGE, VIRT_BASE_64 + page)),
        )
    yield (
        "D11-hypercall-page-above-image",
        "HYPERCALL_PAGE is in the initial map, behind the image",
        pv.setting(number(XenElfNote.HYPERCALL_PAGE, VIRT_BASE_64 + 0x300000)),
    )
    for rule, name, p2m in (
        ("D12", "initial-map", VIRT_BASE_64 + 0x300000),
        ("D12", "below-image", VIRT_BASE_64),
        ("D13", "xen-area", in_xen),
        ("D13", "non-canonical", 0x0000900000000000),
    ):
        yield (
            f"{rule}-p2m-{name}",
            f"INIT_P2M is {p2m:#x}",
            pv.setting(number(XenElfNote.INIT_P2M, p2m)),
        )
    yield (
        "D14-supervisor-mode",
        "FEATURES requires supervisor_mode_kernel",
        good_both().setting(features("!supervisor_mode_kernel")),
    )
    yield (
        "D15-auto-translated",
        "FEATURES requires auto_translated_physmap, which no loader refuses",
        good_both().setting(features("!auto_translated_physmap")),
    )
    yield (
        "X2-hypercall-page-unaligned",
        "HYPERCALL_PAGE is not aligned, which dom0 minds later",
        pv.setting(number(XenElfNote.HYPERCALL_PAGE, LOADED_AT + HYPERCALL_PAGE - 0x200)),
    )
    yield (
        "X6-init-p2m-unaligned",
        "INIT_P2M is not aligned, which dom0 minds later",
        pv.setting(number(XenElfNote.INIT_P2M, 0x8000000100)),
    )


def pvh() -> Broken:
    pvh = good_pvh(64)
    generic = (text(XenElfNote.XEN_VERSION, "xen-3.0"), text(XenElfNote.LOADER, "generic"))
    none = replace(pvh, notes=generic)
    yield "H2-no-phys32-entry", "low in memory, but no PHYS32_ENTRY", none
    yield "H2-no-phys32-entry-32", "the same, ELF32", replace(good_pvh(32), notes=generic)
    yield (
        "H3-no-dom0",
        "SUPPORTED_FEATURES lacks dom0, in a PVH kernel",
        pvh.adding(number(XenElfNote.SUPPORTED_FEATURES, 1, 4)),
    )
    for name, paddr in (("vga", 0xA0000), ("no-ram", 0xC0000000), ("low", 0)):
        yield f"H4-{name}", f"p_paddr is {paddr:#x}", _pvh_at(pvh, paddr)
    (load,) = pvh.loads
    low = Segment(p_paddr=0x8000, p_vaddr=0x8000, p_filesz=0x27, p_memsz=0x27)
    empty = Segment(p_paddr=0, p_vaddr=0, p_filesz=0, p_memsz=0)
    for name, other in (
        ("hole", low),
        ("hole-in-vga", replace(low, p_paddr=0xB8000)),
        ("empty-at-0", empty),
        ("empty-at-0-without-flags", replace(empty, p_flags=0)),
        ("zeros-in-vga", replace(empty, p_paddr=0xB8000, p_memsz=0x100)),
    ):
        yield f"H4-{name}", f"a segment more: {name}", replace(pvh, loads=(load, other))
    reloc = Note(XenElfNote.PHYS32_RELOC, struct.pack("<3I", 0x200000, PADDR, 0xFFFFFFFF))
    yield "H5-reloc", "p_paddr is not RAM, but PHYS32_RELOC", _pvh_at(pvh, 0xC0000000).adding(reloc)
    yield "H5-reloc-unused", "PHYS32_RELOC, not needed", pvh.adding(reloc)
    yield "V2-elf32-no-notes", "an ELF32 without notes", replace(good_pvh(32), notes=())
    yield (
        "V2-elf32-entry",
        "an ELF32 whose PHYS32_ENTRY is outside",
        good_pvh(32).setting(number(XenElfNote.PHYS32_ENTRY, PADDR - 1, 4)),
    )
    yield (
        "V1-elf64-entry",
        "an ELF64 whose PHYS32_ENTRY is outside",
        pvh.setting(number(XenElfNote.PHYS32_ENTRY, PADDR - 1, 4)),
    )


def _pvh_at(image: Image, paddr: int) -> Image:
    return image.loading(p_paddr=paddr, p_vaddr=paddr).setting(
        number(XenElfNote.PHYS32_ENTRY, paddr + PVH_ENTRY, 4)
    )
