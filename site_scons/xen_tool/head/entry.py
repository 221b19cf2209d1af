# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The entry of a PV guest: Linux v4.17, arch/x86/xen/xen-head.S."""

from __future__ import annotations

from .. import abi
from ..elf import spec
from ..elf.assembler import Instruction
from .config import HeadConfig
from .items import EXECUTABLE, INIT_TEXT, Code, HeadSection, Label


def startup_xen(config: HeadConfig) -> HeadSection:
    """The entry, for either architecture."""
    code = Code(_startup_xen_64(config) if config.arch.bits == 64 else _startup_xen_32(config))
    items = (Label("startup_xen"), code)
    return HeadSection(INIT_TEXT, spec.SHT_PROGBITS, EXECUTABLE, config.function_alignment, items)


def _startup_xen_64(config: HeadConfig) -> tuple[Instruction, ...]:
    return (
        Instruction("cld"),
        # Clear .bss.
        Instruction("xorl %eax, %eax"),
        Instruction("movq ${}, %rdi", "__bss_start"),
        Instruction("movq ${}, %rcx", "__bss_stop"),
        Instruction("subq %rdi, %rcx"),
        Instruction("shrq $0x3, %rcx"),
        Instruction("rep stosq"),
        # Xen enters with the address of start_info in %rsi.
        Instruction("movq %rsi, {}", "xen_start_info"),
        Instruction("movq ${}, %rsp", "init_thread_union", config.thread_size),
        *set_gs_base(config),
        Instruction("jmp {}", "xen_start_kernel"),
    )


def set_gs_base(config: HeadConfig) -> tuple[Instruction, ...]:
    """So that the stack protector's canary can be read."""
    gs_base = "init_per_cpu__irq_stack_union" if config.smp else "irq_stack_union"
    return (
        Instruction(f"movl ${abi.MSR_GS_BASE:#x}, %ecx"),
        Instruction("movq ${}, %rax", gs_base),
        Instruction("cltd"),
        Instruction("wrmsr"),
    )


def _startup_xen_32(config: HeadConfig) -> tuple[Instruction, ...]:
    return (
        Instruction("cld"),
        Instruction("xorl %eax, %eax"),
        Instruction("movl ${}, %edi", "__bss_start"),
        Instruction("movl ${}, %ecx", "__bss_stop"),
        Instruction("subl %edi, %ecx"),
        Instruction("shrl $0x2, %ecx"),
        Instruction("rep stosl"),
        Instruction("movl %esi, {}", "xen_start_info"),
        Instruction("movl ${}, %esp", "init_thread_union", config.thread_size),
        Instruction("jmp {}", "xen_start_kernel"),
    )
