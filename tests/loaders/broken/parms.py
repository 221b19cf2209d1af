# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Rules C, A and L: images whose notes, or legacy __xen_guest, libelf refuses together."""

from __future__ import annotations

from dataclasses import replace

from loaders.good import good_both, good_pv64, good_pvh
from loaders.images import (
    HYPERCALL_PAGE,
    LOAD_SIZE,
    LOADED_AT,
    PADDR,
    PV_ENTRY,
    VIRT_BASE_64,
    Broken,
    Image,
    Note,
    number,
    text,
)
from xen_tool.abi import PAGE_SIZE, XenElfNote
from xen_tool.elf import spec

LEGACY = (
    f"GUEST_OS=test,XEN_VER=xen-3.0,LOADER=generic,VIRT_BASE={VIRT_BASE_64:#x},"
    f"ELF_PADDR_OFFSET=0x0,VIRT_ENTRY={LOADED_AT + PV_ENTRY:#x},"
    f"HYPERCALL_PAGE={PADDR + HYPERCALL_PAGE >> 12:#x},PAE=yes"
)
"""A __xen_guest string; unlike the note, HYPERCALL_PAGE counts pages from VIRT_BASE."""


def notes() -> Broken:
    pv, both = good_pv64(), good_both()
    yield "C1-no-notes", "no notes", replace(pv, notes=())
    yield (
        "C1-no-notes-arm",
        "no notes, and e_machine is ARM",
        replace(pv, notes=(), e_machine=spec.EM_ARM),
    )
    build_id = Note(3, b"\xab" * 20, b"GNU\0")
    yield "C2-foreign-only", "only a GNU build id", replace(pv, notes=(build_id,))
    yield "C2-loader-absent", "no LOADER, GUEST_OS is test", pv.without(XenElfNote.LOADER)
    for value in ("Generic", "gener", "a loader of a very long name"):
        slug = value.replace(" ", "-").lower()[:12]
        yield (
            f"C2-loader-{slug}",
            f"LOADER is {value!r}",
            pv.setting(text(XenElfNote.LOADER, value)),
        )
    yield (
        "C0-pvh-without-loader",
        "LOADER is wrong; PVH does not ask",
        both.setting(text(XenElfNote.LOADER, "none")),
    )
    yield "C3-version-absent", "no XEN_VERSION", pv.without(XenElfNote.XEN_VERSION)
    for value in ("xen-2.0", "Xen-3.0", "xen-3.", "a version of a very long name"):
        slug = value.replace(" ", "-").replace("X", "upper-x")[:12]
        yield (
            f"C3-version-{slug}",
            f"XEN_VERSION is {value!r}",
            pv.setting(text(XenElfNote.XEN_VERSION, value)),
        )
    yield (
        "C3-version-longer",
        "XEN_VERSION is xen-3.0-x86_64, which is fine",
        pv.setting(text(XenElfNote.XEN_VERSION, "xen-3.0-x86_64")),
    )
    yield (
        "A1-no-virt-base",
        "PADDR_OFFSET without VIRT_BASE, even for PVH",
        both.without(XenElfNote.VIRT_BASE),
    )
    yield (
        "A1-pvh",
        "PADDR_OFFSET in a PVH kernel",
        good_pvh().adding(number(XenElfNote.PADDR_OFFSET, 0, 4)),
    )
    end = LOADED_AT + LOAD_SIZE
    for name, entry in (
        ("physical", PADDR),
        ("before", LOADED_AT - 1),
        ("at-end", end),
        ("behind", end + 1),
    ):
        yield (
            f"A3-entry-{name}",
            f"ENTRY is {entry:#x}, the image {LOADED_AT:#x} to {end:#x}",
            pv.setting(number(XenElfNote.ENTRY, entry)),
        )
    yield (
        "A3-e-entry",
        "no ENTRY, and e_entry is physical",
        replace(pv.without(XenElfNote.ENTRY), e_entry=PADDR),
    )
    yield "A2-e-entry", "no ENTRY, e_entry serves", pv.without(XenElfNote.ENTRY)
    yield (
        "A3-no-virt-base",
        "neither VIRT_BASE nor PADDR_OFFSET",
        pv.without(XenElfNote.VIRT_BASE, XenElfNote.PADDR_OFFSET),
    )
    yield (
        "A3-virtual-paddr",
        "p_paddr is the virtual address",
        pv.loading(p_paddr=LOADED_AT),
    )
    yield (
        "A2-paddr-offset",
        "p_paddr is the virtual address, and PADDR_OFFSET says so",
        pv.loading(p_paddr=LOADED_AT).setting(number(XenElfNote.PADDR_OFFSET, VIRT_BASE_64)),
    )
    yield (
        "A3-base-above",
        "VIRT_BASE is above the image",
        pv.setting(
            number(XenElfNote.VIRT_BASE, LOADED_AT + PAGE_SIZE),
            number(XenElfNote.PADDR_OFFSET, PADDR + PAGE_SIZE),
        ),
    )
    for name, entry in (("before", PADDR - 1), ("virtual", LOADED_AT), ("behind", 0x7000000)):
        yield (
            f"A3-phys32-entry-{name}",
            f"PHYS32_ENTRY is {entry:#x}",
            both.setting(number(XenElfNote.PHYS32_ENTRY, entry)),
        )
    yield (
        "A4-init-p2m",
        "INIT_P2M is in the image",
        both.setting(number(XenElfNote.INIT_P2M, LOADED_AT + PAGE_SIZE)),
    )
    yield (
        "A4-init-p2m-pvh",
        "INIT_P2M is in the image's physical addresses",
        both.setting(number(XenElfNote.INIT_P2M, PADDR + PAGE_SIZE)),
    )


def legacy() -> Broken:
    bare = replace(good_pv64(), notes=())

    def guest(string: str) -> Image:
        return replace(bare, guest=string)

    yield "L1-guest", "a __xen_guest string alone, which is fine", guest(LEGACY)
    yield (
        "L1-beside-notes",
        "a senseless __xen_guest beside notes",
        replace(good_pv64(), guest="LOADER=none"),
    )
    yield (
        "L1-beside-foreign-notes",
        "__xen_guest beside a GNU build id",
        replace(guest(LEGACY), notes=(Note(3, b"\xab" * 20, b"GNU\0"),)),
    )
    yield "L2-empty", "__xen_guest is empty", guest("")
    yield "L2-loader", "LOADER=none", guest(LEGACY.replace("generic", "none"))
    yield "L2-version", "XEN_VER=xen-2.0", guest(LEGACY.replace("xen-3.0", "xen-2.0"))
    yield "L2-blank", "a blank before XEN_VER", guest(LEGACY.replace("XEN_VER", " XEN_VER"))
    yield (
        "L2-paddr-offset-absent",
        "no ELF_PADDR_OFFSET, which is then VIRT_BASE",
        guest(LEGACY.replace("ELF_PADDR_OFFSET=0x0,", "")),
    )
    yield (
        "L2-hypercall-page-address",
        "HYPERCALL_PAGE is an address",
        guest(LEGACY.replace("HYPERCALL_PAGE=0x", "HYPERCALL_PAGE=0xffffffff80")),
    )
    yield (
        "L3-unknown-required",
        "FEATURES requires an unknown feature, which no loader refuses",
        guest(LEGACY + ",FEATURES=!unheard_of"),
    )
    yield (
        "L3-features-first",
        "the same before XEN_VER, which is lost",
        guest("FEATURES=!unheard_of," + LEGACY),
    )
