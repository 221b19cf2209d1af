# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The code by which the guest calls Xen: a page that Xen fills, stubs in the kernel, or both.

Linux v4.17 has the page.  Since XSA-466 (CVE-2024-53241) Linux has none: Xen
writes plain `ret`s there, which defeat the return thunks and landing pads that
the compiler generates.  The stubs do what the page's slots do (Xen
docs/guest-guide/x86/hypercall-abi.rst), except that the caller puts the
hypercall's number into %eax.
"""

from __future__ import annotations

from collections.abc import Iterator

from .. import abi
from ..abi import Arch
from ..elf import spec
from ..elf.assembler import Instruction
from .config import HeadConfig
from .head_names import HeadNames
from .items import EXECUTABLE, TEXT, Code, HeadSection, Label, Zeros

_HVM_STUBS = ("vmcall", "vmmcall")


def hypercall_section(config: HeadConfig) -> HeadSection:
    """Return the section with the hypercall page or the PV stubs, and with the PVH stubs.

    The configuration decides which of them it has; without any it has no items.
    """
    items: list[Label | Zeros | Code] = []
    align = config.function_alignment
    stubs: dict[str, tuple[str, ...]] = {}
    if config.makes_page:
        items += _hypercall_page(config.names)
        align = abi.PAGE_SIZE
    elif config.xen_pv and not config.hypercall_page:
        stubs |= _pv_stubs(config.arch)
    if config.xen_pvh:
        # The processor's vendor decides which of the two instructions calls Xen.
        stubs |= {instruction: (instruction, "ret") for instruction in _HVM_STUBS}
    for name, instructions in stubs.items() if config.names.stubs else ():
        items.append(Label(f"{config.names.stubs}{name}", type=spec.STT_FUNC))
        items.append(Code(tuple(Instruction(text) for text in instructions)))
    return HeadSection(TEXT, spec.SHT_PROGBITS, EXECUTABLE, align, tuple(items))


def _hypercall_page(names: HeadNames) -> Iterator[Label | Zeros]:
    """Yield the symbols of the page and its slots, and zeros for their contents.

    Xen fills the page when it builds a PV domain, or when a PVH guest asks for it.
    """
    yield Label(names.page, abi.PAGE_SIZE)
    for number in range(abi.PAGE_SIZE // abi.HYPERCALL_SLOT_SIZE):
        if number in abi.HYPERCALLS and names.hypercalls:
            name = f"{names.hypercalls}{abi.HYPERCALLS[number]}"
            yield Label(name, abi.HYPERCALL_SLOT_SIZE, spec.STB_LOCAL, spec.STT_FUNC)
        yield Zeros(abi.HYPERCALL_SLOT_SIZE)


def _pv_stubs(arch: Arch) -> dict[str, tuple[str, ...]]:
    """Return the instructions of the stubs by name: pv, which calls Xen, and iret.

    A guest jumps to iret at the end of an exception or a system call.  HYPERVISOR_iret does not
    return: Xen pops the registers that are pushed here, and then the frame, off the stack.
    """
    iret = f"movl ${abi.HYPERCALL_IRET:#x}, %eax"
    if arch.bits == 32:
        return {
            "pv": ("int $0x82", "ret"),
            "iret": ("pushl %eax", iret, "int $0x82"),
        }
    return {
        "pv": (
            *("pushq %rcx", "pushq %r11"),
            "syscall",
            *("popq %r11", "popq %rcx"),
            "ret",
        ),
        "iret": ("pushq %rcx", "pushq %r11", "pushq %rax", iret, "syscall"),
    }
