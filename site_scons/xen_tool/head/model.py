# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What the head object holds, section by section, as a function of the configuration.

Linux v4.17, arch/x86/xen/xen-head.S: the entry `startup_xen`, the hypercall
page, and the notes that announce both to Xen.  The model says what is there;
emit.py writes it as an object, gas.py as GNU as source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import abi
from ..abi import Arch, XenElfNote, XenFeat
from ..elf import spec
from ..elf.assembler import Instruction
from ..elf.notes import Address, Note, Text, Words
from ..errors import XenToolError

SYMBOLS = (
    "XEN",
    "XEN_PV",
    "SMP",
    "KASAN",
    "STACK_VALIDATION",
    "X86_ALIGNMENT_16",
    "PAGE_OFFSET",
)
"""Every Kconfig symbol that the head object depends on, besides the architecture."""

HINT_SIZE = 8
"""Bytes of one struct unwind_hint: ip, sp_offset, sp_reg, type (Linux asm/unwind_hints.h)."""


@dataclass(frozen=True)
class HeadConfig:
    """The part of a configuration that the head object depends on."""

    arch: Arch
    xen_pv: bool
    smp: bool
    kasan: bool
    stack_validation: bool
    x86_alignment_16: bool
    virt_base: int

    @classmethod
    def from_symbols(cls, arch: Arch, symbols: Mapping[str, str]) -> HeadConfig | None:
        """From Kconfig values ("y", "0xc0000000"); None when XEN is not set.

        A symbol that is absent is n.

        Raises XenToolError if 32-bit and PAGE_OFFSET is no number.
        """

        def enabled(name: str) -> bool:
            return symbols.get(name) == "y"

        if not enabled("XEN"):
            return None
        return cls(
            arch=arch,
            xen_pv=enabled("XEN_PV"),
            smp=enabled("SMP"),
            kasan=enabled("KASAN"),
            stack_validation=enabled("STACK_VALIDATION") and arch.bits == 64,
            x86_alignment_16=enabled("X86_ALIGNMENT_16"),
            virt_base=_virt_base(arch, symbols.get("PAGE_OFFSET", "")),
        )

    @property
    def thread_size(self) -> int:
        """THREAD_SIZE in bytes."""
        return self.arch.kasan_thread_size if self.kasan else self.arch.thread_size

    @property
    def function_alignment(self) -> int:
        """Alignment of the entry, in bytes."""
        if self.x86_alignment_16:
            return abi.FUNCTION_ALIGNMENT_16
        return self.arch.function_alignment


def _virt_base(arch: Arch, page_offset: str) -> int:
    if arch.virt_base is not None:
        return arch.virt_base
    try:
        return int(page_offset, 16)
    except ValueError:
        raise XenToolError(
            f"the head object of {arch.name} needs CONFIG_PAGE_OFFSET (is {page_offset!r}): "
            "give it a hex default in Kconfig, as kconfig/Kconfig.x86 does"
        ) from None


@dataclass(frozen=True)
class Label:
    """A symbol at this place, `size` bytes long, or to the end of the section."""

    name: str
    size: int | None = None
    binding: int = spec.STB_GLOBAL
    type: int = spec.STT_NOTYPE


@dataclass(frozen=True)
class Zeros:
    """`size` bytes of zero."""

    size: int


@dataclass(frozen=True)
class Code:
    """Instructions, one after the other."""

    instructions: tuple[Instruction, ...]


@dataclass(frozen=True)
class UnwindHint:
    """An empty hint for the code at `offset` in `section`."""

    section: str
    offset: int


@dataclass(frozen=True)
class HeadSection:
    """A section and what lies in it, in order."""

    name: str
    type: int
    flags: int
    align: int
    items: tuple[Label | Zeros | Code | UnwindHint | Note, ...]


TEXT = ".text"
INIT_TEXT = ".init.text"
EXECUTABLE = spec.SHF_ALLOC | spec.SHF_EXECINSTR


def head(config: HeadConfig) -> list[HeadSection]:
    """Returns the sections of the head object, in the order of Linux's source."""
    sections = [_entry(config)] if config.xen_pv else []
    sections.append(_hypercall_page())
    if config.stack_validation:
        sections.append(_unwind_hints(config))
    sections.append(_notes(config))
    return sections


def _entry(config: HeadConfig) -> HeadSection:
    code = Code(_startup_xen_64(config) if config.arch.bits == 64 else _startup_xen_32(config))
    items = (Label("startup_xen"), code)
    return HeadSection(INIT_TEXT, spec.SHT_PROGBITS, EXECUTABLE, config.function_alignment, items)


def _startup_xen_64(config: HeadConfig) -> tuple[Instruction, ...]:
    gs_base = "init_per_cpu__irq_stack_union" if config.smp else "irq_stack_union"
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
        # %gs base, so that the stack protector's canary can be read.
        Instruction(f"movl ${abi.MSR_GS_BASE:#x}, %ecx"),
        Instruction("movq ${}, %rax", gs_base),
        Instruction("cltd"),
        Instruction("wrmsr"),
        Instruction("jmp {}", "xen_start_kernel"),
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


def _hypercall_page() -> HeadSection:
    """Zeros: Xen fills the page when it builds the domain."""
    items: list[Label | Zeros] = [Label("hypercall_page", abi.PAGE_SIZE)]
    for number in range(abi.PAGE_SIZE // abi.HYPERCALL_SLOT_SIZE):
        if number in abi.HYPERCALLS:
            name = f"xen_hypercall_{abi.HYPERCALLS[number]}"
            items.append(Label(name, abi.HYPERCALL_SLOT_SIZE, spec.STB_LOCAL, spec.STT_FUNC))
        items.append(Zeros(abi.HYPERCALL_SLOT_SIZE))
    return HeadSection(TEXT, spec.SHT_PROGBITS, EXECUTABLE, abi.PAGE_SIZE, tuple(items))


def _unwind_hints(config: HeadConfig) -> HeadSection:
    """For objtool: there is nothing to unwind at the entry and in each slot."""
    hints = [UnwindHint(INIT_TEXT, 0)] if config.xen_pv else []
    hints += [
        UnwindHint(TEXT, offset) for offset in range(0, abi.PAGE_SIZE, abi.HYPERCALL_SLOT_SIZE)
    ]
    return HeadSection(".discard.unwind_hints", spec.SHT_PROGBITS, 0, 1, tuple(hints))


def _notes(config: HeadConfig) -> HeadSection:
    arch = config.arch
    width = arch.pointer_size

    def pointer(value: int) -> Words:
        return Words(width, (value,))

    features = XenFeat.WRITABLE_PAGE_TABLES | XenFeat.DOM0 | XenFeat.LINUX_RSDP_UNRESTRICTED
    notes: list[tuple[XenElfNote, Text | Words | Address]] = [
        (XenElfNote.GUEST_OS, Text("linux")),
        (XenElfNote.GUEST_VERSION, Text("2.6")),
        (XenElfNote.XEN_VERSION, Text("xen-3.0")),
        (XenElfNote.VIRT_BASE, pointer(config.virt_base)),
    ]
    if arch.init_p2m is not None:
        notes.append((XenElfNote.INIT_P2M, pointer(arch.init_p2m)))
    if config.xen_pv:
        notes.append((XenElfNote.ENTRY, Address(width, "startup_xen")))
    notes += [
        (XenElfNote.HYPERCALL_PAGE, Address(width, "hypercall_page")),
        # Linux writes this one with .ascii: it has no NUL, only padding.
        (XenElfNote.FEATURES, Text("!writable_page_tables|pae_pgdir_above_4gb", nul=False)),
        (XenElfNote.SUPPORTED_FEATURES, Words(4, (features,))),
        (XenElfNote.PAE_MODE, Text("yes")),
        (XenElfNote.LOADER, Text("generic")),
        (XenElfNote.L1_MFN_VALID, Words(8, (abi.PAGE_PRESENT, abi.PAGE_PRESENT))),
        (XenElfNote.SUSPEND_CANCEL, Words(4, (1,))),
        (XenElfNote.MOD_START_PFN, Words(4, (1,))),
        (XenElfNote.HV_START_LOW, pointer(arch.hv_start_low)),
        (XenElfNote.PADDR_OFFSET, pointer(0)),
    ]
    items = tuple(Note(abi.NOTE_OWNER, type_, desc) for type_, desc in notes)
    return HeadSection(".note.Xen", spec.SHT_NOTE, spec.SHF_ALLOC, 4, items)
