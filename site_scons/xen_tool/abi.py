# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Constants of Xen's and Linux's x86 ABI, on which a kernel and its loaders agree.

Each is defined once, under its Xen or Linux name, and imported from here.  "Xen" below means
the public headers xen/include/public/ of the Xen tree; "Linux" is v4.17.
"""

from __future__ import annotations

from enum import Enum, IntEnum, IntFlag

from .light import NamedTuple

PAGE_SIZE = 4096

NOTE_OWNER = "Xen"
"""Owner of every XEN_ELFNOTE_* (Xen elfnote.h)."""


BOOTSTRAP_ALIGN = 4 << 20
"""Bytes; the bootstrap memory of a PV guest ends at a multiple of them (Xen xen.h, start_info)."""
BOOTSTRAP_PADDING = 512 << 10
"""Fewest bytes that Xen leaves free at the end of the bootstrap memory (Xen xen.h, start_info)."""


class XenElfNote(IntEnum):
    """n_type of the notes of owner "Xen": XEN_ELFNOTE_* (Xen elfnote.h)."""

    INFO = 0
    ENTRY = 1
    HYPERCALL_PAGE = 2
    VIRT_BASE = 3
    PADDR_OFFSET = 4
    XEN_VERSION = 5
    GUEST_OS = 6
    GUEST_VERSION = 7
    LOADER = 8
    PAE_MODE = 9
    FEATURES = 10
    BSD_SYMTAB = 11
    HV_START_LOW = 12
    L1_MFN_VALID = 13
    SUSPEND_CANCEL = 14
    INIT_P2M = 15
    MOD_START_PFN = 16
    SUPPORTED_FEATURES = 17
    PHYS32_ENTRY = 18
    PHYS32_RELOC = 19


class NoteForm(Enum):
    """What the descriptor of a note holds."""

    TEXT = "text"
    """A string that ends with a NUL."""
    FEATURES = "features"
    """A string that ends with a NUL: names of LIBELF_FEATURES, with | between them."""
    FEATURE_BITS = "feature bits"
    """A number: bits of XenFeat."""
    ADDRESS = "address"
    """A virtual address, or a size."""
    PHYSICAL = "physical"
    """A physical address."""
    NUMBERS = "numbers"
    """One or more numbers."""


class NoteKind(NamedTuple):
    """The descriptor of a type of notes."""

    form: NoteForm
    width: int = 0
    """Bytes of each number; 0: as wide as a pointer of the kernel."""
    counts: range = range(1, 2)
    """The counts of numbers that are allowed."""


NOTE_KINDS = {
    XenElfNote.INFO: NoteKind(NoteForm.TEXT),
    XenElfNote.ENTRY: NoteKind(NoteForm.ADDRESS),
    XenElfNote.HYPERCALL_PAGE: NoteKind(NoteForm.ADDRESS),
    XenElfNote.VIRT_BASE: NoteKind(NoteForm.ADDRESS),
    XenElfNote.PADDR_OFFSET: NoteKind(NoteForm.ADDRESS),
    XenElfNote.XEN_VERSION: NoteKind(NoteForm.TEXT),
    XenElfNote.GUEST_OS: NoteKind(NoteForm.TEXT),
    XenElfNote.GUEST_VERSION: NoteKind(NoteForm.TEXT),
    XenElfNote.LOADER: NoteKind(NoteForm.TEXT),
    XenElfNote.PAE_MODE: NoteKind(NoteForm.TEXT),
    XenElfNote.FEATURES: NoteKind(NoteForm.FEATURES),
    XenElfNote.BSD_SYMTAB: NoteKind(NoteForm.TEXT),
    XenElfNote.HV_START_LOW: NoteKind(NoteForm.ADDRESS),
    XenElfNote.L1_MFN_VALID: NoteKind(NoteForm.NUMBERS, 8, range(2, 1 << 16, 2)),
    XenElfNote.SUSPEND_CANCEL: NoteKind(NoteForm.NUMBERS, 4),
    XenElfNote.INIT_P2M: NoteKind(NoteForm.ADDRESS),
    XenElfNote.MOD_START_PFN: NoteKind(NoteForm.NUMBERS, 4),
    XenElfNote.SUPPORTED_FEATURES: NoteKind(NoteForm.FEATURE_BITS, 4),
    XenElfNote.PHYS32_ENTRY: NoteKind(NoteForm.PHYSICAL, 4),
    XenElfNote.PHYS32_RELOC: NoteKind(NoteForm.NUMBERS, 4, range(1, 4)),
}
"""The kind of each type, as kernels write it; every release of Xen reads these widths (Xen
elfnote.h, Linux xen-head.S)."""


class XenFeat(IntFlag):
    """Bits of XEN_ELFNOTE_SUPPORTED_FEATURES: 1 << XENFEAT_* (Xen features.h)."""

    WRITABLE_PAGE_TABLES = 1 << 0
    WRITABLE_DESCRIPTOR_TABLES = 1 << 1
    AUTO_TRANSLATED_PHYSMAP = 1 << 2
    SUPERVISOR_MODE_KERNEL = 1 << 3
    PAE_PGDIR_ABOVE_4GB = 1 << 4
    HVM_CALLBACK_VECTOR = 1 << 8
    DOM0 = 1 << 11
    LINUX_RSDP_UNRESTRICTED = 1 << 15


LIBELF_FEATURES = {
    feature.name.lower(): feature
    for feature in (
        XenFeat.WRITABLE_PAGE_TABLES,
        XenFeat.WRITABLE_DESCRIPTOR_TABLES,
        XenFeat.AUTO_TRANSLATED_PHYSMAP,
        XenFeat.SUPERVISOR_MODE_KERNEL,
        XenFeat.PAE_PGDIR_ABOVE_4GB,
        XenFeat.HVM_CALLBACK_VECTOR,
        XenFeat.DOM0,
    )
    if feature.name is not None
}
"""The only names that libelf accepts in XEN_ELFNOTE_FEATURES (Xen libelf-dominfo.c)."""

PAGE_PRESENT = 1
"""_PAGE_PRESENT of a level 1 entry: both the mask and the value in the note L1_MFN_VALID."""

HYPERCALL_SLOT_SIZE = 32
"""Bytes of one hypercall's code in the hypercall page (Xen arch-x86/xen.h)."""

HYPERCALLS = {
    0: "set_trap_table",
    1: "mmu_update",
    2: "set_gdt",
    3: "stack_switch",
    4: "set_callbacks",
    5: "fpu_taskswitch",
    6: "sched_op_compat",
    7: "platform_op",
    8: "set_debugreg",
    9: "get_debugreg",
    10: "update_descriptor",
    12: "memory_op",
    13: "multicall",
    14: "update_va_mapping",
    15: "set_timer_op",
    16: "event_channel_op_compat",
    17: "xen_version",
    18: "console_io",
    19: "physdev_op_compat",
    20: "grant_table_op",
    21: "vm_assist",
    22: "update_va_mapping_otherdomain",
    23: "iret",
    24: "vcpu_op",
    25: "set_segment_base",
    26: "mmuext_op",
    27: "xsm_op",
    28: "nmi_op",
    29: "sched_op",
    30: "callback_op",
    31: "xenoprof_op",
    32: "event_channel_op",
    33: "physdev_op",
    34: "hvm_op",
    35: "sysctl",
    36: "domctl",
    37: "kexec_op",
    38: "tmem_op",
    39: "xc_reserved_op",
    40: "xenpmu_op",
    41: "dm_op",
    48: "mca",
    49: "arch_1",
    50: "arch_2",
    51: "arch_3",
    52: "arch_4",
    53: "arch_5",
    54: "arch_6",
    55: "arch_7",
}
"""Names by number, as Linux spells them in xen_hypercall_NAME (Linux asm/xen-hypercalls.h).

There is no 11; 48 to 55 are __HYPERVISOR_arch_0 to 7 (Xen xen.h), of which arch_0 is mca on x86.
"""

HYPERCALL_IRET = 23
"""__HYPERVISOR_iret, which a guest does not call but jumps to, with a frame on the stack."""

MSR_EFER = 0xC0000080
MSR_GS_BASE = 0xC0000101
EFER_LME = 1 << 8
EFER_NX = 1 << 11
CR0_WP = 1 << 16
CR0_PG = 1 << 31
CR4_PAE = 1 << 5

LARGE_PAGE_SIZE = 0x200000
"""Bytes mapped by an entry of a level 2 table with _PAGE_PSE."""
PAGE_WRITABLE = 1 << 1
PAGE_LARGE = 1 << 7
"""_PAGE_RW and _PAGE_PSE (Linux asm/pgtable_types.h)."""

LOAD_PHYSICAL_ADDR = 0x1000000
"""Lowest physical load address of an image (Linux asm/page_types.h)."""


class Arch(NamedTuple):
    """Constants of an architecture; addresses and sizes in bytes."""

    name: str
    bits: int
    thread_size: int
    """THREAD_SIZE: size of the initial stack, init_thread_union (Linux asm/page_*_types.h)."""
    kasan_thread_size: int
    """THREAD_SIZE with KASAN, which doubles it on 64-bit only."""
    function_alignment: int
    """Alignment of functions in .init.text (Linux asm/linkage.h, without X86_ALIGNMENT_16)."""
    hv_start_low: int
    """XEN_ELFNOTE_HV_START_LOW: __HYPERVISOR_VIRT_START (Xen arch-x86/xen-x86_*.h)."""
    virt_base: int | None
    """XEN_ELFNOTE_VIRT_BASE: __START_KERNEL_map; None: the value of CONFIG_PAGE_OFFSET."""
    init_p2m: int | None
    """XEN_ELFNOTE_INIT_P2M: 8 * PGDIR_SIZE, where Linux wants the p2m list; None: no note."""

    @property
    def pointer_size(self) -> int:
        """Width of an address in bytes."""
        return self.bits // 8

    @property
    def symbol(self) -> str:
        """The Kconfig symbol that is y on this architecture."""
        return "X86_64" if self.bits == 64 else "X86_32"


FUNCTION_ALIGNMENT_16 = 16
"""Alignment of functions with X86_ALIGNMENT_16."""

X86_64 = Arch(
    name="x86_64",
    bits=64,
    thread_size=0x4000,
    kasan_thread_size=0x8000,
    function_alignment=16,
    hv_start_low=0xFFFF800000000000,
    virt_base=0xFFFFFFFF80000000,
    init_p2m=0x8000000000,
)
I386 = Arch(
    name="i386",
    bits=32,
    thread_size=0x2000,
    kasan_thread_size=0x2000,
    function_alignment=4,
    hv_start_low=0xF5800000,
    virt_base=None,
    init_p2m=None,
)
ARCHES = {arch.name: arch for arch in (X86_64, I386)}
"""Architectures by the value of ARCH=."""
