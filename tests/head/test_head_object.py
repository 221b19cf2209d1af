# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The head object against GNU as, for every configuration, and against Linux's known bytes."""

from __future__ import annotations

import io
import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from objects import meaning
from xen_tool.abi import I386, X86_64, Arch, XenElfNote
from xen_tool.errors import XenToolError
from xen_tool.head import emit, gas
from xen_tool.head.config import SYMBOLS, HeadConfig

VIRT_BASE = 0xFFFFFFFF80000000
PAGE_OFFSETS = {"VMSPLIT_3G": 0xC0000000, "VMSPLIT_2G": 0x80000000, "VMSPLIT_1G": 0x40000000}


def _configurations() -> list[HeadConfig]:
    yes_no = (False, True)
    configurations = [
        HeadConfig(X86_64, pv, smp, kasan, validation, False, VIRT_BASE, page, pvh)
        for pv, smp, kasan, validation, page, pvh in itertools.product(yes_no, repeat=6)
    ]
    configurations += [
        HeadConfig(I386, pv, smp, False, False, align, page_offset, page)
        for pv, smp, align, page in itertools.product(yes_no, repeat=4)
        for page_offset in PAGE_OFFSETS.values()
    ]
    return configurations


def _name(config: HeadConfig) -> str:
    flags = ["xen_pv", "smp", "kasan", "stack_validation", "x86_alignment_16"]
    flags += ["hypercall_page", "xen_pvh"]
    names = [flag for flag in flags if getattr(config, flag)]
    return "-".join([config.arch.name, *names, f"{config.virt_base:x}"])


CONFIGURATIONS = _configurations()
BIGGEST_64 = HeadConfig(X86_64, True, True, False, True, False, VIRT_BASE, True, True)
BIGGEST_32 = HeadConfig(I386, True, True, False, False, False, 0xC0000000)
BIGGEST_32_ALIGNED = HeadConfig(I386, True, True, False, False, True, 0xC0000000)


Assemble = Callable[[HeadConfig], bytes]


@pytest.fixture
def assembled(tmp_path: Path, gnu_as: str) -> Assemble:
    def assemble(config: HeadConfig) -> bytes:
        source, target = tmp_path / "head.S", tmp_path / "head.o"
        source.write_text(gas.source(config))
        command = [gnu_as, f"--{config.arch.bits}", "-o", str(target), str(source)]
        subprocess.run(command, check=True)
        return target.read_bytes()

    return assemble


@pytest.mark.parametrize("config", CONFIGURATIONS, ids=_name)
def test_equals_what_gnu_as_makes(config: HeadConfig, assembled: Assemble) -> None:
    assert meaning(emit.emit(config)) == meaning(assembled(config))


@pytest.mark.parametrize("config", [BIGGEST_64, BIGGEST_32], ids=_name)
def test_any_changed_byte_is_seen(config: HeadConfig, assembled: Assemble) -> None:
    expected = meaning(assembled(config))
    content = emit.emit(config)
    assert meaning(content) == expected
    for offset in _offsets_of_meaning(content):
        changed = bytearray(content)
        changed[offset] ^= 0x01
        assert not _same(bytes(changed), expected), f"byte {offset:#x}"


def _offsets_of_meaning(content: bytes) -> list[int]:
    """Return offsets of every byte of small sections, and some of the page and of long tables."""
    offsets: list[int] = []
    for section in ELFFile(io.BytesIO(content)).iter_sections():
        if section["sh_type"] in ("SHT_NULL", "SHT_NOBITS", "SHT_STRTAB"):
            continue
        size = section["sh_size"]
        step = 1 if size < 0x200 else 61
        offsets += range(section["sh_offset"], section["sh_offset"] + size, step)
    return offsets


def _same(content: bytes, expected: object) -> bool:
    try:
        return meaning(content) == expected
    except Exception:  # A reader that raises an error has noticed the change.
        return False


def test_the_entry_is_linuxs_64_bit_code() -> None:
    config = HeadConfig(X86_64, True, True, False, False, False, VIRT_BASE)
    code = meaning(emit.emit(config))["sections"][".init.text"][3]
    assert code.hex(" ") == (
        "fc 31 c0 48 c7 c7 00 00 00 00 48 c7 c1 00 00 00 00 48 29 f9 48 c1 e9 03 f3 48 ab "
        "48 89 34 25 00 00 00 00 48 c7 c4 00 00 00 00 b9 01 01 00 c0 48 c7 c0 00 00 00 00 "
        "99 0f 30 e9 00 00 00 00"
    )
    assert meaning(emit.emit(config))["relocations"][".init.text"] == [
        (0x06, 11, "__bss_start", 0),
        (0x0D, 11, "__bss_stop", 0),
        (0x1F, 11, "xen_start_info", 0),
        (0x26, 11, "init_thread_union", 0x4000),
        (0x32, 11, "init_per_cpu__irq_stack_union", 0),
        (0x3A, 4, "xen_start_kernel", -4),
    ]


def test_the_entry_is_linuxs_32_bit_code() -> None:
    read = meaning(emit.emit(BIGGEST_32))
    assert read["sections"][".init.text"][3].hex(" ") == (
        "fc 31 c0 bf 00 00 00 00 b9 00 00 00 00 29 f9 c1 e9 02 f3 ab 89 35 00 00 00 00 "
        "bc 00 20 00 00 e9 fc ff ff ff"
    )
    assert [r[:3] for r in read["relocations"][".init.text"]] == [
        (0x04, 1, "__bss_start"),
        (0x09, 1, "__bss_stop"),
        (0x16, 1, "xen_start_info"),
        (0x1B, 1, "init_thread_union"),
        (0x20, 2, "xen_start_kernel"),
    ]


NOTES_64 = [
    (6, b"linux\0"),
    (7, b"2.6\0"),
    (5, b"xen-3.0\0"),
    (3, bytes.fromhex("00000080ffffffff")),
    (15, bytes.fromhex("0000000080000000")),
    (1, bytes(8)),
    (2, bytes(8)),
    (10, b"!writable_page_tables|pae_pgdir_above_4gb"),
    (17, bytes.fromhex("01880000")),
    (9, b"yes\0"),
    (8, b"generic\0"),
    (13, bytes.fromhex("0100000000000000" * 2)),
    (14, bytes.fromhex("01000000")),
    (16, bytes.fromhex("01000000")),
    (12, bytes.fromhex("000000000080ffff")),
    (4, bytes(8)),
]
NARROW = {3: "000000c0", 1: "00000000", 2: "00000000", 12: "000080f5", 4: "00000000"}
NOTES_32 = [
    (kind, bytes.fromhex(NARROW[kind]) if kind in NARROW else desc)
    for kind, desc in NOTES_64
    if kind != 15
]


@pytest.mark.parametrize(
    ("arch", "pv", "expected", "size"),
    [
        (X86_64, True, NOTES_64, 0x198),
        (X86_64, False, [note for note in NOTES_64 if note[0] != 1], 0x180),
        (I386, True, NOTES_32, 0x16C),
        (I386, False, [note for note in NOTES_32 if note[0] != 1], 0x158),
    ],
)
def test_the_notes_are_linuxs(
    arch: Arch, pv: bool, expected: list[tuple[int, bytes]], size: int
) -> None:
    virt_base = arch.virt_base or 0xC0000000
    read = meaning(emit.emit(HeadConfig(arch, pv, True, False, False, False, virt_base)))
    assert len(read["sections"][".note.Xen"][3]) == size
    assert _notes(read) == expected


def _notes(read: dict[str, Any]) -> list[tuple[int, bytes]]:
    data = read["sections"][".note.Xen"][3]
    found = []
    while data:
        namesz, descsz, kind = (int.from_bytes(data[i : i + 4], "little") for i in (0, 4, 8))
        assert data[12 : 12 + namesz] == b"Xen\0"
        found.append((kind, data[16 : 16 + descsz]))
        data = data[16 + (descsz + 3) // 4 * 4 :]
    return found


def test_the_hypercall_page_is_zeros_with_a_symbol_for_each_slot() -> None:
    read = meaning(emit.emit(HeadConfig(X86_64, True, True, False, True, False, VIRT_BASE)))
    assert read["sections"][".text"] == ("SHT_PROGBITS", 6, 4096, bytes(4096))
    slots = {s[0]: s for s in read["symbols"] if s[0].startswith("xen_hypercall_")}
    assert len(slots) == 49
    local = ("STT_FUNC", "STB_LOCAL", "STV_DEFAULT")
    assert slots["xen_hypercall_iret"][1:] == (*local, 23 * 32, 32, ".text")
    assert slots["xen_hypercall_mca"][1:] == (*local, 48 * 32, 32, ".text")
    assert slots["xen_hypercall_arch_7"][1:] == (*local, 55 * 32, 32, ".text")


def test_the_unwind_hints_cover_the_entries_and_every_slot() -> None:
    hints = meaning(emit.emit(BIGGEST_64))["relocations"][".discard.unwind_hints"]
    assert hints[:2] == [(0, 2, ".init.text", 0), (8, 2, ".head.text", 0)]
    assert hints[2:] == [(16 + 8 * n, 2, ".text", 32 * n) for n in range(128)]


# Xen 4.17, xen/arch/x86/pv/hypercall.c: what it writes into the page's slots, where
# `movl $number, %eax` stands before the instruction that enters Xen.
@pytest.mark.parametrize(
    ("arch", "call", "iret"),
    [
        (X86_64, "51 41 53 0f 05 41 5b 59 c3", "51 41 53 50 b8 17 00 00 00 0f 05"),
        (I386, "cd 82 c3", "50 b8 17 00 00 00 cd 82"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_without_the_page_there_are_stubs(arch: Arch, call: str, iret: str) -> None:
    virt_base = arch.virt_base or 0xC0000000
    config = HeadConfig(arch, True, True, False, False, False, virt_base, hypercall_page=False)
    read = meaning(emit.emit(config))
    assert read["sections"][".text"][3].hex(" ") == f"{call} {iret}"
    sizes = {name: len(bytes.fromhex(code)) for name, code in (("pv", call), ("iret", iret))}
    stubs = [symbol for symbol in read["symbols"] if "hypercall" in symbol[0]]
    function = ("STT_FUNC", "STB_GLOBAL", "STV_DEFAULT")
    assert stubs == [
        ("hypercall_iret", *function, sizes["pv"], sizes["iret"], ".text"),
        ("hypercall_pv", *function, 0, sizes["pv"], ".text"),
    ]
    assert XenElfNote.HYPERCALL_PAGE not in [kind for kind, _ in _notes(read)]


PVH = HeadConfig(X86_64, False, True, False, False, False, VIRT_BASE, True, True)


def test_without_pvh_nothing_of_it_is_there() -> None:
    read = meaning(emit.emit(HeadConfig(X86_64, True, True, False, True, False, VIRT_BASE)))
    assert ".head.text" not in read["sections"]
    assert len(read["sections"][".text"][3]) == 4096
    assert not [symbol for symbol in read["symbols"] if "pvh" in symbol[0]]


def test_a_pvh_guest_has_both_instructions_that_enter_xen() -> None:
    # Intel 64 SDM, VMCALL; AMD64 APM 3, VMMCALL.  QEMU without KVM cannot run the first.
    read = meaning(emit.emit(PVH))
    stubs = {s[0]: (s[4], s[5]) for s in read["symbols"] if s[0].startswith("hypercall_vm")}
    assert stubs == {"hypercall_vmcall": (0x1000, 4), "hypercall_vmmcall": (0x1004, 4)}
    assert read["sections"][".text"][3][0x1000:].hex(" ") == "0f 01 c1 c3 0f 01 d9 c3"


# From Xen docs/misc/pvh.pandoc for the state at the entry; Intel 64 SDM 3A for the rest (4.5
# page tables, 3.4.5 descriptors, 2.5 control registers, 10.8.5 how long mode is entered).
PVH_ENTRY = """
	.section .head.text, "ax"
	.code32
	cld
	movl (%ebx), %eax
	leal 4(%ebx), %esp		# a stack of one word, in hvm_start_info
	call 1f
1:	popl %ebp
	movl %eax, (%ebx)
	subl $1b + 0x80000000, %ebp	# how far from where it was linked for
	xorl %eax, %eax
	leal __bss_start + 0x80000000(%ebp), %edi
	leal __bss_stop + 0x80000000(%ebp), %ecx
	subl %edi, %ecx
	shrl $2, %ecx
	rep stosl
	leal init_thread_union + 0x80004000(%ebp), %esp
	leal pvh_page_tables + 0x80000000(%ebp), %edi
	leal 0x1003(%edi), %eax		# present, writable
	movl %eax, (%edi)		# PML4 entry 0: page 1
	addl $0x1000, %eax
	movl %eax, 511 * 8(%edi)	# PML4 entry 511: page 2
	addl $0x1000, %eax
	movl %eax, 0x1000(%edi)		# page 1: pages 3 to 6, 1 GiB each
	addl $0x1000, %eax
	movl %eax, 0x1008(%edi)
	addl $0x1000, %eax
	movl %eax, 0x1010(%edi)
	addl $0x1000, %eax
	movl %eax, 0x1018(%edi)
	addl $0x1000, %eax
	movl %eax, 0x2000 + 510 * 8(%edi)	# page 2, entry 510: page 7
	addl $0x1000, %eax
	xorl %ecx, %ecx
	movl $0x83, %eax		# present, writable, 2 MiB
2:	movl %eax, 0x3000(%edi, %ecx, 8)
	addl $0x200000, %eax
	incl %ecx
	cmpl $4 * 512, %ecx
	jne 2b
	leal 0x83(%ebp), %eax		# from where the image was loaded
3:	movl %eax, 0x3000(%edi, %ecx, 8)
	addl $0x200000, %eax
	incl %ecx
	cmpl $5 * 512, %ecx
	jne 3b
	leal gdt + 0x80000000(%ebp), %eax
	pushl %eax
	pushl $(3 * 8 - 1) << 16
	lgdt 2(%esp)
	movl %cr4, %eax
	orl $1 << 5, %eax		# PAE
	movl %eax, %cr4
	movl %edi, %cr3
	movl $0xc0000080, %ecx		# IA32_EFER
	rdmsr
	orl $1 << 8 | 1 << 11, %eax	# LME, NXE
	wrmsr
	movl %cr0, %eax
	orl $1 << 31 | 1 << 16, %eax	# PG, WP
	movl %eax, %cr0
	pushl $8
	leal 4f + 0x80000000(%ebp), %eax
	pushl %eax
	lret
	.code64
4:	movl $16, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl %eax, %fs
	movl %eax, %gs
	movq $init_thread_union + 0x4000, %rsp
	movl $0xc0000101, %ecx		# IA32_GS_BASE
	movq $init_per_cpu__irq_stack_union, %rax
	cltd
	wrmsr
	movl %ebx, %edi
	movl %ebp, %esi
	movq $xen_pvh_start_kernel, %rax
	jmp *%rax
gdt:	.quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
"""


def test_the_pvh_entry_is_what_the_manuals_ask_for(gnu_as: str, tmp_path: Path) -> None:
    source, target = tmp_path / "entry.S", tmp_path / "entry.o"
    source.write_text(PVH_ENTRY)
    subprocess.run([gnu_as, "--64", "-o", str(target), str(source)], check=True)
    expected, read = meaning(target.read_bytes()), meaning(emit.emit(PVH))
    name = ".head.text"
    assert read["sections"][name][3].hex(" ") == expected["sections"][name][3].hex(" ")
    assert read["relocations"][name] == expected["relocations"][name]
    assert ("pvh_start_xen", 0) in {(symbol[0], symbol[4]) for symbol in read["symbols"]}


@pytest.mark.parametrize(
    ("config", "code"),
    [(BIGGEST_64, 16), (BIGGEST_32, 4), (BIGGEST_32_ALIGNED, 16)],
    ids=["64", "32", "X86_ALIGNMENT_16"],
)
def test_sections_are_aligned_as_linuxs(config: HeadConfig, code: int) -> None:
    # CONFIG_FUNCTION_ALIGNMENT of x86 in Linux 6.1; its notes are of 4 bytes (linux/elfnote.h),
    # and nothing aligns the hints (linux/objtool.h).
    aligned = {name: row[2] for name, row in meaning(emit.emit(config))["sections"].items()}
    assert aligned.pop(".head.text", code) == code
    assert aligned.pop(".discard.unwind_hints", 1) == 1
    assert aligned == {".text": 4096, ".init.text": code, ".note.Xen": 4}


def test_the_pvh_entry_refers_to_physical_addresses() -> None:
    relocations = meaning(emit.emit(PVH))["relocations"][".head.text"]
    r_x86_64_32, r_x86_64_32s = 10, 11
    physical = {r[2]: r[3] for r in relocations if r[1] == r_x86_64_32}
    # References to the section itself: its address, its GDT, its 64-bit code.
    del physical[".head.text"]
    virtual = {r[2]: r[3] for r in relocations if r[1] == r_x86_64_32s}
    # Adding 2**64 - VIRT_BASE makes a virtual address a physical one.
    assert physical == {
        "__bss_start": 0x80000000,
        "__bss_stop": 0x80000000,
        "init_thread_union": 0x80004000,
        "pvh_page_tables": 0x80000000,
    }
    assert virtual == {
        "init_thread_union": 0x4000,
        "init_per_cpu__irq_stack_union": 0,
        "xen_pvh_start_kernel": 0,
    }


def test_the_pvh_notes() -> None:
    read = meaning(emit.emit(PVH))
    reloc = bytes.fromhex("00002000 00000001 ffffffff")
    assert _notes(read)[-2:] == [(18, bytes(4)), (19, reloc)]
    (entry,) = [r for r in read["relocations"][".note.Xen"] if r[2] == "pvh_start_xen"]
    assert entry[1:] == (10, "pvh_start_xen", 0x80000000)


def test_a_configuration_that_does_not_know_the_page_has_one() -> None:
    for symbols, expected in (({}, True), ({"XEN_HYPERCALL_PAGE": "n"}, False)):
        config = HeadConfig.from_symbols(X86_64, {"XEN": "y", **symbols})
        assert config is not None
        assert config.hypercall_page is expected


def test_without_xen_there_is_no_head() -> None:
    assert HeadConfig.from_symbols(X86_64, {"XEN": "n", "XEN_PV": "n"}) is None
    assert HeadConfig.from_symbols(X86_64, {}) is None


def test_the_symbols_of_a_configuration_decide() -> None:
    symbols = {"XEN": "y", "XEN_PV": "y", "KASAN": "y", "STACK_VALIDATION": "y"}
    config = HeadConfig.from_symbols(X86_64, symbols)
    assert config == HeadConfig(X86_64, True, False, True, True, False, VIRT_BASE)
    pvh = HeadConfig.from_symbols(X86_64, {"XEN": "y", "XEN_PVH": "y", "SMP": "y"})
    assert pvh == PVH
    assert config.thread_size == 0x8000
    for page_offset in PAGE_OFFSETS.values():
        symbols = {"XEN": "y", "SMP": "y", "PAGE_OFFSET": f"{page_offset:#x}"}
        config = HeadConfig.from_symbols(I386, symbols)
        assert config == HeadConfig(I386, False, True, False, False, False, page_offset)


def test_every_symbol_that_is_read_is_declared() -> None:
    read = set()

    class Recording(dict[str, str]):
        def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
            read.add(name)
            return super().get(name, default)

    for arch in (X86_64, I386):
        HeadConfig.from_symbols(arch, Recording({"XEN": "y", "PAGE_OFFSET": "0xC0000000"}))
    assert read == set(SYMBOLS)


def test_32_bit_without_page_offset_is_an_error() -> None:
    with pytest.raises(XenToolError, match="needs CONFIG_PAGE_OFFSET"):
        HeadConfig.from_symbols(I386, {"XEN": "y"})
