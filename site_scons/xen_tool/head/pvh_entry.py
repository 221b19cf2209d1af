# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The entry of a PVH guest: from 32-bit mode without paging to C code in long mode.

Xen enters it with flat segments, the physical address of struct hvm_start_info
in %ebx, and no stack (Xen docs/misc/pvh.pandoc).  Xen may have loaded the image
elsewhere than it was linked for (PHYS32_RELOC), so the code finds the distance,
keeps it in %ebp, and adds it to every address.  At the end it jumps to
xen_pvh_start_kernel at its virtual address, with init_thread_union as the
stack, the address of hvm_start_info in %edi, and the distance in %esi.
"""

from __future__ import annotations

from .. import abi
from ..elf import spec
from ..elf.assembler import Instruction, Jump, LocalLabel
from ..elf.note_encoding import Address, Words
from .config import HeadConfig
from .items import EXECUTABLE, HEAD_TEXT, Code, HeadSection, Label
from .note_texts import physical_offset
from .pv_entry import set_gs_base

# The GDT, and the selectors of its descriptors.
_GDT = (0, 0x00AF9A000000FFFF, 0x00CF92000000FFFF)
_CODE_64, _DATA = 0x8, 0x10

# The kernel's pvh_page_tables, 8 pages of .bss: level 4, level 3 of the lowest and of
# the highest addresses, five of level 2.  Pages of 2 MiB map the first 4 GiB of memory at
# 0, and 1 GiB at VIRT_BASE.
_LEVEL_3_LOW, _LEVEL_3_HIGH, _LEVEL_2 = 0x1000, 0x2000, 0x3000
_TABLES_LOW = 4
_ENTRIES = 0x200

_TABLE = abi.PAGE_PRESENT | abi.PAGE_WRITABLE
_LARGE_PAGE = _TABLE | abi.PAGE_LARGE


def pvh_start_xen(config: HeadConfig) -> HeadSection:
    """Return the section of the PVH entry of a 64-bit kernel; the name is Linux's."""
    items = (
        Label(config.names.pvh_entry),
        Code((*_find_distance(config), *_clear_bss(config), *_map(config)), bits=32),
        Code(_enter_long_mode(config), bits=32),
        Code(_long_mode(config), bits=64),
        LocalLabel(".Lpvh_gdt"),
        Words(8, _GDT),
    )
    return HeadSection(HEAD_TEXT, spec.SHT_PROGBITS, EXECUTABLE, config.function_alignment, items)


def phys32_entry(config: HeadConfig) -> Address:
    """Return the descriptor of XEN_ELFNOTE_PHYS32_ENTRY."""
    return Address(4, config.names.pvh_entry, _physical(config))


def phys32_reloc() -> Words:
    """Return the descriptor of XEN_ELFNOTE_PHYS32_RELOC: alignment, lowest and highest address."""
    return Words(4, (abi.LARGE_PAGE_SIZE, abi.LOAD_PHYSICAL_ADDR, 0xFFFFFFFF))


def _physical(config: HeadConfig) -> int:
    return physical_offset(config.virt_base, config.arch.bits)


def _load(config: HeadConfig, symbol: str, register: str, offset: int = 0) -> Instruction:
    """Return an instruction that loads the physical address, at run time, of symbol + offset."""
    return Instruction(f"leal {{}}(%ebp), %{register}", symbol, _physical(config) + offset)


def _find_distance(config: HeadConfig) -> tuple[Instruction | Jump | LocalLabel, ...]:
    """Return instructions that load the distance into %ebp, by the return address of a call.

    The first word of hvm_start_info is the stack of the call, and is restored.
    """
    return (
        Instruction("cld"),
        Instruction("movl (%ebx), %eax"),
        Instruction("leal 0x4(%ebx), %esp"),
        Jump("call {}", ".Lpvh_here"),
        LocalLabel(".Lpvh_here"),
        Instruction("popl %ebp"),
        Instruction("movl %eax, (%ebx)"),
        Instruction("subl ${}, %ebp", ".Lpvh_here", _physical(config)),
    )


def _clear_bss(config: HeadConfig) -> tuple[Instruction, ...]:
    return (
        Instruction("xorl %eax, %eax"),
        _load(config, config.names.bss_start, "edi"),
        _load(config, config.names.bss_end, "ecx"),
        Instruction("subl %edi, %ecx"),
        Instruction("shrl $0x2, %ecx"),
        Instruction("rep stosl"),
        _load(config, config.names.stack, "esp", config.thread_size),
    )


def _map(config: HeadConfig) -> tuple[Instruction | Jump | LocalLabel, ...]:
    """Return instructions that fill the zeroed page tables; %edi is then the address of level 4."""
    level_4_entry = config.virt_base >> 39 & _ENTRIES - 1
    level_3_entry = config.virt_base >> 30 & _ENTRIES - 1
    # These entries refer to consecutive pages.
    places = [
        0,
        8 * level_4_entry,
        *(_LEVEL_3_LOW + 8 * entry for entry in range(_TABLES_LOW)),
        _LEVEL_3_HIGH + 8 * level_3_entry,
    ]
    upper: list[Instruction] = [Instruction(f"leal {_LEVEL_3_LOW | _TABLE:#x}(%edi), %eax")]
    for place in places:
        upper.append(Instruction(f"movl %eax, {place:#x}(%edi)"))
        upper.append(Instruction(f"addl ${abi.PAGE_SIZE:#x}, %eax"))
    return (
        _load(config, config.names.page_tables, "edi"),
        *upper,
        Instruction("xorl %ecx, %ecx"),
        Instruction(f"movl ${_LARGE_PAGE:#x}, %eax"),
        *_fill(".Lpvh_identity", _TABLES_LOW * _ENTRIES),
        Instruction(f"leal {_LARGE_PAGE:#x}(%ebp), %eax"),
        *_fill(".Lpvh_kernel", (_TABLES_LOW + 1) * _ENTRIES),
    )


def _fill(label: str, end: int) -> tuple[Instruction | Jump | LocalLabel, ...]:
    """Return a loop that writes the entries of level 2 from number %ecx up to end.

    The first entry is in %eax; end is exclusive.
    """
    return (
        LocalLabel(label),
        Instruction(f"movl %eax, {_LEVEL_2:#x}(%edi,%ecx,8)"),
        Instruction(f"addl ${abi.LARGE_PAGE_SIZE:#x}, %eax"),
        Instruction("incl %ecx"),
        Instruction(f"cmpl ${end:#x}, %ecx"),
        Jump("jne {}", label),
    )


def _enter_long_mode(config: HeadConfig) -> tuple[Instruction, ...]:
    return (
        # The operand of lgdt: a limit of 16 bits, an address of 32.
        _load(config, ".Lpvh_gdt", "eax"),
        Instruction("pushl %eax"),
        Instruction(f"pushl ${8 * len(_GDT) - 1 << 16:#x}"),
        Instruction("lgdt 0x2(%esp)"),
        Instruction("movl %cr4, %eax"),
        Instruction(f"orl ${abi.CR4_PAE:#x}, %eax"),
        Instruction("movl %eax, %cr4"),
        Instruction("movl %edi, %cr3"),
        Instruction(f"movl ${abi.MSR_EFER:#x}, %ecx"),
        Instruction("rdmsr"),
        Instruction(f"orl ${abi.EFER_LME | abi.EFER_NX:#x}, %eax"),
        Instruction("wrmsr"),
        Instruction("movl %cr0, %eax"),
        Instruction(f"orl ${abi.CR0_PG | abi.CR0_WP:#x}, %eax"),
        Instruction("movl %eax, %cr0"),
        # A far jump to the address to which its target was loaded.
        Instruction(f"pushl ${_CODE_64:#x}"),
        _load(config, ".Lpvh_long_mode", "eax"),
        Instruction("pushl %eax"),
        Instruction("lret"),
    )


def _long_mode(config: HeadConfig) -> tuple[Instruction | LocalLabel, ...]:
    return (
        LocalLabel(".Lpvh_long_mode"),
        Instruction(f"movl ${_DATA:#x}, %eax"),
        *(Instruction(f"movl %eax, %{register}") for register in ("ds", "es", "ss", "fs", "gs")),
        Instruction("movq ${}, %rsp", config.names.stack, config.thread_size),
        *set_gs_base(config),
        Instruction("movl %ebx, %edi"),
        Instruction("movl %ebp, %esi"),
        Instruction("movq ${}, %rax", config.names.pvh_start),
        Instruction("jmp *%rax"),
    )
