# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The entry of a PV guest: Linux v4.17, arch/x86/xen/xen-head.S."""

from __future__ import annotations

from .. import abi
from ..elf import spec
from ..elf.assembler import Instruction
from .config import HeadConfig
from .items import EXECUTABLE, INIT_TEXT, Code, HeadSection, Label


def startup_xen(config: HeadConfig) -> HeadSection:
    """Return the section of the PV entry, for either architecture."""
    code = Code(_startup_xen_64(config) if config.arch.bits == 64 else _startup_xen_32(config))
    items = (Label(config.names.entry), code)
    return HeadSection(INIT_TEXT, spec.SHT_PROGBITS, EXECUTABLE, config.function_alignment, items)


def _startup_xen_64(config: HeadConfig) -> tuple[Instruction, ...]:
    names = config.names
    return (
        Instruction("cld"),
        # Clear .bss.
        Instruction("xorl %eax, %eax"),
        Instruction("movq ${}, %rdi", names.bss_start),
        Instruction("movq ${}, %rcx", names.bss_end),
        Instruction("subq %rdi, %rcx"),
        Instruction("shrq $0x3, %rcx"),
        Instruction("rep stosq"),
        # Xen enters with the address of start_info in %rsi.
        Instruction("movq %rsi, {}", names.start_info),
        Instruction("movq ${}, %rsp", names.stack, config.thread_size),
        *set_gs_base(config),
        Instruction("jmp {}", names.start),
    )


def set_gs_base(config: HeadConfig) -> tuple[Instruction, ...]:
    """Return instructions that set %gs base, for the stack protector's canary; () if not set."""
    if not config.gs_base:
        return ()
    return (
        Instruction(f"movl ${abi.MSR_GS_BASE:#x}, %ecx"),
        Instruction("movq ${}, %rax", config.gs_base),
        Instruction("cltd"),
        Instruction("wrmsr"),
    )


def _startup_xen_32(config: HeadConfig) -> tuple[Instruction, ...]:
    names = config.names
    return (
        Instruction("cld"),
        Instruction("xorl %eax, %eax"),
        Instruction("movl ${}, %edi", names.bss_start),
        Instruction("movl ${}, %ecx", names.bss_end),
        Instruction("subl %edi, %ecx"),
        Instruction("shrl $0x2, %ecx"),
        Instruction("rep stosl"),
        Instruction("movl %esi, {}", names.start_info),
        Instruction("movl ${}, %esp", names.stack, config.thread_size),
        Instruction("jmp {}", names.start),
    )
