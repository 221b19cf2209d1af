# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""How libelf reads notes and the __xen_guest string: each special case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loaders.good import good_both, good_pv64, good_pvh
from loaders.images import Image, Note, features, number, text
from loaders.sections import symbols, with_sections
from xen_tool.abi import XenElfNote, XenFeat
from xen_tool.image.data import Data
from xen_tool.image.elf import Elf
from xen_tool.loaders.model.libelf.addresses import Addresses, addresses
from xen_tool.loaders.model.libelf.features import parse_features
from xen_tool.loaders.model.libelf.legacy import guest_info
from xen_tool.loaders.model.libelf.legacy import number as legacy_number
from xen_tool.loaders.model.libelf.parms import (
    UNSET_ADDR,
    UNSET_ADDR32,
    Pae,
    Parms,
    parse,
)

MAX = 0xFFFFFFFFFFFFFFFF


def parms(image: Image | bytes, *, legacy: bool = True) -> Parms:
    return parse(Elf(Data.of_bytes(bytes(image))), domu=False, legacy=legacy)


def guest(string: str) -> Parms:
    return parms(replace(good_pv64(), notes=(), guest=string))


def placed(image: Image | bytes, *, hvm: bool = False) -> Addresses:
    elf = Elf(Data.of_bytes(bytes(image)))
    return addresses(elf, parse(elf, domu=False, legacy=not hvm), hvm=hvm)


@pytest.mark.parametrize(
    ("names", "supported", "required", "unknown"),
    [
        (b"", 0, 0, None),
        (b"writable_page_tables|dom0", 0x801, 0, None),
        (b"!writable_page_tables|pae_pgdir_above_4gb", 0x11, 0x1, None),
        (b"||dom0||", 0x800, 0, None),
        (b"Dom0| dom0|dom0 ", 0, 0, None),
        (b"linux_rsdp_unrestricted", 0, 0, None),
        (b"!linux_rsdp_unrestricted|dom0", 0, 0, b"!linux_rsdp_unrestricted"),
        (b"dom0|!", 0x800, 0, b"!"),
        (b"!!dom0", 0, 0, b"!!dom0"),
        (b"!dom0 ", 0, 0, b"!dom0 "),
        (b"x" * 63 + b"dom0", 0x800, 0, None),
        (b"x" * 62 + b"|dom0", 0x800, 0, None),
        (b"x" * 63 + b"|dom0", 0x800, 0, None),
        (b"x" * 63 + b"!no", 0, 0, b"!no"),
        (
            b"writable_descriptor_tables|auto_translated_physmap|supervisor_mode_kernel|"
            b"hvm_callback_vector",
            0x10E,
            0,
            None,
        ),
    ],
)
def test_features(names: bytes, supported: int, required: int, unknown: bytes | None) -> None:
    assert parse_features(names) == (supported, required, unknown)


def test_features_accumulate_and_others_do_not() -> None:
    image = good_pv64().adding(
        features("hvm_callback_vector"),
        number(XenElfNote.SUPPORTED_FEATURES, 1 << 15, 4),
        number(XenElfNote.ENTRY, 0x1234),
    )
    found = parms(image)
    assert found.f_supported == 0x8000 | 0x100 | 0x800 | 0x11
    assert found.virt_entry == 0x1234


@pytest.mark.parametrize(
    ("size", "supported"), [(1, 0), (2, 0), (3, 0), (4, 0x801), (6, 0), (8, 0x801), (12, 0x801)]
)
def test_supported_features_is_an_array_of_words(size: int, supported: int) -> None:
    note = number(XenElfNote.SUPPORTED_FEATURES, 0x801, size)
    found = parms(good_pv64().without(XenElfNote.FEATURES).setting(note))
    assert found.f_supported == supported
    assert XenElfNote.SUPPORTED_FEATURES in found.counted


def test_parsing_ends_at_the_refused_note() -> None:
    image = replace(good_pv64(), notes=(features("!none"), *good_pv64().notes))
    found = parms(image)
    assert found.refused is not None
    assert found.refused[1] == b"!none"
    assert found.virt_base == UNSET_ADDR


def test_strings_are_cut_to_15() -> None:
    image = good_pv64().setting(
        text(XenElfNote.XEN_VERSION, "xen-3.0-x86_64-and-more"),
        text(XenElfNote.GUEST_OS, "0123456789abcdef"),
        text(XenElfNote.GUEST_VERSION, "0123456789abcdef"),
    )
    found = parms(image)
    assert found.xen_ver == b"xen-3.0-x86_64-"
    assert found.guest_os == found.guest_ver == b"0123456789abcde"


@pytest.mark.parametrize(
    ("mode", "pae"),
    [
        ("yes", Pae.EXTCR3),
        ("Yes", Pae.NO),
        ("yes,bimodal", Pae.BIMODAL),
        ("bimodal", Pae.BIMODAL),
        ("no", Pae.NO),
    ],
)
def test_pae_mode(mode: str, pae: Pae) -> None:
    assert parms(good_pv64().adding(text(XenElfNote.PAE_MODE, mode))).pae is pae


def test_phys32_entry_is_cut_to_32_bits() -> None:
    wide = number(XenElfNote.PHYS32_ENTRY, 0x1_0020_0100)
    assert parms(good_pvh().setting(wide)).phys_entry == 0x200100
    assert parms(good_pv64()).phys_entry == UNSET_ADDR32


def test_phys32_reloc() -> None:
    def reloc(desc: bytes) -> tuple[bool, int, int, int]:
        found = parms(good_pvh().adding(Note(XenElfNote.PHYS32_RELOC, desc)))
        return found.phys_reloc, found.phys_align, found.phys_min, found.phys_max

    words = bytes.fromhex("00002000 00001000 ffffff7f")
    assert reloc(b"") == (True, UNSET_ADDR32, 0, UNSET_ADDR32)
    assert reloc(words[:4]) == (True, 0x200000, 0, UNSET_ADDR32)
    assert reloc(words) == (True, 0x200000, 0x100000, 0x7FFFFFFF)
    assert reloc(words[:6]) == (True, 0, 0, UNSET_ADDR32)


def test_unreadable_string_does_not_count() -> None:
    found = parms(good_pv64().setting(text(XenElfNote.LOADER, "x" * 5000)))
    assert found.loader == b""
    assert XenElfNote.LOADER not in found.counted
    assert XenElfNote.VIRT_BASE in found.counted


@pytest.mark.parametrize(
    ("string", "pairs"),
    [
        (b"A=1,B=2", [(b"A", b"1"), (b"B", b"2")]),
        (b"A", [(b"A", b"")]),
        (b"A,B=", [(b"A", b""), (b"B", b"")]),
        (b"=1,,A==2", [(b"", b"1"), (b"", b""), (b"A", b"=2")]),
        (b" A = 1 ", [(b" A ", b" 1 ")]),
        (b"A=1\0B=2", [(b"A", b"1")]),
        (b"k" * 31 + b"=1", [(b"k" * 31, b""), (b"", b"1")]),
        (b"k" * 32 + b"=1", [(b"k" * 31, b""), (b"k", b"1")]),
        (b"A=" + b"v" * 127 + b",B=2", [(b"A", b"v" * 127), (b"", b""), (b"B", b"2")]),
        (b"A=" + b"v" * 126 + b",B=2", [(b"A", b"v" * 126), (b"B", b"2")]),
        (b"A=" + b"v" * 128, [(b"A", b"v" * 127), (b"v", b"")]),
        (b"", []),
    ],
)
def test_guest_string(string: bytes, pairs: list[tuple[bytes, bytes]]) -> None:
    assert list(guest_info(Data.of_bytes(b"before" + string), 6)) == pairs


@pytest.mark.parametrize(
    ("string", "value"),
    [
        (b"0x10", 16),
        (b"0XfF", 255),
        (b"010", 8),
        (b"10", 10),
        (b"0", 0),
        (b"", 0),
        (b"x10", 0),
        (b" 1", 0),
        (b"-1", 0),
        (b"0x", 0),
        (b"089", 0),
        (b"12kB", 12),
        (b"0x1ffffffff80000000", 0xFFFFFFFF80000000),
    ],
)
def test_guest_string_numbers(string: bytes, value: int) -> None:
    assert legacy_number(string) == value


def test_guest_string_hypercall_page_counts_pages_from_virt_base() -> None:
    assert guest("VIRT_BASE=0x100000,HYPERCALL_PAGE=0x2").virt_hypercall == 0x102000
    assert guest("HYPERCALL_PAGE=0x2").virt_hypercall == 0x2000
    assert guest("VIRT_BASE=0x100000").virt_hypercall == UNSET_ADDR


def test_guest_string_pae() -> None:
    assert guest("PAE=yes").pae is Pae.YES
    assert guest("PAE=yes[extended-cr3]").pae is Pae.EXTCR3
    assert guest("PAE=no").pae is Pae.NO


def test_guest_string_ends_at_an_unknown_required_feature_and_forgets_it() -> None:
    found = guest("LOADER=generic,FEATURES=!dom0|!none,XEN_VER=xen-3.0")
    assert (found.loader, found.xen_ver, found.refused) == (b"generic", b"", None)
    assert found.f_required == XenFeat.DOM0


def test_guest_string_is_for_pv_without_notes() -> None:
    string = "LOADER=generic"
    assert parms(replace(good_pv64(), guest=string)).guest_info is None
    bare = replace(good_pv64(), notes=(), guest=string)
    assert parms(bare).guest_info is not None
    assert parms(bare, legacy=False).guest_info is None


def test_paddr_offset_absent_is_0_with_notes_and_virt_base_with_the_string() -> None:
    base = 0xFFFFFFFF80000000
    assert placed(good_pv64().without(XenElfNote.PADDR_OFFSET)).virt_offset == base
    bare = replace(good_pv64(), notes=(), guest=f"VIRT_BASE={base:#x}")
    assert placed(bare).virt_offset == 0


def test_addresses_wrap() -> None:
    image = good_pv64().setting(
        number(XenElfNote.VIRT_BASE, 0x1000), number(XenElfNote.PADDR_OFFSET, MAX - 0xFFF)
    )
    assert placed(image).virt_offset == 0x2000
    assert placed(good_pv64().loading(p_paddr=MAX - 0xFFF)).pend == 0x1000


def test_pvh_takes_neither_base_nor_offset() -> None:
    found = placed(good_both(), hvm=True)
    assert (found.virt_base, found.virt_offset, found.virt_entry) == (0, 0, 0x200100)
    assert (found.virt_kstart, found.virt_kend) == (0x200000, 0x202000)


def test_entry_absent_is_e_entry() -> None:
    image = replace(good_pv64().without(XenElfNote.ENTRY), e_entry=0x4321)
    assert placed(image).virt_entry == 0x4321
    assert placed(good_pv64().setting(number(XenElfNote.ENTRY, MAX))).virt_entry != MAX


def test_bsd_symtab_lengthens_the_kernel() -> None:
    image = good_pv64().adding(text(XenElfNote.BSD_SYMTAB, "yes"))
    end = placed(image).virt_kend
    longer = placed(with_sections(image, *symbols("a", "b"))).virt_kend
    # the size field, ELF header, 3 section headers, 3 symbols, strings; each rounded up to 8
    assert longer - end == 264 + 72 + 8
    assert placed(with_sections(image)).virt_kend == end
